/** Of causes that stand: which are new since the last time. A cause that ends and comes again is new again. */
export class ToldOnce {
  #told: ReadonlySet<string> = new Set();

  new<T>(causes: readonly T[]): T[] {
    const before = this.#told;
    this.#told = new Set(causes.map((cause) => JSON.stringify(cause)));
    return causes.filter((cause) => !before.has(JSON.stringify(cause)));
  }
}
