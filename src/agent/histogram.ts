/** Upper bounds of Prometheus' default buckets, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Durations counted as Prometheus counts them: in buckets, each with all that is in those below it. */
export class Histogram {
  readonly #counts = bounds.map(() => 0);
  #sumSeconds = 0;
  #count = 0;

  observe(seconds: number): void {
    for (const [index, bound] of bounds.entries()) {
      if (seconds <= bound) this.#counts[index]! += 1;
    }
    this.#sumSeconds += seconds;
    this.#count += 1;
  }

  get sumSeconds(): number {
    return this.#sumSeconds;
  }

  get count(): number {
    return this.#count;
  }

  /** From the lowest bound to `+Inf`. */
  buckets(): { le: string; count: number }[] {
    const finite = bounds.map((bound, index) => ({
      le: String(bound),
      count: this.#counts[index]!,
    }));
    return [...finite, { le: "+Inf", count: this.#count }];
  }
}
