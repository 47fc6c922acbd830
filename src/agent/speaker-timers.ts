import type { TimerId } from "../bgp/speaker/effect.ts";
import { EarliestFirst } from "../net/earliest-first.ts";

/** 24.8 days: Node takes a longer time for none. A long-lived stale time may be 194 days (RFC 9494 §3). */
const timeoutMsMax = 2 ** 31 - 1;

/** Timers of a process that has little to do are a millisecond or two late. */
const lateMs = 10;

/** Node counts in whole milliseconds. */
const earlyMs = 1;

type Timer = {
  readonly id: TimerId;
  /** Undefined: cleared. */
  dueMs: number | undefined;
  wasLate: boolean;
  /** Where it stands in the queue: when it is due or, where it was put off since, earlier. */
  atMs: number;
  serial: number;
};

/**
 * The timers of a speaker, all by one of Node's: a thousand sessions put theirs off with every message, which is a
 * number written here, and all that are due at one moment are served in one turn. One that is late fired after the
 * process was busy or stopped, and what came meanwhile is not read yet: it is read first, since it may be what the
 * timer waits for.
 */
export class SpeakerTimers {
  readonly #timers = new Map<TimerId, Timer>();
  #queue = new EarliestFirst<Timer>();
  /** Out of the queue, until what came meanwhile is read. */
  #late: Timer[] = [];
  #serial = 0;
  #wakeUp: { atMs: number; timeout: NodeJS.Timeout } | undefined;
  readonly #onFired: (timer: TimerId) => void;

  constructor(onFired: (timer: TimerId) => void) {
    this.#onFired = onFired;
  }

  /** Replaces an earlier one of the same id. */
  set(id: TimerId, afterMs: number): void {
    const dueMs = performance.now() + afterMs;
    const known = this.#timers.get(id);
    if (known !== undefined && known.atMs <= dueMs) {
      known.dueMs = dueMs;
      return;
    }
    if (known !== undefined) known.dueMs = undefined;
    const timer: Timer = { id, dueMs, wasLate: false, atMs: dueMs, serial: this.#serial++ };
    this.#timers.set(id, timer);
    this.#queue.push(timer);
    this.#wakeUpAt(dueMs);
  }

  clear(id: TimerId): void {
    const timer = this.#timers.get(id);
    if (timer !== undefined) timer.dueMs = undefined;
  }

  stop(): void {
    // Also of those that fire in this very turn.
    for (const timer of this.#timers.values()) timer.dueMs = undefined;
    this.#timers.clear();
    this.#queue = new EarliestFirst();
    this.#late = [];
    clearTimeout(this.#wakeUp?.timeout);
    this.#wakeUp = undefined;
  }

  #wakeUpAt(atMs: number): void {
    if (this.#wakeUp !== undefined) {
      if (this.#wakeUp.atMs <= atMs) return;
      clearTimeout(this.#wakeUp.timeout);
    }
    const leftMs = Math.ceil(Math.max(atMs - performance.now(), 0));
    const timeout = setTimeout(() => this.#awake(), Math.min(leftMs, timeoutMsMax));
    this.#wakeUp = { atMs, timeout };
  }

  #awake(): void {
    this.#wakeUp = undefined;
    const nowMs = performance.now();
    const due = this.#late;
    this.#late = [];
    for (let first = this.#first(); first !== undefined && first.atMs <= nowMs + earlyMs;) {
      due.push(this.#queue.pop()!);
      first = this.#first();
    }
    for (const timer of due) {
      // One that fired just now may have put off or cleared another.
      if (timer.dueMs === undefined || timer.dueMs > nowMs + earlyMs) this.#putBack(timer);
      else if (timer.dueMs < nowMs - lateMs && !timer.wasLate) {
        timer.wasLate = true;
        this.#late.push(timer);
      } else {
        this.#timers.delete(timer.id);
        this.#onFired(timer.id);
      }
    }
    const nextMs = this.#late.length > 0 ? nowMs : this.#first()?.atMs;
    if (nextMs !== undefined) this.#wakeUpAt(nextMs);
  }

  /** The next that is due; those before it that were put off stand where they belong then. */
  #first(): Timer | undefined {
    for (;;) {
      const { first } = this.#queue;
      if (first === undefined || first.dueMs === first.atMs) return first;
      this.#queue.pop();
      this.#putBack(first);
    }
  }

  /** Of one that is out of the queue; it is forgotten where it was cleared. */
  #putBack(timer: Timer): void {
    if (timer.dueMs === undefined) {
      if (this.#timers.get(timer.id) === timer) this.#timers.delete(timer.id);
      return;
    }
    timer.atMs = timer.dueMs;
    timer.serial = this.#serial++;
    timer.wasLate = false;
    this.#queue.push(timer);
  }
}
