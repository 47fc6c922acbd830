// The script of report.html. It draws nothing: the page is whole without it. It moves the time,
// zooms, copies and saves. `pageData` is what page-data.ts makes.

/** The last state of each element at a time; what is not in it is up. */
function statesAt(changes, atMs) {
  const states = new Map();
  for (const change of changes) {
    if (change.atMs > atMs) break;
    states.set(change.id, change.state);
  }
  return states;
}

/** The last moment that is not after a time. */
function momentAt(moments, atMs) {
  return moments.findLast((moment) => moment.atMs <= atMs);
}

/** The nearest moment strictly before (-1) or after (1) a time. */
function nextMoment(moments, atMs, direction) {
  return direction > 0
    ? moments.find((moment) => moment.atMs > atMs + 0.5)
    : moments.findLast((moment) => moment.atMs < atMs - 0.5);
}

/** What one node holds at a time: the state before and all changes up to then. */
function tablesAt(state, node, atMs) {
  const items = new Map();
  for (const look of state) {
    if (look.atMs > atMs) break;
    for (const change of look.changes) {
      if (change.node !== node) continue;
      const key = `${change.table} ${change.key}`;
      if (change.after === undefined) items.delete(key);
      else items.set(key, change);
    }
  }
  const order = ["session", "rib", "fib"];
  return [...items.values()].sort(
    (a, b) => order.indexOf(a.table) - order.indexOf(b.table) || (a.key < b.key ? -1 : 1),
  );
}

/** Steps of an axis above ten seconds, where times are read as minutes and hours: in seconds. */
const longSteps = [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 86_400];

/** Round times for an axis of about `count` parts: steps of 1, 2 or 5 times a power of ten, or of a clock. */
function axisTimes(fromMs, toMs, count) {
  const rough = Math.max((toMs - fromMs) / count, 0.1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const decimal = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power;
  const long = longSteps.map((seconds) => seconds * 1000).find((ms) => ms >= rough);
  const stepMs = rough > 5000 && long !== undefined ? long : decimal;
  const times = [];
  for (let n = Math.ceil(fromMs / stepMs); n * stepMs < toMs; n++) times.push(n * stepMs);
  return times;
}

/** `12.34 s`, `3:05.20`, `1:02:05.20`: as the rest of the page writes a moment. */
function momentText(atMs, decimals) {
  const seconds = (atMs / 1000).toFixed(decimals);
  if (Number(seconds) < 60) return `${seconds} s`;
  const whole = Math.floor(Number(seconds));
  const pad = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = `${pad(whole % 60)}${decimals === 0 ? "" : seconds.slice(-decimals - 1)}`;
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${pad(minutes)}:${rest}`;
}

/** With as many decimals as the axis needs to tell its times apart. */
function axisLabel(atMs, spanMs) {
  const decimals = spanMs < 50 ? 3 : spanMs < 1000 ? 2 : spanMs < 10_000 ? 1 : 0;
  return momentText(atMs, decimals);
}

function start(document, pageData, rawRecords) {
  const { fromMs, toMs, changes, moments, routes, nodes } = pageData;
  const byId = (id) => document.getElementById(id);
  const slider = byId("time");
  const lanes = document.querySelector(".lanes");
  const axis = document.querySelector(".axis");
  const timeline = document.querySelector(".timeline");
  const drawn = document.querySelectorAll("[data-state]");
  const view = { fromMs, toMs, nowMs: toMs };
  let playing;
  let zoomedOn;
  let chosen;
  let looks;

  /** The tables of the chosen node as they were at the last look before the time. */
  function showTables() {
    const panel = byId("node-tables");
    panel.hidden = chosen === undefined;
    if (chosen === undefined) return;
    // Of a run before this one in the same file nothing counts: this one begins anew.
    looks ??= rawRecords().filter(({ type, atMs }) => type === "state" && atMs >= fromMs);
    const rows = tablesAt(looks, nodes[chosen], view.nowMs);
    const heading = document.createElement("h3");
    heading.textContent =
      rows.length === 0
        ? `${nodes[chosen]}: nothing is recorded of this time`
        : `${nodes[chosen]}: sessions and tables as last seen`;
    const table = document.createElement("table");
    const names = { session: "session", rib: "BGP", fib: "kernel" };
    for (const row of rows) {
      const line = table.insertRow();
      for (const text of [names[row.table], row.key, row.after]) {
        line.insertCell().textContent = text;
      }
    }
    panel.replaceChildren(heading, table);
  }

  /** Shows the fabric as it was at a time. */
  function show(atMs) {
    view.nowMs = Math.min(view.toMs, Math.max(view.fromMs, atMs));
    const states = statesAt(changes, view.nowMs);
    // A node glows for a moment after its routes changed, so convergence is seen to run through.
    const glowMs = Math.max(40, (view.toMs - view.fromMs) / 60);
    const busy = new Set();
    for (const route of routes) {
      if (route.atMs > view.nowMs) break;
      if (route.atMs > view.nowMs - glowMs) busy.add(route.id);
    }
    for (const element of drawn) {
      element.dataset.state = states.get(element.id) ?? "up";
      element.toggleAttribute("data-busy", busy.has(element.id));
    }
    slider.value = String(view.nowMs);
    const text = momentAt(moments, view.nowMs)?.text ?? "";
    byId("now").textContent = momentText(view.nowMs, 2);
    byId("moment").textContent = text;
    byId("moment").title = text;
    slider.setAttribute("aria-valuetext", `${(view.nowMs / 1000).toFixed(2)} seconds, ${text}`);
    lanes.style.setProperty("--now", String(view.nowMs));
    showTables();
  }

  function zoom(from, to) {
    view.fromMs = from;
    view.toMs = Math.max(to, from + 1);
    for (const element of [lanes, axis]) {
      element.style.setProperty("--t0", String(view.fromMs));
      element.style.setProperty("--t1", String(view.toMs));
    }
    const spanMs = view.toMs - view.fromMs;
    slider.min = String(view.fromMs);
    slider.max = String(view.toMs);
    slider.step = String(spanMs / 500);
    const parts = Math.max(2, Math.round(axis.clientWidth / 110));
    axis.replaceChildren(
      ...axisTimes(view.fromMs, view.toMs, parts).map((atMs) => {
        const label = document.createElement("span");
        label.style.setProperty("--t", String(atMs));
        label.textContent = axisLabel(atMs, spanMs);
        return label;
      }),
    );
    const whole = view.fromMs === fromMs && view.toMs === toMs;
    byId("whole").hidden = whole;
    if (whole) {
      zoomedOn?.removeAttribute("aria-pressed");
      zoomedOn = undefined;
    }
    show(view.nowMs);
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = undefined;
    byId("play").textContent = "▶ Play";
  }

  /** Plays what is in view in about ten seconds, from the start if the time stands at the end. */
  function play() {
    if (view.nowMs >= view.toMs) show(view.fromMs);
    byId("play").textContent = "❚❚ Pause";
    const speed = (view.toMs - view.fromMs) / 10_000;
    let lastMs = performance.now();
    const frame = (frameMs) => {
      show(view.nowMs + (frameMs - lastMs) * speed);
      lastMs = frameMs;
      if (view.nowMs >= view.toMs) stop();
      else playing = requestAnimationFrame(frame);
    };
    playing = requestAnimationFrame(frame);
  }

  function goTo(atMs) {
    stop();
    if (atMs < view.fromMs || atMs > view.toMs) zoom(fromMs, toMs);
    show(atMs);
  }

  const clicks = {
    play: () => (playing === undefined ? play() : stop()),
    before: () => goTo(nextMoment(moments, view.nowMs, -1)?.atMs ?? fromMs),
    after: () => goTo(nextMoment(moments, view.nowMs, 1)?.atMs ?? toMs),
    whole: () => zoom(fromMs, toMs),
    save: () => save(document, rawRecords()),
  };
  for (const [id, click] of Object.entries(clicks)) byId(id)?.addEventListener("click", click);
  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  function choose(element) {
    const node = element?.closest?.("g.node");
    if (!node) return;
    byId(chosen)?.removeAttribute("data-chosen");
    chosen = chosen === node.id ? undefined : node.id;
    if (chosen !== undefined) node.toggleAttribute("data-chosen", true);
    showTables();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") choose(event.target);
  });
  document.addEventListener("click", (event) => {
    choose(event.target);
    const target = event.target.closest?.("[data-at], [data-from], [data-copy]");
    if (!target) return;
    const { at, from, to, copy } = target.dataset;
    if (copy !== undefined) {
      navigator.clipboard?.writeText(byId(copy).textContent);
      target.textContent = "copied";
    } else if (at !== undefined) {
      goTo(Number(at));
      if (!target.closest(".timeline")) timeline.scrollIntoView({ block: "center" });
    } else {
      stop();
      const out = target === zoomedOn;
      zoomedOn?.removeAttribute("aria-pressed");
      zoomedOn = out ? undefined : target;
      zoomedOn?.setAttribute("aria-pressed", "true");
      // A little of what was before and after, so that the step's edges are seen.
      const marginMs = (Number(to) - Number(from)) / 25;
      if (out) zoom(fromMs, toMs);
      else zoom(Math.max(fromMs, Number(from) - marginMs), Math.min(toMs, Number(to) + marginMs));
    }
  });
  for (const type of ["pointerover", "focusin"]) {
    document.addEventListener(type, (event) => {
      const element = event.target.closest?.("[data-detail]");
      if (!element) return;
      const { detail, state } = element.dataset;
      byId("detail").textContent = state === "up" ? detail : `${detail} · ${state}`;
    });
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  zoom(fromMs, toMs);
}

/** Saves the records as they were written: one a line. */
function save(document, records) {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "timeline.jsonl";
  link.click();
  URL.revokeObjectURL(link.href);
}

function read(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

// In a test there is no document.
if (typeof document !== "undefined") {
  start(document, read("page-data"), () => read("timeline"));
}
