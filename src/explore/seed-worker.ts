import { parentPort, workerData } from "node:worker_threads";
import { playSeed, type SeedJob, type SeedResult } from "./seed.ts";

/** A thread of its own that plays the seeds that it is told, one after the other (seed-pool.ts). */
const job = workerData as SeedJob;
const { signal } = new AbortController();
const port = parentPort!;

port.on("message", (seed: number) => {
  void playSeed(job, seed, signal).then((result: SeedResult) => port.postMessage(result));
});
