import { EarliestFirst } from "../net/earliest-first.ts";

/** Unix time when a simulated world begins: any, but the same each time. */
export const unixMsAtZero = Date.UTC(2030, 0, 1);

/** Time that stands still while anything runs, and jumps to what comes next: the same order every time. */
export class VirtualClock {
  #nowMs = 0;
  #serial = 0;
  readonly #timers = new EarliestFirst<Timer>();

  /** Milliseconds since the beginning, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** When something is next to happen; undefined: nothing is. */
  get nextMs(): number | undefined {
    this.#dropCancelled();
    return this.#timers.first?.atMs;
  }

  /** Calls back once, after so long; of timers of one moment the one that was set first. Returns how to cancel. */
  setTimer(afterMs: number, callback: () => void): () => void {
    const atMs = this.#nowMs + Math.max(0, afterMs);
    const timer: Timer = { atMs, serial: this.#serial++, callback };
    this.#timers.push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** Moves on to the next timer and calls it back; false where there is none. */
  step(): boolean {
    this.#dropCancelled();
    const timer = this.#timers.pop();
    if (timer === undefined) return false;
    this.#nowMs = timer.atMs;
    timer.callback!();
    return true;
  }

  #dropCancelled(): void {
    const timers = this.#timers;
    while (timers.first !== undefined && timers.first.callback === undefined) timers.pop();
  }
}

type Timer = {
  readonly atMs: number;
  readonly serial: number;
  /** Undefined: cancelled. */
  callback: (() => void) | undefined;
};
