/**
 * What scenarios cost and how true their figures are, on rack-spine in this process: a check beyond the
 * router's own answer, a thousand checks, the way of a route change into the timeline, probes by the
 * millisecond, an outage against a cut of known length. Root. Ends with status 1 where a limit is not
 * kept; a busy machine keeps none.
 *
 *   node bench/scenario.ts [checkCost] [thousandChecks] [routeChange] [probes] [outage]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Lab } from "../src/lab/lab.ts";
import { findLab, loadLab, loadScenario } from "../src/lab/load.ts";
import { frrText } from "../src/observe/frr.ts";
import type { RunningCommand } from "../src/runtime/port.ts";
import { checkHandler } from "../src/scenario/checks/table.ts";
import type { TimelineRecord } from "../src/timeline/record.ts";
import { unixMsOf } from "../src/timeline/wall-clock.ts";

const limits = {
  checkBeyondAnswerMs: 2,
  thousandChecksMs: 10_000,
  routeChangeMs: 5,
  probesCore: 0.3,
  outageBeyondIntervalMs: 2,
};
/** How often a route is made. */
const routeChanges = 20;
const wanted = process.argv.slice(2);
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => interrupted.abort(new Error(`interrupted (${name})`)));
}
const signal = AbortSignal.any([AbortSignal.timeout(600_000), interrupted.signal]);
const folder = mkdtempSync(join(tmpdir(), "spinelab-bench-"));
const source = { ...findLab("rack-spine"), name: `bench-${process.pid}` };
const { spec } = loadLab({ ...source, scenario: undefined }, "node bench/scenario.ts");
const lab = await Lab.open(spec, { sinks: [] });
const rows: { what: string; figure: string; limit: string; kept: boolean }[] = [];
try {
  await lab.up(signal);
  await play(`
  - name: at rest
    within: 60s
    expect:
      - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3 }
      - session: { on: router0, to: tor1, received: 5, sent: 13 }`);
  const measures = { checkCost, thousandChecks, routeChange, probes, outage };
  for (const [name, measure] of Object.entries(measures)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure();
  }
} finally {
  await lab.down();
  rmSync(folder, { recursive: true });
}
console.log(
  `${cpus().length} processors, load ${loadavg()[0]!.toFixed(1)}, Node ${process.version}\n`,
);
for (const { what, figure, limit, kept } of rows) {
  console.log(`${what.padEnd(58)} ${figure.padStart(22)}   ${limit}${kept ? "" : "  NOT KEPT"}`);
}
if (rows.some(({ kept }) => !kept)) process.exitCode = 1;

/** Plays steps; returns what they recorded. */
async function play(steps: string): Promise<TimelineRecord[]> {
  const file = join(folder, "scenario.yaml");
  writeFileSync(file, `name: bench\nsteps:${steps}\n`);
  const before = lab.records.length;
  const scenario = loadScenario(file, spec.fabric, spec.manifests);
  const verdict = await lab.play(scenario, signal);
  if (verdict !== "pass") throw new Error(`the bench's own scenario did not pass: ${verdict}`);
  return lab.records.slice(before);
}

async function checkCost(): Promise<void> {
  const context = lab.context(signal);
  await context.names.ready();
  const step = { beganMs: 0, probe: () => undefined, convergeMs: () => undefined };
  const checkContext = { ...context, step: { ...step, logsBefore: new Map() } };
  const file = join(folder, "one.yaml");
  writeFileSync(
    file,
    "name: one\nsteps: [ { name: one, expect: [ { session: { on: router0, to: tor1 } } ] } ]\n",
  );
  const check = loadScenario(file, spec.fabric, spec.manifests).steps[0]!.checks[0]!;
  const command = "show bgp ipv4 unicast summary json";
  const [answerMs, checkMs]: [number[], number[]] = [[], []];
  for (let n = 0; n < 200; n++) {
    answerMs.push(await timed(() => frrText(lab.runtime, "router0", "bgpd", command)));
    checkMs.push(await timed(() => checkHandler(check.kind).look(checkContext, check as never)));
  }
  const beyond = median(checkMs) - median(answerMs);
  row(
    "a session check beyond FRR's own answer, median",
    `${beyond.toFixed(2)} ms (${median(answerMs).toFixed(2)} ms)`,
    `at most ${limits.checkBeyondAnswerMs} ms`,
    beyond <= limits.checkBeyondAnswerMs,
  );
}

async function thousandChecks(): Promise<void> {
  const nodes = ["router0", "tor0", "tor1"];
  const checks = Array.from(
    { length: 1000 },
    (_, n) =>
      `      - route: { on: ${nodes[n % 3]}, prefix: kind-worker${["", "2", "3"][n % 3]}.podCIDR }`,
  );
  const records = await play(`\n  - name: many\n    expect:\n${checks.join("\n")}`);
  const end = records.find((each) => each.type === "step" && each.state === "end")!;
  const tookMs = "tookMs" in end ? (end.tookMs ?? 0) : 0;
  row(
    "1,000 route checks in a step",
    `${(tookMs / 1000).toFixed(2)} s`,
    `at most ${limits.thousandChecksMs / 1000} s`,
    tookMs <= limits.thousandChecksMs,
  );
}

/**
 * From the writing of a command to an `ip` that waits for it, so that no start of a process counts, to
 * the record's own time. What the worst one waited for is shown: work of this thread, or its turn.
 */
async function routeChange(): Promise<void> {
  const ip = lab.runtime.spawn({ node: "tor1" }, ["ip", "-batch", "-"], { stdin: "pipe" });
  const enough = "/run/enough-routes";
  const began = lab.records.length;
  const playing = play(`
  - name: routes
    do: [ { exec: { on: tor1, command: "sh -c 'until test -e ${enough}; do sleep 0.1; done'" } } ]`);
  // The first few are made before anybody listens.
  while (!(await changed(ip, "203.0.113.0/32", began, 100)));
  const seen: { lateMs: number; ranMs: number; queuedMs: number }[] = [];
  for (let n = 1; n <= routeChanges; n++) {
    await setTimeout(50);
    const one = await changed(ip, `203.0.113.${n}/32`, began, 10_000);
    if (one === undefined) throw new Error("a route change was not heard within 10 s");
    seen.push(one);
  }
  ip.stdin!.end();
  await ip.ended;
  await lab.runtime.writeFile("tor1", enough, "");
  await playing;
  const worst = seen.reduce((a, b) => (a.lateMs > b.lateMs ? a : b));
  const of = `worst: ran ${worst.ranMs.toFixed(1)} ms, waited for a processor ${worst.queuedMs.toFixed(1)} ms`;
  row(
    `a kernel route in the timeline, ${seen.length} times, worst (median)`,
    `${worst.lateMs.toFixed(2)} ms (${median(seen.map(({ lateMs }) => lateMs)).toFixed(2)} ms)`,
    `at most ${limits.routeChangeMs} ms; ${of}`,
    worst.lateMs <= limits.routeChangeMs,
  );
}

/** Makes a route and takes it away; how late the timeline has it, if it does within the limit. */
async function changed(ip: RunningCommand, prefix: string, from: number, limitMs: number) {
  signal.throwIfAborted();
  const { wallClock } = lab.records.findLast((each) => each.type === "started")!;
  const writtenMs = performance.timeOrigin + performance.now() - unixMsOf(wallClock);
  const before = scheduling();
  ip.stdin!.write(`route add ${prefix} via 10.0.3.2\n`);
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const heard = lab.records
      .slice(from)
      .find((each) => each.type === "routeChange" && each.prefix === prefix);
    if (heard !== undefined || performance.now() > deadlineMs) {
      ip.stdin!.write(`route del ${prefix}\n`);
      if (heard === undefined) return undefined;
      const { ranMs, queuedMs } = scheduling();
      return {
        lateMs: heard.atMs - writtenMs,
        ranMs: ranMs - before.ranMs,
        queuedMs: queuedMs - before.queuedMs,
      };
    }
    await setTimeout(1);
  }
}

/** How long this thread ran, and how long it was ready to run and did not: the kernel's sched-stats.rst. */
function scheduling(): { ranMs: number; queuedMs: number } {
  const [ran = 0, queued = 0] = readFileSync("/proc/self/schedstat", "utf8").split(" ").map(Number);
  return { ranMs: ran / 1e6, queuedMs: queued / 1e6 };
}

async function probes(): Promise<void> {
  const nodes = ["kind-control-plane", "kind-worker", "kind-worker2", "kind-worker3"];
  const pairs = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => [from, to]));
  const places = [
    ...pairs.map(([from, to]) => [`netshoot@${from}`, `netshoot@${to}`]),
    ...pairs.slice(0, 8).map(([from, to]) => [`netshoot@${from}`, to]),
  ];
  const lines = places.map(
    ([from, to], n) => `      - { name: p${n}, from: ${from}, to: ${to}, every: 1ms }`,
  );
  // Of this process, which is the lab's: its looks are in it, what it takes to start twenty probes is not.
  const { clock } = lab.context(signal);
  const samples: { atMs: number; cpuMs: number }[] = [];
  const sample = setInterval(() => {
    const { user, system } = process.cpuUsage();
    samples.push({ atMs: clock.nowMs(), cpuMs: (user + system) / 1000 });
  }, 100);
  const records = await play(`
  - name: probes
    probe:
${lines.join("\n")}
    for: 10s
    expect: [ { session: { on: router0, to: tor1 } } ]`);
  clearInterval(sample);
  const begunMs = records.findLast((one) => one.type === "probe" && one.state === "begin")!.atMs;
  const ends = records.filter((one) => one.type === "probe" && one.state === "end");
  const during = samples.filter(({ atMs }) => atMs > begunMs + 500 && atMs < ends[0]!.atMs);
  const [first, last] = [during[0]!, during.at(-1)!];
  const lateMs = ends.flatMap((each) => ("lateMs" in each ? (each.lateMs ?? []) : []));
  const apartMs = median(
    ends.flatMap((each) => ("intervalMs" in each ? (each.intervalMs ?? []) : [])),
  );
  // A busy machine sends fewer: what counts is what they would take if all went out in time.
  const core = ((last.cpuMs - first.cpuMs) / (last.atMs - first.atMs)) * apartMs;
  row(
    `${ends.length} probes, a packet a millisecond each`,
    `${Math.round(core * 100)} % of a core`,
    `at most ${limits.probesCore * 100} %; latest packet ${Math.max(...lateMs).toFixed(1)} ms`,
    ends.length === 20 && core <= limits.probesCore,
  );
}

/** The cut is a rule of nftables on the way, between two looks at the clock before and after each change of it. */
async function outage(): Promise<void> {
  const table = "table netdev bench_cut";
  const rules = `${table} { chain in { type filter hook ingress device net2 priority -450; policy drop; }; }`;
  const script = `c() { date +%s%N; }; c; nft '${rules}'; c; sleep 0.4; c; nft delete ${table}; c`;
  const records = await play(`
  - name: a cut
    probe: { name: cut, from: netshoot@kind-worker, to: netshoot@kind-worker3, every: 5ms }
    do: [ { exec: { on: tor1, command: ${JSON.stringify(["sh", "-c", script])} }, repeat: 5 } ]
    within: 5s
    expect: [ { ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3 } } ]`);
  const errors = records
    .filter((each) => each.type === "outage")
    .map((each, n) => {
      const exec = records.filter((one) => one.type === "exec")[n]!;
      const times = ("stdout" in exec ? exec.stdout : "").trim().split("\n").map(Number);
      const [a, b, c, d] = times.map((ns) => ns / 1e6) as [number, number, number, number];
      const intervalMs = each.errorMs ?? 5;
      const measured = each.toMs - each.fromMs - intervalMs;
      // It took effect somewhere between: what lies within that is no error.
      const [shortest, longest] = [c - b, d - a];
      const error = Math.max(0, shortest - measured, measured - longest);
      return { error, beyond: error - intervalMs };
    });
  const worst = Math.max(...errors.map(({ error }) => error));
  row(
    `an outage against a known cut, ${errors.length} of 5, worst error`,
    `${worst.toFixed(2)} ms`,
    `at most an interval (5 ms) and ${limits.outageBeyondIntervalMs} ms`,
    errors.length === 5 && errors.every(({ beyond }) => beyond <= limits.outageBeyondIntervalMs),
  );
}

function row(what: string, figure: string, limit: string, kept: boolean): void {
  rows.push({ what, figure, limit, kept });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
