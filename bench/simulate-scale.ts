/**
 * Generated leaf-spine fabrics in virtual time (`spinelab scale`), each in a process of its own, as a user runs it:
 * from cold to rest, then one spine lost and back. Time, memory and what was exchanged, as the fabric grows.
 *
 *   node bench/simulate-scale.ts [RACKS]…     racks of 40 nodes each
 *
 * Ends with status 1 where a limit was not kept.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { formatTable } from "../src/cli/table.ts";
import type { ScaleOutcome } from "../src/sim/scale/scale-run.ts";

const nodesPerRack = 40;
/** Seconds of real time, and memory, by the number of nodes. */
const limits: Record<number, { coldSeconds: number; spineSeconds: number; gib: number }> = {
  1000: { coldSeconds: 2, spineSeconds: 2, gib: 8 },
  30_000: { coldSeconds: 60, spineSeconds: 20, gib: 8 },
};

const root = path.join(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-scale-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let running: ChildProcess | undefined;
// The run that is interrupted fails, and this ends: with it, or it would still write to the folder.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => running?.kill());
const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [25, 75, 250, 750];
console.log(
  `${cpus().length} processors, load ${loadavg()[0]!.toFixed(1)}, Node ${process.version}\n`,
);

const header = [
  ...["nodes", "cold, s", "lost, s", "back, s", "CPU, s", "memory, MB"],
  ...["sessions", "UPDATEs", "MB", "routes exchanged", "µs a route"],
];
const rows: string[][] = [];
const broken: string[] = [];
for (const racks of sizes) {
  const { nodes, stages, buildMs, peakMemoryBytes, cpuSeconds } = await run(racks);
  const [cold, lost, back] = stages as [Stage, Stage, Stage];
  const total = (of: (stage: Stage) => number) => stages.reduce((sum, stage) => sum + of(stage), 0);
  const exchanged = total(({ announced, withdrawn }) => announced + withdrawn);
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  rows.push([
    ...[whole(nodes), seconds(buildMs + cold.realMs), seconds(lost.realMs), seconds(back.realMs)],
    ...[cpuSeconds.toFixed(1), whole(peakMemoryBytes / 1e6), whole(cold.sessions)],
    ...[
      whole(total((stage) => stage.updates)),
      (total((stage) => stage.updateBytes) / 1e6).toFixed(1),
    ],
    ...[whole(exchanged), ((cpuSeconds * 1e6) / exchanged).toFixed(2)],
  ]);
  const limit = limits[nodes];
  if (limit === undefined) continue;
  const must = (what: string, value: number, most: number) => {
    if (value > most)
      broken.push(`${whole(nodes)} nodes: ${what} ${value.toFixed(2)}, limit ${most}`);
  };
  must("cold, s", (buildMs + cold.realMs) / 1000, limit.coldSeconds);
  must("lost and back, s", (lost.realMs + back.realMs) / 1000, limit.spineSeconds);
  must("memory, GiB", peakMemoryBytes / 2 ** 30, limit.gib);
}
console.log(formatTable(header, rows));

const written = ["labs/leaf-spine/bgp.yaml", "topologies/leaf-spine.yaml"].map(
  (file) => statSync(path.join(root, file)).size,
);
console.log(
  `What a user has written: ${written[0]} bytes for the nodes and ${written[1]} for the fabric, for every size alike.`,
);
for (const line of broken) console.log(line);
if (broken.length > 0) process.exitCode = 1;

type Stage = ScaleOutcome["stages"][number];

async function run(racks: number): Promise<ScaleOutcome> {
  const argv = ["scale", "--racks", `${racks}`, "--nodes-per-rack", `${nodesPerRack}`];
  running = spawn(
    process.execPath,
    [path.join(root, "bin/spinelab.mjs"), ...argv, "--report", folder],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const [status] = (await once(running, "exit")) as [number | null];
  if (status !== 0) throw new Error(`spinelab ${argv.join(" ")}: status ${status}`);
  const file = path.join(folder, "scale", "outcome.json");
  return JSON.parse(readFileSync(file, "utf8")) as ScaleOutcome;
}

function whole(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}
