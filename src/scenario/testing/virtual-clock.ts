import type { Clock } from "../clock.ts";

/** Time that jumps to the next waiter as soon as nobody has anything else to do. */
export class VirtualClock implements Clock {
  readonly performanceAtZeroMs = 0;
  readonly unixAtZeroMs = 0;
  #nowMs = 0;
  #waiting: { atMs: number; resume: () => void }[] = [];
  #pumping = false;

  nowMs(): number {
    return this.#nowMs;
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const waiter = { atMs: this.#nowMs + ms, resume: resolve };
      this.#waiting.push(waiter);
      signal.addEventListener(
        "abort",
        () => {
          this.#waiting = this.#waiting.filter((one) => one !== waiter);
          reject(signal.reason as Error);
        },
        { once: true },
      );
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    // Two turns of the event loop: promises and stream events have had their say by then.
    setImmediate(() =>
      setImmediate(() => {
        this.#pumping = false;
        const next = this.#waiting.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) return;
        this.#waiting = this.#waiting.filter((one) => one !== next);
        this.#nowMs = Math.max(this.#nowMs, next.atMs);
        next.resume();
        if (this.#waiting.length > 0) this.#pump();
      }),
    );
  }
}
