import type { PrefixId } from "./prefix-table.ts";

/** Ids of one page. Prefixes that came together have ids close by: one peer's few routes fill few pages. */
const pageIds = 64;
const pageBits = 6;

/** What a table has of each prefix: an array by id, in pages, so that a peer with few routes has few of them. */
export class RouteTable<T extends object> {
  readonly #pages: (Page<T> | undefined)[] = [];
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  get(id: PrefixId): T | undefined {
    return this.#pages[id >> pageBits]?.entries[id & (pageIds - 1)];
  }

  set(id: PrefixId, entry: T): void {
    const at = id >> pageBits;
    let page = this.#pages[at];
    if (page === undefined) {
      // Without holes: those would make every read slow.
      while (this.#pages.length < at) this.#pages.push(undefined);
      page = { entries: Array<T | undefined>(pageIds).fill(undefined), size: 0 };
      this.#pages[at] = page;
    }
    const slot = id & (pageIds - 1);
    if (page.entries[slot] === undefined) {
      page.size++;
      this.#size++;
    }
    page.entries[slot] = entry;
  }

  /** Whether there was one. */
  delete(id: PrefixId): boolean {
    const at = id >> pageBits;
    const page = this.#pages[at];
    const slot = id & (pageIds - 1);
    if (page?.entries[slot] === undefined) return false;
    page.entries[slot] = undefined;
    this.#size--;
    if (--page.size === 0) this.#pages[at] = undefined;
    return true;
  }

  /** In the order of ids. Entries may be set and deleted meanwhile. */
  forEach(call: (entry: T, id: PrefixId) => void): void {
    for (let at = 0; at < this.#pages.length; at++) {
      const page = this.#pages[at];
      if (page === undefined) continue;
      for (let slot = 0; slot < pageIds; slot++) {
        const entry = page.entries[slot];
        if (entry !== undefined) call(entry, (at << pageBits) | slot);
      }
    }
  }

  /** Whether it holds for one of the entries: none is looked at after that. In the order of ids. */
  some(holds: (entry: T, id: PrefixId) => boolean): boolean {
    for (let at = 0; at < this.#pages.length; at++) {
      const page = this.#pages[at];
      if (page === undefined) continue;
      for (let slot = 0; slot < pageIds; slot++) {
        const entry = page.entries[slot];
        if (entry !== undefined && holds(entry, (at << pageBits) | slot)) return true;
      }
    }
    return false;
  }

  ids(): PrefixId[] {
    const ids: PrefixId[] = [];
    this.forEach((_, id) => ids.push(id));
    return ids;
  }

  clear(): void {
    this.#pages.length = 0;
    this.#size = 0;
  }
}

type Page<T> = { readonly entries: (T | undefined)[]; size: number };
