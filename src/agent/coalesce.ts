import type { AgentClock } from "./edges.ts";

/**
 * Runs `work` soon after `request`, once for any number of requests in between, never twice at the
 * same time. A failed run is tried again after a pause that doubles up to `retryMsMax`.
 */
export class Coalescer {
  readonly #clock: Pick<AgentClock, "monotonicMs" | "setTimer">;
  readonly #work: () => Promise<void>;
  readonly #onError: (error: Error) => void;
  readonly #delayMs: number;
  readonly #intervalMs: () => number;
  readonly #runsAtOnce: number;
  /** Not before then, in monotonic time. */
  #earliestMs = -Infinity;
  #cancel: (() => void) | undefined;
  #running = false;
  #again = false;
  #failures = 0;
  #stopped = false;

  /**
   * `delayMs`: from a request to the run. `intervalMs`: from the start of a run to the start of the next;
   * after a rest, of `runsAtOnce` together.
   */
  constructor(
    clock: Pick<AgentClock, "monotonicMs" | "setTimer">,
    work: () => Promise<void>,
    onError: (error: Error) => void,
    {
      delayMs = 0,
      intervalMs = () => 0,
      runsAtOnce = 1,
    }: { delayMs?: number; intervalMs?: () => number; runsAtOnce?: number } = {},
  ) {
    this.#clock = clock;
    this.#work = work;
    this.#onError = onError;
    this.#delayMs = delayMs;
    this.#intervalMs = intervalMs;
    this.#runsAtOnce = runsAtOnce;
  }

  request(): void {
    if (this.#running) this.#again = true;
    else this.#scheduleNext();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #scheduleNext(): void {
    this.#schedule(Math.max(this.#delayMs, this.#earliestMs - this.#clock.monotonicMs()));
  }

  #schedule(afterMs: number): void {
    if (this.#stopped || this.#cancel !== undefined) return;
    this.#cancel = this.#clock.setTimer(afterMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#cancel = undefined;
    this.#running = true;
    this.#again = false;
    const intervalMs = this.#intervalMs();
    const restedMs = this.#clock.monotonicMs() - (this.#runsAtOnce - 1) * intervalMs;
    this.#earliestMs = Math.max(this.#earliestMs, restedMs) + intervalMs;
    let retryMs: number | undefined;
    try {
      await this.#work();
      this.#failures = 0;
    } catch (error) {
      this.#onError(error as Error);
      retryMs = Math.min(retryMsMax, 100 * 2 ** this.#failures++);
    }
    this.#running = false;
    if (retryMs !== undefined) this.#schedule(retryMs);
    else if (this.#again) this.#scheduleNext();
  }
}

const retryMsMax = 10_000;
