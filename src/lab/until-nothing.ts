export type UntilNothing = {
  /** Calls back at every change. Returns how to stop. */
  subscribe: (look: () => void) => () => void;
  limitMs: number;
  signal?: AbortSignal | undefined;
};

/**
 * Looks at once, then at every change, until nothing is missing. Rejects with what `missing` said last after
 * `limitMs`, as StillMissing, or with the signal's reason.
 */
export function untilNothing(
  missing: () => readonly string[],
  { subscribe, limitMs, signal }: UntilNothing,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (missing().length === 0) finish(resolve);
    };
    const onAbort = () => finish(() => reject(signal!.reason as Error));
    const timer = setTimeout(() => {
      const last = missing();
      finish(() => reject(new StillMissing(last, limitMs)));
    }, limitMs);
    const unsubscribe = subscribe(look);
    const finish = (then: () => void) => {
      clearTimeout(timer);
      unsubscribe();
      signal?.removeEventListener("abort", onAbort);
      then();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    else look();
  });
}

/** What was waited for did not come. */
export class StillMissing extends Error {
  override readonly name = "StillMissing";

  constructor(missing: readonly string[], limitMs: number) {
    super(`after ${limitMs / 1000} s:\n  ${missing.join("\n  ")}`);
  }
}
