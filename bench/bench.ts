/**
 * `make bench`: how long from the command to the first ping across racks, against the same lab
 * built by hand (bench/by-hand.sh) on the same machine in the same run; and what an agent costs in
 * memory. Times depend on the machine, the ratio does not. Ends with status 1 where a limit is
 * not kept.
 *
 *   node bench/bench.ts [rounds]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TimelineRecord } from "../src/timeline/record.ts";

const ratioMax = 1.5;
const agentRssMibMax = 70;

const repository = new URL("..", import.meta.url).pathname;
const scenario = path.join(repository, "bench/first-ping.yaml");
const lab = `bench-${process.pid}`;
const rounds = Number(process.argv[2] ?? 5);

const byHandMs: number[] = [];
const spinelabMs: number[] = [];
const agentRssMib: number[] = [];
const work = mkdtempSync(path.join(tmpdir(), "spinelab-bench-"));
try {
  await spinelab("one round unmeasured, which fills the caches");
  // In turns, so that whatever else the machine does falls on both.
  for (let round = 0; round < rounds; round++) {
    byHandMs.push(await byHand());
    const own = await spinelab(`round ${round + 1} of ${rounds}`);
    spinelabMs.push(own.firstPingMs);
    agentRssMib.push(...own.agentRssMib);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

const ratio = median(spinelabMs) / median(byHandMs);
const rss = Math.max(...agentRssMib);
const rows = [
  ["first ping across, by hand", `${median(byHandMs)} ms`, spread(byHandMs)],
  ["first ping across, Spinelab", `${median(spinelabMs)} ms`, spread(spinelabMs)],
  ["ratio", ratio.toFixed(2), `at most ${ratioMax}`],
  ["resident memory of an agent, highest", `${rss.toFixed(1)} MiB`, `at most ${agentRssMibMax}`],
];
for (const [what = "", figure = "", note = ""] of rows)
  console.log(`${what.padEnd(38)} ${figure.padStart(10)}   ${note}`);
if (ratio > ratioMax || rss > agentRssMibMax) process.exitCode = 1;

/** Milliseconds from the start of the script to the first answer. */
async function byHand(): Promise<number> {
  const { stdout } = await run(path.join(repository, "bench/by-hand.sh"), []);
  return (JSON.parse(stdout) as { firstPingMs: number }).firstPingMs;
}

/** Runs the lab up to the first ping, as a user would, and takes it down. */
async function spinelab(what: string): Promise<{ firstPingMs: number; agentRssMib: number[] }> {
  process.stderr.write(`${what}\n`);
  const command = path.join(repository, "bin/spinelab.mjs");
  const flags = ["--name", lab, "--scenario", scenario, "--report", work, "--keep"];
  const others = new Set(agents());
  const startedMs = Date.now();
  try {
    await run(process.execPath, [command, "run", "rack-spine", ...flags]);
    const timeline = readFileSync(`/run/spinelab/${lab}/timeline.jsonl`, "utf8");
    const own = agents().filter((pid) => !others.has(pid));
    if (own.length === 0) throw new Error("no agent runs");
    return {
      firstPingMs: Math.round(firstAnswerMs(timeline) - startedMs),
      agentRssMib: own.map(rssMib),
    };
  } finally {
    await run(process.execPath, [command, "down", lab]);
  }
}

/** Unix time of the first answer to the probe, in milliseconds. */
function firstAnswerMs(timeline: string): number {
  const records = timeline
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as TimelineRecord);
  const started = records.find((record) => record.type === "started");
  // What was lost before the first answer is an outage since the probe began; without one, the
  // first packet was answered.
  const lost = records.find((record) => record.type === "outage");
  const begun = records.find((record) => record.type === "probe" && record.state === "begin");
  if (started === undefined || begun === undefined) throw new Error("the timeline has no probe");
  return Date.parse(started.wallClock) + (lost?.toMs ?? begun.atMs);
}

/** Process ids of all agents on this machine, of other labs too. */
function agents(): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    const argv = read(`/proc/${pid}/cmdline`).split("\0");
    const script = argv.findIndex((word) => word.endsWith("/agent.mjs"));
    return argv[0]!.endsWith("/node") && script > 0 && argv[script + 1] === "agent";
  });
}

/** Resident memory in MiB. */
function rssMib(pid: string): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1]) / 1024;
}

/** Empty where the process has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Runs to the end; throws with what it wrote where it fails. */
function run(file: string, argv: string[]): Promise<{ stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve({ stdout });
      else reject(new Error(`${file} ${argv.join(" ")} ended with ${status}\n${stderr}${stdout}`));
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function spread(values: readonly number[]): string {
  return `${Math.min(...values)} to ${Math.max(...values)} of ${values.length}`;
}
