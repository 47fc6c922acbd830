import { durationText } from "./bounds.ts";
import type { Changes } from "./changes.ts";
import type { CheckContext, Look } from "./check.ts";
import { type CheckResult, lookSafely } from "./expect.ts";
import type { Check } from "./schema/types.ts";

/** Between two looks, where nothing changes meanwhile. */
const lookEveryMs = 100;

type Watched = {
  check: Check;
  looks: number;
  /** How many of them could see something. */
  conclusive: number;
  last: Look;
  heldAtMs?: number;
};

/**
 * Looks all the time, from before a step's events to its end, at checks that must not hold. One that
 * held at any look has failed; one that could never be looked at is inconclusive.
 */
export class NeverWatch {
  readonly #context: CheckContext;
  readonly #changes: Changes;
  readonly #watched: readonly Watched[];
  readonly #beganMs: number;
  readonly #watching: Promise<void>;
  #ended = false;

  constructor(context: CheckContext, changes: Changes, checks: readonly Check[]) {
    this.#context = context;
    this.#changes = changes;
    this.#beganMs = context.clock.nowMs();
    const last = { ok: false, seen: "not looked at" };
    this.#watched = checks.map((check) => ({ check, looks: 0, conclusive: 0, last }));
    this.#watching = this.#watch();
    // Whoever waits for the end is told; until then it is not an unhandled one.
    this.#watching.catch(() => undefined);
  }

  /** One result per check, in order. */
  async end(): Promise<CheckResult[]> {
    this.#ended = true;
    await this.#watching;
    return this.#watched.map((one) => this.#result(one));
  }

  async #watch(): Promise<void> {
    for (;;) {
      const isLast = this.#ended;
      const open = this.#watched.filter(({ heldAtMs }) => heldAtMs === undefined);
      if (open.length === 0) return;
      await Promise.all(open.map((one) => this.#look(one)));
      this.#context.signal.throwIfAborted();
      if (isLast) return;
      if (!this.#ended) await this.#changes.next(lookEveryMs);
    }
  }

  async #look(one: Watched): Promise<void> {
    one.last = await lookSafely(this.#context, one.check);
    one.looks++;
    if (one.last.inconclusive === undefined) one.conclusive++;
    if (one.last.ok) one.heldAtMs = this.#context.clock.nowMs();
  }

  #result({ looks, conclusive, last, heldAtMs }: Watched): CheckResult {
    const tookMs = (heldAtMs ?? this.#context.clock.nowMs()) - this.#beganMs;
    if (heldAtMs !== undefined) {
      const seen = `it held after ${durationText(tookMs)}: ${last.seen}`;
      return { verdict: "fail", seen, looks, tookMs, sinceMs: heldAtMs };
    }
    const verdict = conclusive > 0 ? "pass" : "inconclusive";
    return { verdict, seen: last.seen, looks, tookMs };
  }
}
