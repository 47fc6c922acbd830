import type { TimerId } from "../bgp/speaker/effect.ts";

/** 24.8 days: Node takes a longer time for none. A long-lived stale time may be 194 days (RFC 9494 §3). */
const timeoutMsMax = 2 ** 31 - 1;

/** Timers of a process that has little to do are a millisecond or two late. */
const lateMs = 10;

/**
 * The timers of a speaker. One that is late fired after the process was busy or stopped, and what came
 * meanwhile is not read yet: it is read first, since it may be what the timer waits for.
 */
export class SpeakerTimers {
  readonly #timers = new Map<TimerId, NodeJS.Timeout>();
  readonly #onFired: (timer: TimerId) => void;

  constructor(onFired: (timer: TimerId) => void) {
    this.#onFired = onFired;
  }

  /** Replaces an earlier one of the same id. */
  set(timer: TimerId, afterMs: number): void {
    clearTimeout(this.#timers.get(timer));
    this.#wait(timer, performance.now() + afterMs, false);
  }

  clear(timer: TimerId): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }

  stop(): void {
    for (const timer of this.#timers.keys()) this.clear(timer);
  }

  #wait(timer: TimerId, dueMs: number, wasLate: boolean): void {
    const leftMs = Math.max(dueMs - performance.now(), 0);
    const fire = () => {
      const pastMs = performance.now() - dueMs;
      if (pastMs < -lateMs) this.#wait(timer, dueMs, false);
      else if (pastMs > lateMs && !wasLate) this.#wait(timer, dueMs, true);
      else {
        this.#timers.delete(timer);
        this.#onFired(timer);
      }
    };
    this.#timers.set(timer, setTimeout(fire, Math.min(leftMs, timeoutMsMax)));
  }
}
