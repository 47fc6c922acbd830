import type { Prefix } from "../../net/prefix.ts";
import { isSamePath, type Path } from "./path.ts";
import type { PrefixId, PrefixTable } from "./prefix-table.ts";
import { RouteTable } from "./route-table.ts";

/** One received route. Its path has the identifier, where the peer numbers its paths. */
export type ReceivedEntry = {
  readonly prefix: Prefix;
  readonly path: Path;
  readonly isStale: boolean;
};

/**
 * What one peer has announced in one family and not withdrawn (RFC 4271 §3.2), before any policy.
 * Routes can be marked stale: while a restarting peer is away (RFC 4724 §4.2), and while it sends
 * everything again (RFC 7313 §4). A stale route stays until it is announced again or swept.
 */
export class AdjRibIn {
  readonly #prefixes: PrefixTable;
  readonly #paths = new RouteTable<Path>();
  /** Paths that the peer numbers, by their identifiers (RFC 7911). */
  readonly #numbered = new Map<PrefixId, Map<number, Path>>();
  #numberedSize = 0;
  #ineligible = 0;
  #stale = new Set<PrefixId>();
  readonly #staleNumbered = new Map<PrefixId, Set<number>>();
  #staleNumberedSize = 0;

  constructor(prefixes: PrefixTable) {
    this.#prefixes = prefixes;
  }

  /** Number of routes. */
  get size(): number {
    return this.#paths.size + this.#numberedSize;
  }

  /** Number of routes that the decision process may look at. */
  get eligible(): number {
    return this.size - this.#ineligible;
  }

  get stale(): number {
    return this.#stale.size + this.#staleNumberedSize;
  }

  /** Every path to the prefix: one, or as many as the peer numbers. */
  pathsTo(prefix: Prefix): Path[] {
    const id = this.#prefixes.findPrefix(prefix);
    if (id < 0) return [];
    const only = this.#paths.get(id);
    return [...(only === undefined ? [] : [only]), ...(this.#numbered.get(id)?.values() ?? [])];
  }

  forEach(call: (path: Path, id: PrefixId) => void): void {
    this.#paths.forEach(call);
    for (const [id, paths] of this.#numbered) for (const path of paths.values()) call(path, id);
  }

  /** Whether it holds for one of the paths: none is looked at after that. */
  some(holds: (path: Path, id: PrefixId) => boolean): boolean {
    if (this.#paths.some(holds)) return true;
    for (const [id, paths] of this.#numbered) {
      for (const path of paths.values()) if (holds(path, id)) return true;
    }
    return false;
  }

  entries(): ReceivedEntry[] {
    const entries: ReceivedEntry[] = [];
    this.forEach((path, id) => {
      const isStale = this.#isStale(id, path.pathId);
      entries.push({ prefix: this.#prefixes.prefix(id), path, isStale });
    });
    return entries;
  }

  /** Whether the path is another than before. */
  announce(id: PrefixId, path: Path): boolean {
    if (this.stale > 0) this.#confirm(id, path.pathId);
    const before = this.#get(id, path.pathId);
    if (before === undefined) this.#prefixes.retain(id);
    else if (isSamePath(before, path)) return false;
    if (before?.ineligible !== undefined) this.#ineligible--;
    if (path.ineligible !== undefined) this.#ineligible++;
    this.#set(id, path);
    return true;
  }

  /** Whether there was one. */
  withdraw(id: PrefixId, pathId: number | undefined): boolean {
    const before = this.#get(id, pathId);
    if (before === undefined) return false;
    if (before.ineligible !== undefined) this.#ineligible--;
    if (this.stale > 0) this.#confirm(id, pathId);
    this.#delete(id, pathId);
    this.#prefixes.release(id);
    return true;
  }

  /** Marks every route stale. */
  markStale(): void {
    this.#stale = new Set(this.#paths.ids());
    this.#staleNumbered.clear();
    this.#staleNumberedSize = this.#numberedSize;
    for (const [id, paths] of this.#numbered) this.#staleNumbered.set(id, new Set(paths.keys()));
  }

  forEachStale(call: (path: Path, id: PrefixId) => void): void {
    for (const id of [...this.#stale]) call(this.#paths.get(id)!, id);
    for (const [id, pathIds] of [...this.#staleNumbered]) {
      for (const pathId of [...pathIds]) call(this.#numbered.get(id)!.get(pathId)!, id);
    }
  }

  /** Puts another path in the place of a stale route's, which stays stale. */
  replaceStale(id: PrefixId, path: Path): void {
    this.announce(id, path);
    if (path.pathId === undefined) this.#stale.add(id);
    else {
      let pathIds = this.#staleNumbered.get(id);
      if (pathIds === undefined) this.#staleNumbered.set(id, (pathIds = new Set()));
      pathIds.add(path.pathId);
      this.#staleNumberedSize++;
    }
  }

  #get(id: PrefixId, pathId: number | undefined): Path | undefined {
    return pathId === undefined ? this.#paths.get(id) : this.#numbered.get(id)?.get(pathId);
  }

  #set(id: PrefixId, path: Path): void {
    if (path.pathId === undefined) {
      this.#paths.set(id, path);
      return;
    }
    let paths = this.#numbered.get(id);
    if (paths === undefined) this.#numbered.set(id, (paths = new Map()));
    if (!paths.has(path.pathId)) this.#numberedSize++;
    paths.set(path.pathId, path);
  }

  #delete(id: PrefixId, pathId: number | undefined): void {
    if (pathId === undefined) {
      this.#paths.delete(id);
      return;
    }
    const paths = this.#numbered.get(id)!;
    paths.delete(pathId);
    this.#numberedSize--;
    if (paths.size === 0) this.#numbered.delete(id);
  }

  #isStale(id: PrefixId, pathId: number | undefined): boolean {
    if (pathId === undefined) return this.#stale.has(id);
    return this.#staleNumbered.get(id)?.has(pathId) ?? false;
  }

  /** Not stale any more. */
  #confirm(id: PrefixId, pathId: number | undefined): void {
    if (pathId === undefined) {
      this.#stale.delete(id);
      return;
    }
    const pathIds = this.#staleNumbered.get(id);
    if (pathIds === undefined || !pathIds.delete(pathId)) return;
    this.#staleNumberedSize--;
    if (pathIds.size === 0) this.#staleNumbered.delete(id);
  }
}
