/**
 * Mutated messages into a whole speaker with sessions of every kind (test/fuzz), in one thread a core:
 * how many a second, and that the heap does not grow with them. Ends with status 1 at the first message
 * that is not handled as the RFCs say, which is printed as hex with its seed.
 *
 *   node bench/fuzz.ts [messages] [seed]
 */
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { recordedMessages } from "../test/bgp-captures/recordings.ts";
import { fuzz, type FuzzResult } from "../test/fuzz/fuzz.ts";

type Share = { seed: number; count: number };
type Told = { messages: number; heapMb: number } | { result: FuzzResult };

/** Beyond what the first 100,000 messages leave. */
const heapGrowthMbMax = 32;

if (isMainThread) await main();
else work(workerData as Share);

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 10_000_000);
  const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
  const threads = availableParallelism();
  const begunMs = performance.now();
  console.log(`${count} mutated messages, ${threads} threads, seeds from ${seed} on`);
  const shares = Array.from({ length: threads }, (_, i) => ({
    seed: seed + i,
    count: Math.floor(count / threads) + (i < count % threads ? 1 : 0),
  }));
  const results = await Promise.all(shares.map(share));
  const messages = results.reduce((sum, one) => sum + one.messages, 0);
  const ended = results.reduce((sum, one) => sum + one.ended, 0);
  const seconds = (performance.now() - begunMs) / 1000;
  const growth = Math.max(...results.map(({ growthMb }) => growthMb));
  console.log(
    `${messages} messages in ${seconds.toFixed(0)} s, ${Math.round(messages / seconds)} a second; ` +
      `${ended} sessions ended; heap grew by at most ${growth.toFixed(1)} MB`,
  );
  const failures = results.flatMap(({ failure }) => failure ?? []);
  if (growth > heapGrowthMbMax) failures.push(`the heap grew by ${growth.toFixed(1)} MB`);
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
}

/** In a thread of its own, whose heap is its own too. */
function share(of: Share): Promise<FuzzResult & { growthMb: number }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: of });
    const heaps: number[] = [];
    worker.on("error", reject);
    worker.on("message", (told: Told) => {
      if ("result" in told) {
        const growthMb = heaps.length > 0 ? Math.max(...heaps) - heaps[0]! : 0;
        resolve({ ...told.result, growthMb });
      } else {
        heaps.push(told.heapMb);
        if (told.messages % 1_000_000 === 0) {
          console.log(`seed ${of.seed}: ${told.messages}, heap ${told.heapMb.toFixed(1)} MB`);
        }
      }
    });
  });
}

function work({ seed, count }: Share): void {
  // Most messages bring about an error by intent, and nobody reads its stack.
  Error.stackTraceLimit = 0;
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const port = parentPort!;
  const tell = (told: Told) => port.postMessage(told, []);
  const result = fuzz(recordedMessages(), seed, count, (messages) => {
    collect();
    tell({ messages, heapMb: process.memoryUsage().heapUsed / 1e6 });
  });
  tell({ result });
}
