import type { Prefix } from "../../net/prefix.ts";
import type { Path } from "./path.ts";

/**
 * What one peer has announced in one family and not withdrawn (RFC 4271 §3.2), before any policy.
 * Routes can be marked stale: while a restarting peer is away (RFC 4724 §4.2), and while it sends
 * everything again (RFC 7313 §4). A stale route stays until it is announced again or swept.
 */
export class AdjRibIn {
  readonly #paths = new Map<Prefix, Path>();
  #stale = new Set<Prefix>();
  #ineligible = 0;

  /** Number of routes. */
  get size(): number {
    return this.#paths.size;
  }

  /** Number of routes that the decision process may look at. */
  get eligible(): number {
    return this.#paths.size - this.#ineligible;
  }

  get stale(): number {
    return this.#stale.size;
  }

  get(prefix: Prefix): Path | undefined {
    return this.#paths.get(prefix);
  }

  isStale(prefix: Prefix): boolean {
    return this.#stale.has(prefix);
  }

  entries(): IterableIterator<[Prefix, Path]> {
    return this.#paths.entries();
  }

  /** Whether the path is another than before. */
  announce(prefix: Prefix, path: Path): boolean {
    this.#stale.delete(prefix);
    const before = this.#paths.get(prefix);
    if (before === path) return false;
    if (before?.ineligible !== undefined) this.#ineligible--;
    if (path.ineligible !== undefined) this.#ineligible++;
    this.#paths.set(prefix, path);
    return true;
  }

  /** Whether there was one. */
  withdraw(prefix: Prefix): boolean {
    const before = this.#paths.get(prefix);
    if (before === undefined) return false;
    if (before.ineligible !== undefined) this.#ineligible--;
    this.#stale.delete(prefix);
    return this.#paths.delete(prefix);
  }

  /** Marks every route stale. */
  markStale(): void {
    this.#stale = new Set(this.#paths.keys());
  }

  /** Removes the routes still stale and returns their prefixes. */
  sweepStale(): Prefix[] {
    const swept = [...this.#stale];
    for (const prefix of swept) this.withdraw(prefix);
    return swept;
  }

  /** Removes every route and returns their prefixes. */
  clear(): Prefix[] {
    const removed = [...this.#paths.keys()];
    this.#paths.clear();
    this.#stale.clear();
    this.#ineligible = 0;
    return removed;
  }
}
