import type { TimelineRecord } from "../../timeline/record.ts";
import { formatDuration, formatElapsed } from "../duration.ts";
import type { ProbeSummary, RunSummary, StepSummary } from "../summary.ts";
import { html, type Markup } from "./markup.ts";

/** Ticks of one node that are drawn one by one; more are drawn as so many even slots. */
const ticksMax = 1000;

/**
 * The time axis: a lane of stages and steps, one of events, one for each probe, one for each node
 * whose routes changed. What stands at a time carries it as `--t`, a length as `--d` (milliseconds);
 * the style sheet turns them into places between `--t0` and `--t1`, so zooming sets two numbers.
 */
export function lanes(run: RunSummary, records: readonly TimelineRecord[]): Markup {
  return html`<div class="lanes" style="--t0:${run.fromMs};--t1:${run.toMs};--now:${run.toMs}">
    ${lane("run", [
      ...run.stages.map((stage) =>
        bar(
          "stage",
          stage.atMs,
          stage.tookMs ?? run.toMs - stage.atMs,
          `${stage.stage}: ${formatDuration(stage.tookMs ?? run.toMs - stage.atMs)}`,
        ),
      ),
      ...run.steps.map(stepBand),
    ])}
    ${eventLane(eventMarks(run))}
    ${run.probes.map((probe) => lane(probe.probe, probeBars(probe), "probe"))}
    ${routeLanes(records)}
    <div class="cursor-track" aria-hidden="true"><div class="cursor"></div></div>
  </div>`;
}

function lane(name: string, marks: readonly Markup[], kind = ""): Markup {
  return html`<div class="lane ${kind}">
    <div class="lane-name" title="${name}">${name}</div>
    <div class="track">${marks}</div>
  </div>`;
}

function stepBand(step: StepSummary): Markup {
  if (step.beganMs === undefined || step.endedMs === undefined) return html``;
  const lengthMs = step.endedMs - step.beganMs;
  const title = `step ${step.index + 1} ${step.name}: ${step.verdict}, ${formatDuration(lengthMs)}. Zoom in or out`;
  return html`<button
    type="button"
    class="band ${step.verdict}"
    style="--t:${step.beganMs};--d:${lengthMs}"
    data-from="${step.beganMs}"
    data-to="${step.endedMs}"
    title="${title}"
    aria-label="${title}"
  >
    ${step.index + 1}
  </button>`;
}

/** From so many on marks would hide each other: they are drawn as lines. */
const marksMax = 120;

function eventLane(marks: readonly Markup[]): Markup {
  return lane("events", marks, marks.length > marksMax ? "many" : "");
}

function eventMarks(run: RunSummary): Markup[] {
  const events = run.steps.flatMap((step) => step.events);
  const failures = run.failures.map(({ atMs, node, message }) =>
    mark("failure", atMs, node === undefined ? message : `${node}: ${message}`),
  );
  const checks = run.steps
    .flatMap((step) => step.checks)
    .filter((check) => check.verdict === "fail")
    .map((check) => mark("failure", check.atMs, `failed: ${check.text}`));
  return [
    ...events.map((event) =>
      mark(event.error === undefined ? "event" : "failure", event.atMs, event.text),
    ),
    ...checks,
    ...failures,
  ];
}

function mark(kind: string, atMs: number, text: string): Markup {
  const title = `${formatElapsed(atMs)} ${text}`;
  return html`<button
    type="button"
    class="mark ${kind}"
    style="--t:${atMs}"
    data-at="${atMs}"
    title="${title}"
    aria-label="${title}"
  ></button>`;
}

function probeBars(probe: ProbeSummary): Markup[] {
  const lengthMs = probe.endedMs - probe.beganMs;
  const what = `${probe.from} → ${probe.to} every ${formatDuration(probe.everyMs)}`;
  return [
    bar("answering", probe.beganMs, lengthMs, `${probe.probe}: ${what}`),
    ...probe.outages.map((outage) => {
      const outageMs = outage.toMs - outage.fromMs;
      const lost = outage.lost === undefined ? "not over" : `${outage.lost} lost`;
      return bar("loss", outage.fromMs, outageMs, `outage ${formatDuration(outageMs)}, ${lost}`);
    }),
  ];
}

function routeLanes(records: readonly TimelineRecord[]): Markup[] {
  const byNode = new Map<string, { atMs: number; text: string }[]>();
  const add = (node: string, atMs: number, text: string) => {
    const list = byNode.get(node);
    if (list === undefined) byNode.set(node, [{ atMs, text }]);
    else list.push({ atMs, text });
  };
  for (const record of records) {
    if (record.type === "routeChange") {
      const { node, table, rib, change, prefix, via, peer, atMs } = record;
      const words = [rib ?? table, change, prefix, via && `via ${via}`, peer && `of ${peer}`];
      add(node, atMs, words.filter(Boolean).join(" "));
    } else if (record.type === "sessionChange") {
      const { node, peer, state, reason, atMs } = record;
      add(node, atMs, `session with ${peer} ${state}${reason === undefined ? "" : `: ${reason}`}`);
    }
  }
  return [...byNode].map(([node, changes]) => {
    const ticks = merge(changes).map(({ atMs, count, text }) => {
      const title = count === 1 ? text : `${count} changes, first: ${text}`;
      return html`<i class="tick" style="--t:${atMs}" title="${formatElapsed(atMs)} ${title}"></i>`;
    });
    return lane(node, ticks, "routes");
  });
}

/** As they are where there are few; else one for each slot of time that has any. */
function merge(
  changes: readonly { atMs: number; text: string }[],
): { atMs: number; count: number; text: string }[] {
  if (changes.length <= ticksMax) return changes.map((change) => ({ ...change, count: 1 }));
  const fromMs = changes[0]!.atMs;
  const slotMs = (changes.at(-1)!.atMs - fromMs) / ticksMax || 1;
  const slots = new Map<number, { atMs: number; count: number; text: string }>();
  for (const change of changes) {
    const slot = Math.floor((change.atMs - fromMs) / slotMs);
    const found = slots.get(slot);
    if (found === undefined) slots.set(slot, { ...change, count: 1 });
    else found.count++;
  }
  return [...slots.values()];
}

function bar(kind: string, atMs: number, lengthMs: number, title: string): Markup {
  return html`<i class="bar ${kind}" style="--t:${atMs};--d:${lengthMs}" title="${title}"></i>`;
}
