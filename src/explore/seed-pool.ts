import { Worker } from "node:worker_threads";
import { playSeed, type SeedJob, type SeedResult } from "./seed.ts";

export type PoolOptions = {
  job: SeedJob;
  seeds: Iterable<number>;
  /** 1: in this thread. */
  threads: number;
  /** Called in the order in which they end. */
  onResult: (result: SeedResult) => void;
  /** Ends it early; what was played by then was told. */
  signal: AbortSignal;
};

/** Of one thread. A world is dropped after its seed, so that many seeds need no more than one. */
const memoryMaxMib = 2048;

/** Plays every seed, on so many threads. Each seed has a world of its own, so that it matters not which thread plays it. */
export async function playSeeds(options: PoolOptions): Promise<void> {
  const { job, seeds, threads, onResult, signal } = options;
  if (threads > 1) return await playOnThreads(options);
  for (const seed of seeds) {
    if (signal.aborted) return;
    try {
      onResult(await playSeed(job, seed, signal));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function playOnThreads({
  job,
  seeds,
  threads,
  onResult,
  signal,
}: PoolOptions): Promise<void> {
  const left = seeds[Symbol.iterator]();
  const workers = Array.from(
    { length: threads },
    () =>
      new Worker(new URL("./seed-worker.ts", import.meta.url), {
        workerData: job,
        resourceLimits: { maxOldGenerationSizeMb: memoryMaxMib },
      }),
  );
  const work = async (worker: Worker) => {
    for (let next = left.next(); next.done !== true && !signal.aborted; next = left.next()) {
      const result = await answerOf(worker, next.value, signal);
      if (result !== undefined) onResult(result);
    }
  };
  try {
    await Promise.all(workers.map(work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Undefined: it was ended early. */
function answerOf(
  worker: Worker,
  seed: number,
  signal: AbortSignal,
): Promise<SeedResult | undefined> {
  return new Promise((resolve, reject) => {
    const listening = new AbortController();
    const end = (settle: () => void) => {
      worker.off("message", onMessage).off("error", onError);
      listening.abort();
      settle();
    };
    const onMessage = (result: SeedResult) => end(() => resolve(result));
    const onError = (error: Error) => {
      const isFull = (error as { code?: string }).code === "ERR_WORKER_OUT_OF_MEMORY";
      const message = `seed ${seed} needs more than ${memoryMaxMib} MiB`;
      end(() => reject(isFull ? new Error(message, { cause: error }) : error));
    };
    worker.on("message", onMessage).on("error", onError);
    const onAbort = () => end(() => resolve(undefined));
    signal.addEventListener("abort", onAbort, { signal: listening.signal });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    worker.postMessage(seed);
  });
}
