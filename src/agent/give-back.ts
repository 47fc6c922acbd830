import { mallocTrim } from "../sys/libc.ts";

/** By then the first sessions are up in most cases. */
const afterMs = 1000;

/**
 * What a process's start needed and nobody needs afterwards goes back to the kernel: some megabytes of code and
 * of values read from files. Only where node runs with --expose-gc.
 */
export function giveBackAfterStart(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  setTimeout(() => {
    // Of the flavors this one also lets go of code that nobody has called for a while.
    gc({ type: "major", execution: "sync", flavor: "last-resort" });
    mallocTrim();
  }, afterMs).unref();
}
