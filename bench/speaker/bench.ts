/**
 * The speaker side by side with those of Debian's packages, in one run: each by itself in a network namespace,
 * the tester in another, the same bytes for all, in turns. Times depend on the machine and its load; ratios
 * much less. Prints tables in markdown (all.ts puts them into docs/performance.md) and ends with status 1
 * where a limit is not kept. A daemon that fails or hangs in a stage has no figure there, and the reason below the
 * table. Needs root.
 *
 *   node bench/speaker/bench.ts [--quick] [--rounds N] [--daemons Spinelab,BIRD] [take] [pass] [one] [start]
 *     [many] [idle] [scale] [sessions]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Daemon, daemons as all } from "./daemons.ts";
import {
  fanOut,
  type Figures,
  idle,
  many,
  oneNew,
  passOn,
  type Round,
  start,
  takeIn,
  testerAlone,
} from "./measure.ts";
import { loadAverage, report, type Results } from "./report.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    daemons: { type: "string" },
  },
});
const namespace = process.env["SPEAKER_BENCH_NAMESPACE"];
if (namespace === undefined) await inNamespaces();
else await run(namespace);

/** Makes two namespaces with a cable between them, and runs this again inside the tester's. */
async function inNamespaces(): Promise<void> {
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
    for (const peers of ["10.77.4.0/22", "10.77.8.0/22"]) {
      // Every address of it is the tester's own.
      ip("-n", tester, "route", "add", "local", peers, "dev", "lo");
      // One neighbour and not a thousand: the kernel has room for 1,024, those of other namespaces among them.
      ip("-n", under, "route", "add", peers, "via", "10.77.0.2");
    }
    const argv = [process.execPath, ...process.argv.slice(1)];
    const child = spawn("ip", ["netns", "exec", tester, ...argv], {
      stdio: "inherit",
      env: { ...process.env, SPEAKER_BENCH_NAMESPACE: under },
    });
    // What is told to end here ends by what follows.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill());
    const status = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    process.exitCode = status ?? 1;
  } finally {
    for (const name of [under, tester]) {
      const { stdout } = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" });
      for (const pid of stdout.split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
      spawnSync("ip", ["netns", "del", name]);
    }
  }
}

async function run(under: string): Promise<void> {
  const wanted = flags.daemons?.split(",");
  const results: Results = { figures: new Map(), failures: new Map() };
  const present = all.filter((daemon) => {
    if (wanted !== undefined && !wanted.includes(daemon.name)) return false;
    const lacking = daemon.lacking();
    if (lacking !== undefined) fails(results, daemon.name, `not measured: ${lacking}`);
    return lacking === undefined;
  });
  const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
  const routes = flags.quick ? 100_000 : 500_000;
  const is = (name: string) => positionals.length === 0 || positionals.includes(name);
  const work = mkdtempSync(path.join(tmpdir(), "speaker-bench-"));
  // For daemons that are not root.
  chmodSync(work, 0o755);
  const passing: Daemon[] = [];
  for (const daemon of present) {
    const { pass, listen, own } = daemon.cannot ?? {};
    if (own !== undefined) fails(results, daemon.name, `own prefixes: ${own}`);
    if (pass !== undefined) fails(results, daemon.name, `routes of peers: ${pass}`);
    else if (listen !== undefined) fails(results, daemon.name, `routes of peers: ${listen}`);
    else passing.push(daemon);
  }
  const ours = passing.filter(({ name }) => name === "Spinelab" || name === "BIRD");

  /** In turns, so that whatever else the machine does falls on all. Who fails once is left out from then on. */
  const inTurns = async (
    what: string,
    who: readonly Daemon[],
    measure: (round: Round) => Promise<Figures>,
    times = rounds,
  ): Promise<void> => {
    const failed = new Set<Daemon>();
    for (let round = 0; round < times; round++) {
      for (const daemon of who.filter((each) => !failed.has(each))) {
        const dir = mkdtempSync(path.join(work, "d-"));
        process.stderr.write(
          `${what} ${round + 1}/${times} ${daemon.name} (load ${loadAverage()})\n`,
        );
        try {
          note(results, daemon.name, await measure({ daemon, namespace: under, dir }));
        } catch (error) {
          failed.add(daemon);
          fails(results, daemon.name, `${what}: ${(error as Error).message}`);
        }
      }
    }
  };

  const loadBefore = loadAverage();
  let alone: number | undefined;
  try {
    alone = await testerAlone(routes);
    if (is("take")) await inTurns("take in", passing, (round) => takeIn(round, routes));
    if (is("pass")) await inTurns("pass on", passing, (round) => passOn(round, routes));
    if (is("one")) await inTurns("one route", passing, oneNew);
    if (is("start")) await inTurns("start", present, start);
    if (is("many")) await inTurns("100 peers", passing, many);
    if (is("idle")) {
      const who = present.filter(({ name }) => name === "Spinelab");
      await inTurns("idle", who, (round) => idle(round, flags.quick ? 10 : 30), 1);
    }
    const scales = is("scale") ? [10_000, 100_000, ...(flags.quick ? [] : [1_000_000])] : [];
    for (const size of scales) {
      await inTurns(`scale ${size}`, ours, async (round) => {
        const { passOnMs, rssMb } = await passOn(round, size);
        return { [`${size} routes passed on Ms`]: passOnMs!, [`${size} routes RssMb`]: rssMb! };
      });
    }
    for (const count of is("sessions") ? [1, 10, 100, ...(flags.quick ? [] : [1000])] : []) {
      await inTurns(`sessions ${count}`, ours, async (round) => {
        const { fanOutMs } = await fanOut(round, count);
        return { [`1000 routes to ${count} sessions Ms`]: fanOutMs! };
      });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
    const kept = report(results, { daemons: present, routes, rounds, testerMs: alone, loadBefore });
    // A quick run's sizes are not those that the limits are for.
    if (!kept && !flags.quick) process.exitCode = 1;
  }
}

function note({ figures }: Results, daemon: string, noted: Figures): void {
  let of = figures.get(daemon);
  if (of === undefined) figures.set(daemon, (of = new Map()));
  for (const [name, value] of Object.entries(noted)) {
    const values = of.get(name);
    if (values === undefined) of.set(name, [value]);
    else values.push(value);
  }
}

function fails({ failures }: Results, daemon: string, why: string): void {
  failures.set(daemon, [...(failures.get(daemon) ?? []), why]);
}
