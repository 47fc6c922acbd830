/**
 * The speaker side by side with those of Debian's packages, in one run: each by itself in a network namespace,
 * the tester in another, the same bytes for all, in turns. Times depend on the machine and its load; ratios
 * much less. Prints tables in markdown (docs/performance.md has those of a quiet run) and ends with status 1
 * where a limit is not kept. Needs root.
 *
 *   node bench/speaker/bench.ts [--quick] [--rounds N] [--daemons Spinelab,BIRD] [take] [pass] [one] [start]
 *     [many] [idle] [scale] [sessions]
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Daemon, daemons as all } from "./daemons.ts";
import {
  fanOut,
  type Figures,
  idle,
  loadOf,
  many,
  median,
  oneNew,
  passOn,
  type Round,
  start,
  takeIn,
  testerAlone,
} from "./measure.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    daemons: { type: "string" },
  },
});
const namespace = process.env["SPEAKER_BENCH_NAMESPACE"];
if (namespace === undefined) inNamespaces();
else await run(namespace);

/** Makes two namespaces with a cable between them, and runs this again inside the tester's. */
function inNamespaces(): void {
  const under = `speaker-bench-${process.pid}`;
  const tester = `${under}-t`;
  const ip = (...argv: string[]) => execFileSync("ip", argv);
  try {
    for (const name of [under, tester]) ip("netns", "add", name);
    ip("link", "add", "b0", "netns", under, "type", "veth", "peer", "b0", "netns", tester);
    for (const [name, address] of [
      [under, "10.77.0.1/16"],
      [tester, "10.77.0.2/16"],
    ] as const) {
      ip("-n", name, "addr", "add", address, "dev", "b0");
      for (const link of ["lo", "b0"]) ip("-n", name, "link", "set", link, "up");
    }
    // Every address of it is the tester's own.
    ip("-n", tester, "route", "add", "local", "10.77.4.0/22", "dev", "lo");
    ip("-n", tester, "route", "add", "local", "10.77.8.0/22", "dev", "lo");
    const argv = [process.execPath, ...process.argv.slice(1)];
    const { status } = spawnSync("ip", ["netns", "exec", tester, ...argv], {
      stdio: "inherit",
      env: { ...process.env, SPEAKER_BENCH_NAMESPACE: under },
    });
    process.exitCode = status ?? 1;
  } finally {
    for (const name of [under, tester]) spawnSync("ip", ["netns", "del", name]);
  }
}

type Results = Map<string, Map<string, number[]>>;

async function run(under: string): Promise<void> {
  const wanted = flags.daemons?.split(",");
  const chosen = all.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const present = chosen.filter(({ file }) => file === undefined || existsSync(file));
  for (const { name, package: from } of chosen.filter((one) => !present.includes(one))) {
    console.log(
      `${name} is not measured: package ${from} is not installed; setup/setup.sh speakers brings it.\n`,
    );
  }
  const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
  const routes = flags.quick ? 100_000 : 500_000;
  const is = (name: string) => positionals.length === 0 || positionals.includes(name);
  const results: Results = new Map();
  const work = mkdtempSync(path.join(tmpdir(), "speaker-bench-"));
  // For daemons that are not root.
  chmodSync(work, 0o755);
  const listening = present.filter((daemon) => daemon.cannot?.listen === undefined);
  const passing = listening.filter((daemon) => daemon.cannot?.pass === undefined);
  const ours = passing.filter(({ name }) => name === "Spinelab" || name === "BIRD");

  /** In turns, so that whatever else the machine does falls on all. */
  const inTurns = async (
    what: string,
    who: readonly Daemon[],
    measure: (round: Round) => Promise<Figures>,
    times = rounds,
  ): Promise<void> => {
    for (let round = 0; round < times; round++) {
      for (const daemon of who) {
        const dir = mkdtempSync(path.join(work, "d-"));
        process.stderr.write(
          `${what} ${round + 1}/${times} ${daemon.name} (load ${loadAverage()})\n`,
        );
        try {
          note(results, daemon.name, await measure({ daemon, namespace: under, dir }));
        } catch (error) {
          console.log(`${daemon.name}, ${what}: ${(error as Error).message}\n`);
        }
      }
    }
  };

  try {
    const [alone] = [await testerAlone(routes), loadOf(routes)];
    if (is("take")) await inTurns("take in", passing, (round) => takeIn(round, routes));
    if (is("pass")) await inTurns("pass on", passing, (round) => passOn(round, routes));
    if (is("one")) await inTurns("one route", passing, oneNew);
    if (is("start")) await inTurns("start", present, start);
    if (is("many")) await inTurns("100 peers", passing, many);
    if (is("idle")) {
      const who = present.filter(({ name }) => name === "Spinelab");
      await inTurns("idle", who, (round) => idle(round, flags.quick ? 10 : 30), 1);
    }
    const scales = is("scale")
      ? flags.quick
        ? [10_000, 100_000]
        : [10_000, 100_000, 1_000_000]
      : [];
    for (const size of scales) {
      await inTurns(`scale ${size}`, ours, async (round) => {
        const { passOnMs, rssMb } = await passOn(round, size);
        return { [`pass ${size} Ms`]: passOnMs!, [`pass ${size} RssMb`]: rssMb! };
      });
    }
    for (const count of is("sessions") ? (flags.quick ? [1, 100] : [1, 10, 100, 1000]) : []) {
      await inTurns(`sessions ${count}`, ours, async (round) => {
        const { fanOutMs } = await fanOut(round, count);
        return { [`fan out ${count} Ms`]: fanOutMs! };
      });
    }
    report(results, present, routes, rounds, alone);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function note(results: Results, daemon: string, figures: Figures): void {
  let of = results.get(daemon);
  if (of === undefined) results.set(daemon, (of = new Map()));
  for (const [name, value] of Object.entries(figures)) {
    const values = of.get(name);
    if (values === undefined) of.set(name, [value]);
    else values.push(value);
  }
}

function report(
  results: Results,
  present: readonly Daemon[],
  routes: number,
  rounds: number,
  testerMs: number,
): void {
  const of = (daemon: string, name: string): number | undefined => {
    const values = results.get(daemon)?.get(name);
    return values && median(values);
  };
  const columns = [...new Set([...results.values()].flatMap((figures) => [...figures.keys()]))];
  const names = present.map(({ name }) => name).filter((name) => results.has(name));
  const count = routes.toLocaleString("en");
  console.log(
    `${count} routes; medians of ${rounds}; load ${loadAverage()}; ${present.map(({ name, version }) => `${name} ${version()}`).join(", ")}.`,
  );
  console.log(`The tester alone passes the same bytes to a sink in ${testerMs.toFixed(0)} ms.\n`);
  console.log(`| | ${names.join(" | ")} |\n|---|${names.map(() => "---|").join("")}`);
  for (const column of columns) {
    const cells = names.map(
      (name) => of(name, column)?.toFixed(column.endsWith("Messages") ? 0 : 1) ?? "–",
    );
    console.log(
      `| ${column.replace(/(Ms|Mb|Percent|Messages)$/, " $1").trim()} | ${cells.join(" | ")} |`,
    );
  }
  console.log("");
  for (const { what, value, most } of limits(of)) {
    if (value === undefined) continue;
    const kept = value <= most;
    console.log(`${kept ? "kept    " : "NOT KEPT"} ${what}: ${value.toFixed(2)}, at most ${most}`);
    // A quick run's sizes are not those that the limits are for.
    if (!kept && !flags.quick) process.exitCode = 1;
  }
}

/** What the speaker is held to. */
function limits(
  of: (daemon: string, name: string) => number | undefined,
): { what: string; value: number | undefined; most: number }[] {
  const own = (name: string) => of("Spinelab", name);
  const ratio = (name: string, to: string) => {
    const [a, b] = [own(name), of(to, name)];
    return a === undefined || b === undefined ? undefined : a / b;
  };
  return [
    { what: "take in, to BIRD's time", value: ratio("takeInMs", "BIRD"), most: 2 },
    { what: "take in, to FRR's time", value: ratio("takeInMs", "FRR"), most: 0.2 },
    { what: "pass on, to BIRD's time", value: ratio("passOnMs", "BIRD"), most: 2 },
    { what: "pass on, to FRR's time", value: ratio("passOnMs", "FRR"), most: 0.2 },
    { what: "withdraw all, to BIRD's time", value: ratio("withdrawMs", "BIRD"), most: 1 },
    { what: "memory after it, MB", value: own("rssMb"), most: 250 },
    { what: "1,000 own prefixes after Established, ms", value: own("ownMs"), most: 10 },
    { what: "their messages", value: own("ownMessages"), most: 1 },
    { what: "one route to the wire, ms", value: own("oneRouteMs"), most: 1 },
    { what: "100 peers x 10 routes to all, ms", value: own("manyMs"), most: 100 },
    { what: "1,000 idle sessions, percent of a core", value: own("idlePercent"), most: 1 },
    { what: "process start to Established, ms", value: own("establishedMs"), most: 150 },
    { what: "idle resident memory, MB", value: own("idleRssMb"), most: 60 },
  ];
}

function loadAverage(): string {
  return readFileSync("/proc/loadavg", "utf8").split(" ")[0]!;
}
