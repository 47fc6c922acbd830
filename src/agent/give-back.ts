import { flushCompileCache } from "node:module";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { mallocTrim } from "../sys/libc.ts";

/** By then the first sessions are up in most cases. */
const afterMs = 1000;

/**
 * What a process's start needed and nobody needs afterwards goes back to the kernel: some megabytes of code and
 * of values read from files. `nextAtMb`: how large what is left may grow before it is searched for garbage again.
 */
export function giveBackAfterStart(nextAtMb?: number): void {
  setTimeout(() => {
    // Before code is let go of that the next start needs as well.
    flushCompileCache();
    collect(nextAtMb);
    mallocTrim();
  }, afterMs).unref();
}

/**
 * Node's command line is no place for these flags: with one that could be about code, V8 does not believe what Node
 * brings compiled of its own modules, which makes 15 ms of a start.
 */
function collect(nextAtMb: number | undefined): void {
  const usedMb = getHeapStatistics().used_heap_size / 1e6;
  const growth =
    nextAtMb === undefined ? 0 : Math.max(0, Math.round(100 * (nextAtMb / usedMb - 1)));
  setFlagsFromString("--expose-gc");
  setFlagsFromString(`--heap-growing-percent=${growth}`);
  const gc = runInNewContext("gc") as NonNullable<typeof globalThis.gc>;
  // Of the flavors this one also lets go of code that nobody has called for a while.
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
  setFlagsFromString("--heap-growing-percent=0");
  setFlagsFromString("--no-expose-gc");
}
