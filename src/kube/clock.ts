/** Time as the Kubernetes parts use it: handed in, so tests and simulation can drive it. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Calls back once after so many milliseconds. The function returned cancels. */
  setTimer(afterMs: number, callback: () => void): () => void;
};

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer(afterMs, callback) {
    const timer = setTimeout(callback, afterMs);
    return () => clearTimeout(timer);
  },
};

/** metav1.Time: RFC 3339 in UTC, whole seconds. */
export function timestamp(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
