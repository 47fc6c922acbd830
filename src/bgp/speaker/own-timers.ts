import type { FamilyName } from "../rib/family.ts";
import type { Effect, TimerId } from "./effect.ts";

/** The timers that are a peer's own and not its session's. */
export type OwnTimer =
  /** The end of stale routes. */
  | "sweepStale"
  /** The end of stale routes of a peer that goes again and again (RFC 8538 §4.1). */
  | "staleLimit"
  /** The end of a family's long-lived stale routes (RFC 9494 §4.2). */
  | `longLived/${FamilyName}`
  /** The end of a teardown for too many routes. */
  | "maximumPrefix"
  /** What changes meanwhile is told at its end (RFC 4271 §9.2.1.1). */
  | `advertise/${FamilyName}`
  /** Routes are sent by another export policy, or again (pace.ts). */
  | "announce"
  /** The first UPDATE of a session that waits for it (pace.ts). */
  | "firstUpdate";

/** Of one that a family has for itself. */
export function familyOfTimer(timer: `${string}/${FamilyName}`): FamilyName {
  return timer.slice(timer.indexOf("/") + 1) as FamilyName;
}

/** Knows which of them run, so that only those are cleared. */
export class OwnTimers {
  readonly #running = new Set<OwnTimer>();
  readonly #emit: (effect: Effect) => void;
  readonly #timerId: (name: string) => TimerId;

  constructor(emit: (effect: Effect) => void, timerId: (name: string) => TimerId) {
    this.#emit = emit;
    this.#timerId = timerId;
  }

  get isAnyRunning(): boolean {
    return this.#running.size > 0;
  }

  isRunning(timer: OwnTimer): boolean {
    return this.#running.has(timer);
  }

  set(timer: OwnTimer, afterMs: number): void {
    this.#running.add(timer);
    this.#emit({ do: "setTimer", timer: this.#timerId(timer), afterMs });
  }

  clear(timer: OwnTimer): void {
    if (!this.#running.delete(timer)) return;
    this.#emit({ do: "clearTimer", timer: this.#timerId(timer) });
  }

  clearAll(): void {
    for (const timer of this.#running) this.clear(timer);
  }

  /** What a session sends by. */
  clearSessions(): void {
    for (const timer of this.#running) {
      const isSessions = timer === "firstUpdate" || timer === "announce";
      if (isSessions || timer.startsWith("advertise/")) this.clear(timer);
    }
  }

  /** Which of them the name of a timer that fired is; undefined: the session's. */
  fired(name: string): OwnTimer | undefined {
    const timer = [...this.#running].find((one) => one === name);
    if (timer !== undefined) this.#running.delete(timer);
    return timer;
  }
}
