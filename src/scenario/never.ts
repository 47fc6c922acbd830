import { durationText } from "./bounds.ts";
import type { Changes } from "./changes.ts";
import type { CheckContext, Look } from "./check.ts";
import { checkHandler } from "./checks/table.ts";
import { type CheckResult, lookSafely } from "./expect.ts";
import type { Check } from "./schema/types.ts";

/** Between two looks, where nothing changes meanwhile. */
const lookEveryMs = 100;
/** Longer than that, or than this part of the whole time, nothing may go unseen. */
const unseenMsMax = 1000;
const unseenShareMax = 1 / 10;

/**
 * Looks all the time, from before a step's events to its end, at checks that must not hold. One that
 * held at any look has failed; one that could not be looked at for too long is inconclusive, however
 * often it could before and after.
 */
export class NeverWatch {
  readonly #context: CheckContext;
  readonly #changes: Changes;
  readonly #watched: readonly WatchedCheck[];
  readonly #ended = new AbortController();
  readonly #watching: Promise<unknown>;

  constructor(context: CheckContext, changes: Changes, checks: readonly Check[]) {
    this.#context = context;
    this.#changes = changes;
    this.#watched = checks.map((check) => new WatchedCheck(context, check));
    // Each by itself: a slow ping keeps nobody from looking at routes.
    this.#watching = Promise.all(this.#watched.map((one) => this.#watch(one)));
    // Whoever waits for the end is told; until then it is not an unhandled one.
    this.#watching.catch(() => undefined);
  }

  /** One result per check, in order. */
  async end(): Promise<CheckResult[]> {
    this.#ended.abort();
    await this.#watching;
    return this.#watched.map((one) => one.result());
  }

  async #watch(one: WatchedCheck): Promise<void> {
    for (;;) {
      const isLast = this.#ended.signal.aborted;
      await one.look();
      this.#context.signal.throwIfAborted();
      if (isLast || one.held) return;
      await this.#pause(one);
    }
  }

  async #pause({ everyMsMin }: WatchedCheck): Promise<void> {
    const { signal, clock } = this.#context;
    const ended = this.#ended.signal;
    if (ended.aborted) return;
    if (everyMsMin === undefined) return await this.#changes.next(lookEveryMs);
    await clock.wait(everyMsMin, AbortSignal.any([signal, ended])).catch((error: unknown) => {
      if (!ended.aborted) throw error;
    });
  }
}

class WatchedCheck {
  readonly #context: CheckContext;
  readonly #check: Check;
  readonly #beganMs: number;
  #looks = 0;
  /** How many looks could see nothing. */
  #blind = 0;
  #last: Look = { ok: false, seen: "not looked at" };
  #heldAtMs: number | undefined;
  /** When a look could see something last. */
  #sawAtMs: number;
  /** Since then a look could see nothing. */
  #blindSince: { reason: string } | undefined;
  #longestUnseen: { ms: number; reason: string } | undefined;

  constructor(context: CheckContext, check: Check) {
    this.#context = context;
    this.#check = check;
    this.#beganMs = context.clock.nowMs();
    this.#sawAtMs = this.#beganMs;
  }

  get held(): boolean {
    return this.#heldAtMs !== undefined;
  }

  get everyMsMin(): number | undefined {
    return checkHandler(this.#check.kind).everyMsMin;
  }

  async look(): Promise<void> {
    const { clock } = this.#context;
    const beganMs = clock.nowMs();
    this.#last = await lookSafely(this.#context, this.#check);
    this.#looks++;
    const { ok, inconclusive } = this.#last;
    if (inconclusive === undefined) {
      this.#endUnseen(beganMs);
      this.#sawAtMs = clock.nowMs();
    } else {
      this.#blind++;
      this.#blindSince ??= { reason: inconclusive };
    }
    if (ok) this.#heldAtMs = clock.nowMs();
  }

  result(): CheckResult {
    const nowMs = this.#context.clock.nowMs();
    const looks = this.#looks;
    const tookMs = (this.#heldAtMs ?? nowMs) - this.#beganMs;
    if (this.#heldAtMs !== undefined) {
      const seen = `it held after ${durationText(tookMs)}: ${this.#last.seen}`;
      return { verdict: "fail", seen, looks, tookMs, sinceMs: this.#heldAtMs };
    }
    this.#endUnseen(nowMs);
    const sawSomething = `it did not hold at ${looks - this.#blind} of ${times(looks)}`;
    if (this.#longestUnseen === undefined) {
      const seen = `it did not hold at ${times(looks)}: ${this.#last.seen}`;
      return { verdict: "pass", seen, looks, tookMs };
    }
    const { ms, reason } = this.#longestUnseen;
    const unseen = `for ${durationText(ms)} of ${durationText(tookMs)} it could not be looked at: ${reason}`;
    const verdict = this.#isTooLong(ms, tookMs) ? "inconclusive" : "pass";
    return { verdict, seen: `${sawSomething}; ${unseen}`, looks, tookMs };
  }

  /** Where each look tells of all that was since the step began, only the last one counts. */
  #isTooLong(unseenMs: number, tookMs: number): boolean {
    if (checkHandler(this.#check.kind).tellsOfAllSince === true) {
      return this.#last.inconclusive !== undefined;
    }
    return unseenMs > Math.min(unseenMsMax, tookMs * unseenShareMax) || this.#looks === this.#blind;
  }

  #endUnseen(atMs: number): void {
    if (this.#blindSince === undefined) return;
    const ms = atMs - this.#sawAtMs;
    if (ms >= (this.#longestUnseen?.ms ?? 0)) this.#longestUnseen = { ms, ...this.#blindSince };
    this.#blindSince = undefined;
  }
}

function times(looks: number): string {
  return looks === 1 ? "1 look" : `${looks} looks`;
}
