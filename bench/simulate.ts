/**
 * Exploration: a thousand seeds of rack-spine-dual, three faults each, on all processors. The limit is a minute on two
 * of them. What others do on the machine meanwhile counts in the time and not in the processor's time, so both are
 * told. Ends with status 1 where a seed fails, is inconclusive, or the limit is not kept.
 *
 *   node bench/simulate.ts [seeds] [lab]
 */
import { availableParallelism } from "node:os";
import type { FaultOptions } from "../src/explore/draw.ts";
import { explore } from "../src/explore/explore.ts";
import { findLab, loadLab } from "../src/lab/load.ts";

const seedsOfLimit = 1000;
const limitSeconds = 60;

const count = Number(process.argv[2] ?? seedsOfLimit);
const name = process.argv[3] ?? "rack-spine-dual";
const threads = availableParallelism();
const faults: FaultOptions = {
  kinds: ["link", "node", "agent", "partition"],
  ...{ count: 3, overMs: 30_000, lastingMsMax: 30_000, heal: "some" },
};

const { scenario: _, ...source } = findLab(name);
const { spec } = loadLab(source, "", { kind: "sim" });
const begunMs = performance.now();
const { done, failures, inconclusive } = await explore({
  ...{ spec, faults, threads, shrinks: false, signal: new AbortController().signal },
  seeds: { from: 1, to: count },
  onProgress: () => {},
});
const seconds = (performance.now() - begunMs) / 1000;
const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1e6;
const memoryMib = process.resourceUsage().maxRSS / 1024;
console.log(
  `${name}: ${done} seeds of ${faults.count} faults on ${threads} threads in ${seconds.toFixed(1)} s, ` +
    `${(done / seconds).toFixed(1)} seeds/s; ${cpuSeconds.toFixed(1)} s of processors, ` +
    `${((1000 * cpuSeconds) / done).toFixed(0)} ms a seed; ${memoryMib.toFixed(0)} MiB at most`,
);
for (const { invariant, seeds } of failures)
  console.error(`${invariant}: seeds ${seeds.join(", ")}`);
for (const { reason, seeds } of inconclusive) {
  console.error(`inconclusive: seeds ${seeds.join(", ")}: ${reason}`);
}
const allowedSeconds = (limitSeconds * count) / seedsOfLimit;
if (seconds > allowedSeconds) console.error(`more than the ${allowedSeconds} s allowed`);
if (failures.length + inconclusive.length > 0 || seconds > allowedSeconds) process.exitCode = 1;
