import type { Prefix } from "../../net/prefix.ts";
import type { Path } from "./path.ts";
import { prefixOfKey, type RouteKey, routeKey } from "./route-key.ts";

/**
 * What one peer has announced in one family and not withdrawn (RFC 4271 §3.2), before any policy.
 * Routes can be marked stale: while a restarting peer is away (RFC 4724 §4.2), and while it sends
 * everything again (RFC 7313 §4). A stale route stays until it is announced again or swept.
 */
export class AdjRibIn {
  readonly #paths = new Map<RouteKey, Path>();
  #stale = new Set<RouteKey>();
  #ineligible = 0;
  #isNumbered = false;

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

  get(key: RouteKey): Path | undefined {
    return this.#paths.get(key);
  }

  /** Every path to the prefix: one, or as many as the peer numbers (RFC 7911). */
  pathsTo(prefix: Prefix): Path[] {
    const only = this.#paths.get(routeKey(prefix, undefined));
    if (only !== undefined) return [only];
    if (!this.#isNumbered) return [];
    return [...this.#paths].flatMap(([key, path]) => (prefixOfKey(key) === prefix ? [path] : []));
  }

  isStale(key: RouteKey): boolean {
    return this.#stale.has(key);
  }

  entries(): IterableIterator<[RouteKey, Path]> {
    return this.#paths.entries();
  }

  /** Whether the path is another than before. */
  announce(key: RouteKey, path: Path): boolean {
    this.#stale.delete(key);
    if (path.pathId !== undefined) this.#isNumbered = true;
    const before = this.#paths.get(key);
    if (before === path) return false;
    if (before?.ineligible !== undefined) this.#ineligible--;
    if (path.ineligible !== undefined) this.#ineligible++;
    this.#paths.set(key, path);
    return true;
  }

  /** Whether there was one. */
  withdraw(key: RouteKey): boolean {
    const before = this.#paths.get(key);
    if (before === undefined) return false;
    if (before.ineligible !== undefined) this.#ineligible--;
    this.#stale.delete(key);
    return this.#paths.delete(key);
  }

  /** Marks every route stale. */
  markStale(): void {
    this.#stale = new Set(this.#paths.keys());
  }

  staleKeys(): RouteKey[] {
    return [...this.#stale];
  }

  /** Puts another path in the place of a stale route's, which stays stale. */
  replaceStale(key: RouteKey, path: Path): void {
    this.announce(key, path);
    this.#stale.add(key);
  }

  /** Removes the routes still stale and returns their keys. */
  sweepStale(): RouteKey[] {
    const swept = [...this.#stale];
    for (const key of swept) this.withdraw(key);
    return swept;
  }

  /** Removes every route and returns their keys. */
  clear(): RouteKey[] {
    const removed = [...this.#paths.keys()];
    this.#paths.clear();
    this.#stale.clear();
    this.#ineligible = 0;
    return removed;
  }
}
