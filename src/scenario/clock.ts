/** Time as a scenario knows it: the timeline's. Handed in, so that tests run on virtual time. */
export interface Clock {
  /** Milliseconds since the run began: the timeline's `atMs`. */
  nowMs(): number;
  /** Resolves after so long, or rejects with the signal's reason as soon as that is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** What performance.now() showed when nowMs() was 0. */
  readonly performanceAtZeroMs: number;
  /** Unix time in milliseconds when nowMs() was 0. */
  readonly unixAtZeroMs: number;
}

/** The machine's monotonic clock. `performanceAtZeroMs`: performance.now() at the beginning of the run. */
export function systemClock(performanceAtZeroMs: number): Clock {
  const unixAtZeroMs = unixNowMs() - (performance.now() - performanceAtZeroMs);
  return {
    performanceAtZeroMs,
    unixAtZeroMs,
    nowMs: () => performance.now() - performanceAtZeroMs,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const onAbort = () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        };
        const timer = setTimeout(() => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        }, ms);
        signal.addEventListener("abort", onAbort, { once: true });
      }),
  };
}

/** Date.now() has whole milliseconds; this has their parts as long as nobody set the clock meanwhile. */
function unixNowMs(): number {
  const fineMs = performance.timeOrigin + performance.now();
  const coarseMs = Date.now();
  return Math.abs(fineMs - coarseMs) < 2 ? fineMs : coarseMs + 0.5;
}
