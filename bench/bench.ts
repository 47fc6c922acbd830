/**
 * `make bench`: how long from the command to the first ping across racks, against the same lab
 * built by hand (bench/by-hand.sh) on the same machine in the same run; and of an agent, how long
 * from the start of its process to Established and what it costs in memory. Times depend on the
 * machine, the ratio does not. Ends with status 1 where a limit is not kept.
 *
 *   node bench/bench.ts [rounds]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TimelineRecord } from "../src/timeline/record.ts";

const ratioMax = 1.5;
const agentRssMbMax = 70;

const repository = new URL("..", import.meta.url).pathname;
const scenario = path.join(repository, "bench/first-ping.yaml");
const restart = path.join(repository, "bench/agent-restart.yaml");
const lab = `bench-${process.pid}`;
const rounds = Number(process.argv[2] ?? 5);

const byHandMs: number[] = [];
const spinelabMs: number[] = [];
const establishedMs: number[] = [];
const agentRssMb: number[] = [];
const work = mkdtempSync(path.join(tmpdir(), "spinelab-bench-"));
try {
  await spinelab("one round unmeasured, which fills the caches");
  // In turns, so that whatever else the machine does falls on both.
  for (let round = 0; round < rounds; round++) {
    byHandMs.push(await byHand());
    const own = await spinelab(`round ${round + 1} of ${rounds}`);
    spinelabMs.push(own.firstPingMs);
    establishedMs.push(...own.agents.flatMap((agent) => agent.establishedMs ?? []));
    agentRssMb.push(...own.agents.map((agent) => agent.rssMb));
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

const ratio = median(spinelabMs) / median(byHandMs);
const rss = Math.max(...agentRssMb);
const rows = [
  ["first ping across, by hand", `${median(byHandMs)} ms`, spread(byHandMs)],
  ["first ping across, Spinelab", `${median(spinelabMs)} ms`, spread(spinelabMs)],
  ["ratio", ratio.toFixed(2), `at most ${ratioMax}`],
  ["agent, process start to Established", `${median(establishedMs)} ms`, spread(establishedMs)],
  ["agent, resident memory at most", `${rss.toFixed(1)} MB`, `at most ${agentRssMbMax}`],
];
for (const [what = "", figure = "", note = ""] of rows)
  console.log(`${what.padEnd(38)} ${figure.padStart(10)}   ${note}`);
if (ratio > ratioMax || rss > agentRssMbMax) process.exitCode = 1;

/** Milliseconds from the start of the script to the first answer. */
async function byHand(): Promise<number> {
  const { stdout } = await run(path.join(repository, "bench/by-hand.sh"), []);
  return (JSON.parse(stdout) as { firstPingMs: number }).firstPingMs;
}

type Agent = { establishedMs?: number; rssMb: number };

/** Runs the lab up to the first ping, as a user would, and takes it down. */
async function spinelab(what: string): Promise<{ firstPingMs: number; agents: Agent[] }> {
  process.stderr.write(`${what}\n`);
  const command = path.join(repository, "bin/spinelab.mjs");
  const flags = ["--name", lab, "--scenario", scenario, "--report", work, "--keep"];
  const others = new Set(agentPids());
  const startedMs = Date.now();
  try {
    await run(process.execPath, [command, "run", "rack-spine", ...flags]);
    const timeline = readFileSync(`/run/spinelab/${lab}/timeline.jsonl`, "utf8");
    await run(process.execPath, [command, "play", lab, restart, "--report", work]);
    const agents: Agent[] = [];
    for (const pid of agentPids().filter((each) => !others.has(each))) {
      const node = /--node\0([^\0]+)/.exec(read(`/proc/${pid}/cmdline`))![1]!;
      const { stdout } = await run(process.execPath, [command, "logs", node, "--lab", lab]);
      // The one that was started anew found its router running: the others waited for theirs.
      const established = [...stdout.matchAll(/^time=(\S+) .*msg="established/gm)].at(-1)![1]!;
      agents.push({
        ...(node === "kind-worker3" && {
          establishedMs: Math.round(Date.parse(established) - startOf(pid)),
        }),
        rssMb: residentMb(pid),
      });
    }
    if (agents.length === 0) throw new Error("no agent runs");
    return { firstPingMs: Math.round(firstAnswerMs(timeline) - startedMs), agents };
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
function agentPids(): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    const argv = read(`/proc/${pid}/cmdline`).split("\0");
    const script = argv.findIndex((word) => word.endsWith("/agent.mjs"));
    return argv[0]!.endsWith("/node") && script > 0 && argv[script + 1] === "agent";
  });
}

function residentMb(pid: string): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))![1];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** Unix time of the process's start in milliseconds, to a hundredth of a second: proc_pid_stat(5). */
function startOf(pid: string): number {
  const stat = read(`/proc/${pid}/stat`);
  // After the name in parentheses the third field is next; the start is the 22nd, in ticks of 10 ms.
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[22 - 3]);
  const upSeconds = Number(read("/proc/uptime").split(" ")[0]);
  return Date.now() - upSeconds * 1000 + ticks * 10;
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
