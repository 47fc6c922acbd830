import type { Prefix } from "../net/prefix.ts";

/** Prefixes and how many need each: one stays as long as anybody does. */
export class PrefixNeeds {
  readonly #needs = new Map<Prefix, number>();
  #all: readonly Prefix[] | undefined;

  /** Each once; the same array as long as it says the same. */
  get all(): readonly Prefix[] {
    return (this.#all ??= [...this.#needs.keys()]);
  }

  change(prefix: Prefix, by: 1 | -1): void {
    const before = this.#needs.get(prefix) ?? 0;
    const needs = before + by;
    if (before === 0 || needs === 0) this.#all = undefined;
    if (needs === 0) this.#needs.delete(prefix);
    else this.#needs.set(prefix, needs);
  }
}
