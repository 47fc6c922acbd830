import { EnvironmentError } from "../input/diagnostic.ts";
import type { Verdict } from "../timeline/record.ts";
import { durationText } from "./bounds.ts";
import type { Changes } from "./changes.ts";
import type { CheckContext, Look } from "./check.ts";
import { checkHandler } from "./checks/table.ts";
import type { Check } from "./schema/types.ts";
import { untilAborted } from "./until-aborted.ts";

/** Between two looks at a check that does not hold, where nothing changes meanwhile. */
const lookEveryMs = 100;
/** After a change, before looking again: changes come in bunches. */
const settleMs = 10;
const looksAtOnceMax = 8;
/** Addresses may be new: while checks do not hold, who has which is read again so often. */
const namesEveryMs = 2000;
/** And takes at most one part in so many of the time. */
const namesShare = 20;

export type CheckResult = {
  verdict: Verdict;
  seen: string;
  looks: number;
  tookMs: number;
  /** Where it did not hold: the first look at which this was wrong with it. */
  sinceMs?: number;
  /** And what was not as expected, where the check can tell. */
  differs?: string;
};

export type Expectation = {
  withinMs: number;
  forMs: number;
  /** Told when a check does not hold: at its first look, then whenever it sees something else. */
  waiting?: (check: Check, look: { seen: string; looks: number }) => void;
};

/**
 * Waits until all checks hold at one look, `withinMs` at most, then looks on for `forMs` whether
 * they go on holding; what is pending then has the rest of `withinMs`. Looks at once, then after each
 * route change and every 100 ms. One result per check, in order.
 */
export async function expectAll(
  context: CheckContext,
  changes: Changes,
  checks: readonly Check[],
  { withinMs, forMs, waiting }: Expectation,
): Promise<CheckResult[]> {
  const { clock } = context;
  const beganMs = clock.nowMs();
  const watched = checks.map((check) => new WatchedCheck(context, check, beganMs, waiting));

  const held = await untilAllHold(context, changes, watched, beganMs + withinMs);
  if (!held) return watched.map((one) => one.result(undefined));
  const heldAtMs = clock.nowMs();
  const untilMs = heldAtMs + forMs;
  while (clock.nowMs() < untilMs && watched.every((one) => one.holds || one.isPending)) {
    await pause(context, changes, Math.min(lookEveryMs, untilMs - clock.nowMs()));
    await lookAt(watched.filter((one) => one.dueAtMs <= clock.nowMs()));
  }
  const pending = watched.filter((one) => one.isPending);
  if (pending.length > 0) await untilAllHold(context, changes, pending, beganMs + withinMs);
  return watched.map((one) => one.result(heldAtMs));
}

async function untilAllHold(
  context: CheckContext,
  changes: Changes,
  watched: readonly WatchedCheck[],
  deadlineMs: number,
): Promise<boolean> {
  const { clock, names, signal } = context;
  let namesDueAtMs = clock.nowMs() + namesEveryMs;
  // What held once, and was not looked at since, may hold no more: the verdict is of now.
  const giveUp = async (roundMs: number) => {
    await lookAt(watched.filter((one) => one.holds && one.lookedAtMs < roundMs));
    return false;
  };
  for (;;) {
    signal.throwIfAborted();
    const roundMs = clock.nowMs();
    const pending = () => watched.filter((one) => !one.holds && !one.isFinal);
    await lookAt(pending().filter((one) => one.dueAtMs <= roundMs || roundMs >= deadlineMs));
    // Those that held before may hold no more: only one round that sees all of them hold counts.
    if (watched.every((one) => one.holds)) {
      await lookAt(watched.filter((one) => one.lookedAtMs < roundMs));
      if (watched.every((one) => one.holds)) return true;
    }
    const left = pending();
    if (left.length === 0 && watched.some((one) => one.isFinal)) {
      return await giveUp(roundMs);
    }
    const nowMs = clock.nowMs();
    if (nowMs >= deadlineMs) return await giveUp(roundMs);
    if (nowMs >= namesDueAtMs) {
      // Where no node can be read, the checks themselves say so.
      await names.refresh().catch(() => undefined);
      const tookMs = clock.nowMs() - nowMs;
      namesDueAtMs = clock.nowMs() + Math.max(namesEveryMs, namesShare * tookMs);
    }
    await pause(context, changes, Math.min(lookEveryMs, deadlineMs - nowMs));
  }
}

/** Until something changes and has settled, `ms` at most. */
async function pause({ clock, signal }: CheckContext, changes: Changes, ms: number): Promise<void> {
  const beganMs = clock.nowMs();
  await changes.next(Math.max(ms, 1));
  const leftMs = ms - (clock.nowMs() - beganMs);
  if (leftMs > 0) await clock.wait(Math.min(settleMs, leftMs), signal);
}

async function lookAt(watched: readonly WatchedCheck[]): Promise<void> {
  const queue = [...watched];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next.look();
  };
  await Promise.all(Array.from({ length: Math.min(looksAtOnceMax, queue.length) }, work));
}

class WatchedCheck {
  readonly #context: CheckContext;
  readonly #check: Check;
  readonly #beganMs: number;
  readonly #waiting: Expectation["waiting"];
  #last: Look = { ok: false, seen: "not looked at" };
  #looks = 0;
  #seenSinceMs = 0;
  /** Since when it holds; where it does not, when it was last looked at. */
  #sinceMs: number;
  lookedAtMs = -1;

  constructor(
    context: CheckContext,
    check: Check,
    beganMs: number,
    waiting: Expectation["waiting"],
  ) {
    this.#waiting = waiting;
    this.#context = context;
    this.#check = check;
    this.#beganMs = beganMs;
    this.#sinceMs = beganMs;
  }

  get holds(): boolean {
    return this.#last.ok;
  }

  get isPending(): boolean {
    return !this.#last.ok && this.#last.pending === true;
  }

  get isFinal(): boolean {
    return !this.#last.ok && this.#last.final === true;
  }

  /** Not to be looked at before. */
  get dueAtMs(): number {
    if (this.#looks === 0) return 0;
    return this.lookedAtMs + (checkHandler(this.#check.kind).everyMsMin ?? 0);
  }

  async look(): Promise<void> {
    const { clock, signal } = this.#context;
    this.lookedAtMs = clock.nowMs();
    const before = this.#last;
    this.#last = await lookSafely(this.#context, this.#check);
    // An answer that comes after an abort may be the abort's own doing.
    signal.throwIfAborted();
    this.#looks++;
    if (!this.#last.ok || !before.ok) this.#sinceMs = clock.nowMs();
    // A session that is up for longer with each look differs in the same all the time.
    if (wrongWith(this.#last) !== wrongWith(before)) this.#seenSinceMs = clock.nowMs();
    if (!this.#last.ok && this.#last.seen !== before.seen) {
      this.#waiting?.(this.#check, { seen: this.#last.seen, looks: this.#looks });
    }
  }

  /** `heldAtMs`: when all checks of the step held; undefined where they never did. */
  result(heldAtMs: number | undefined): CheckResult {
    const { ok, seen, inconclusive, differs = [] } = this.#last;
    const verdict = ok ? "pass" : inconclusive === undefined ? "fail" : "inconclusive";
    const broke = !ok && heldAtMs !== undefined;
    const after = broke ? `after ${durationText(this.#sinceMs - heldAtMs)} it held no more: ` : "";
    return {
      verdict,
      seen: after + seen,
      looks: this.#looks,
      tookMs: this.#sinceMs - this.#beganMs,
      ...(!ok && { sinceMs: this.#seenSinceMs }),
      ...(!ok && differs.length > 0 && { differs: differs.join("; ") }),
    };
  }
}

function wrongWith({ seen, differs = [] }: Look): string {
  return differs.length > 0 ? differs.join("; ") : seen;
}

/** What kept it from looking is a look that says so: neither a pass nor a failure. Rejects where the run ends early. */
export async function lookSafely(context: CheckContext, check: Check): Promise<Look> {
  const { signal } = context;
  try {
    return await untilAborted(signal, () => checkHandler(check.kind).look(context, check as never));
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = error instanceof EnvironmentError ? ` (${error.remedy})` : "";
    return {
      ok: false,
      seen: reason + remedy,
      inconclusive: reason,
      final: error instanceof EnvironmentError,
    };
  }
}
