/**
 * Runs `work` soon after `request`, once for any number of requests in between, never twice at the
 * same time. A failed run is tried again after a pause that doubles up to `retryMsMax`.
 */
export class Coalescer {
  readonly #work: () => Promise<void>;
  readonly #onError: (error: Error) => void;
  readonly #delayMs: number;
  readonly #intervalMs: () => number;
  /** Not before then, on the clock that only goes forward. */
  #earliestMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #failures = 0;
  #stopped = false;

  /** `delayMs`: from a request to the run. `intervalMs`: from the start of a run to the start of the next. */
  constructor(
    work: () => Promise<void>,
    onError: (error: Error) => void,
    { delayMs = 0, intervalMs = () => 0 }: { delayMs?: number; intervalMs?: () => number } = {},
  ) {
    this.#work = work;
    this.#onError = onError;
    this.#delayMs = delayMs;
    this.#intervalMs = intervalMs;
  }

  request(): void {
    if (this.#running) this.#again = true;
    else this.#scheduleNext();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #scheduleNext(): void {
    this.#schedule(Math.max(this.#delayMs, this.#earliestMs - performance.now()));
  }

  #schedule(afterMs: number): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#run(), afterMs);
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    this.#again = false;
    this.#earliestMs = performance.now() + this.#intervalMs();
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
