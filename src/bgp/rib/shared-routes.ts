import type { Address } from "../../net/address.ts";
import type { NlriField } from "../wire/nlri.ts";
import type { InternedSet } from "./interned-set.ts";
import type { PrefixTable } from "./prefix-table.ts";

/**
 * What the routes of an UPDATE are by number, worked out once for all speakers that share their tables and are handed
 * the same reading of it (shared-updates.ts).
 */
export class SharedRoutes {
  readonly #ids = new WeakMap<NlriField, Uint32Array>();
  readonly #sets = new WeakMap<NlriField, InternedSet>();

  /** Of unnumbered paths. Prefixes that the table does not have are put there. */
  idsOf(nlri: NlriField, prefixes: PrefixTable): Uint32Array {
    let ids = this.#ids.get(nlri);
    if (ids !== undefined) return ids;
    const { bytes, start, end } = nlri;
    const found: number[] = [];
    for (let at = start; at < end; at += 1 + ((bytes[at]! + 7) >> 3)) {
      found.push(prefixes.add(bytes, at));
    }
    this.#ids.set(nlri, (ids = Uint32Array.from(found)));
    return ids;
  }

  /** Of the attributes and the next hop as they came. */
  setOf(announced: NlriField & { nextHop: Address }, intern: () => InternedSet): InternedSet {
    let set = this.#sets.get(announced);
    if (set === undefined) this.#sets.set(announced, (set = intern()));
    return set;
  }
}
