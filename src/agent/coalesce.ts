/**
 * Runs `work` soon after `request`, once for any number of requests in between, never twice at the
 * same time. A failed run is tried again after a pause that doubles up to `retryMsMax`.
 */
export class Coalescer {
  readonly #work: () => Promise<void>;
  readonly #onError: (error: Error) => void;
  readonly #delayMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #failures = 0;
  #stopped = false;

  constructor(work: () => Promise<void>, onError: (error: Error) => void, delayMs = 0) {
    this.#work = work;
    this.#onError = onError;
    this.#delayMs = delayMs;
  }

  request(): void {
    if (this.#running) this.#again = true;
    else this.#schedule(this.#delayMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(afterMs: number): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#run(), afterMs);
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    this.#again = false;
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
    else if (this.#again) this.#schedule(this.#delayMs);
  }
}

const retryMsMax = 10_000;
