import type { Prefix } from "../../net/prefix.ts";
import type { AfiSafi, UpdateMessage } from "../wire/message.ts";
import type { AttributeSet } from "./path.ts";
import { pathIdOfKey, prefixOfKey, type RouteKey, routeKey } from "./route-key.ts";

/** What a peer should have of a prefix: one path without an identifier, or several with one each (RFC 7911). */
export type Wanted = readonly { readonly pathId?: number; readonly set: AttributeSet }[];

/**
 * What one peer has been sent in one family and not been told to forget: what stands in its
 * adj-rib-in, as long as the session lasts. Only differences to it are sent.
 */
export class AdjRibOut {
  readonly #family: AfiSafi;
  /** Whether the session numbers the family's paths. */
  readonly #isNumbered: boolean;
  readonly #sent = new Map<RouteKey, AttributeSet>();
  /** Where paths are numbered: the identifiers sent for each prefix. */
  readonly #pathIds = new Map<Prefix, readonly number[]>();

  constructor(family: AfiSafi, isNumbered = false) {
    this.#family = family;
    this.#isNumbered = isNumbered;
  }

  /** Number of routes. */
  get size(): number {
    return this.#sent.size;
  }

  entries(): IterableIterator<[RouteKey, AttributeSet]> {
    return this.#sent.entries();
  }

  /**
   * The UPDATEs that bring the peer from what it has to what it should have of these prefixes:
   * withdrawals in one, then one for each attribute set. They count as sent.
   */
  update(prefixes: Iterable<Prefix>, wanted: (prefix: Prefix) => Wanted): UpdateMessage[] {
    const withdrawn: RouteKey[] = [];
    const announced = new Map<AttributeSet, RouteKey[]>();
    for (const prefix of prefixes) {
      const now = wanted(prefix);
      for (const gone of this.#gone(prefix, now)) {
        if (this.#sent.delete(gone)) withdrawn.push(gone);
      }
      for (const { pathId, set } of now) {
        const key = routeKey(prefix, pathId);
        if (this.#sent.get(key) === set) continue;
        this.#sent.set(key, set);
        append(announced, set, key);
      }
    }
    return this.#messages(withdrawn, announced);
  }

  /** These could not be sent. */
  forget(prefixes: readonly Prefix[], pathIds: readonly number[] | undefined): void {
    for (const [i, prefix] of prefixes.entries()) this.#sent.delete(routeKey(prefix, pathIds?.[i]));
  }

  /** Everything again, for ROUTE-REFRESH (RFC 2918 §4). */
  everything(): UpdateMessage[] {
    const announced = new Map<AttributeSet, RouteKey[]>();
    for (const [key, set] of this.#sent) append(announced, set, key);
    return this.#messages([], announced);
  }

  /** The routes to the prefix that the peer may have and should not. */
  #gone(prefix: Prefix, now: Wanted): RouteKey[] {
    if (!this.#isNumbered) return now.length === 0 ? [prefix] : [];
    const pathIds = now.flatMap(({ pathId }) => (pathId === undefined ? [] : [pathId]));
    const before = this.#pathIds.get(prefix) ?? [];
    if (pathIds.length > 0) this.#pathIds.set(prefix, pathIds);
    else this.#pathIds.delete(prefix);
    return before.filter((id) => !pathIds.includes(id)).map((id) => routeKey(prefix, id));
  }

  #messages(withdrawn: RouteKey[], announced: Map<AttributeSet, RouteKey[]>): UpdateMessage[] {
    const family = this.#family;
    const messages: UpdateMessage[] = [];
    if (withdrawn.length > 0) {
      messages.push({
        type: "UPDATE",
        withdrawn: [{ family, ...this.#nlri(withdrawn) }],
        attributes: undefined,
        announced: [],
      });
    }
    for (const [{ attributes, nextHop }, keys] of announced) {
      // export.ts gives every set that leaves a next hop.
      if (nextHop === undefined) throw new Error(`no next hop for ${keys[0]}`);
      messages.push({
        type: "UPDATE",
        withdrawn: [],
        attributes,
        announced: [{ family, nextHop, ...this.#nlri(keys) }],
      });
    }
    return messages;
  }

  #nlri(keys: RouteKey[]): { prefixes: Prefix[]; pathIds?: number[] } {
    if (!this.#isNumbered) return { prefixes: keys as Prefix[] };
    return { prefixes: keys.map(prefixOfKey), pathIds: keys.map((key) => pathIdOfKey(key)!) };
  }
}

function append(to: Map<AttributeSet, RouteKey[]>, set: AttributeSet, key: RouteKey): void {
  const keys = to.get(set);
  if (keys === undefined) to.set(set, [key]);
  else keys.push(key);
}
