import type { Address } from "../../net/address.ts";
import type { PathAttributes } from "../wire/message.ts";
import { bytesKey, largeCommunityKey } from "./community-key.ts";
import type { AttributeSet } from "./path.ts";

/**
 * Equal attribute sets become one object. A full table has far fewer sets than routes, so this saves
 * most of its memory, makes comparing two sets a `===`, and grouping routes by their attributes a Map.
 * Sets that nobody holds any more go with the garbage collector.
 */
export class AttributePool {
  readonly #sets = new Map<string, WeakRef<AttributeSet>>();
  readonly #gone = new FinalizationRegistry<string>((key) => {
    // The key may have been taken again since.
    if (this.#sets.get(key)?.deref() === undefined) this.#sets.delete(key);
  });

  /** The one set of these values. They must not be changed afterwards. */
  intern(attributes: PathAttributes, nextHop: Address | undefined): AttributeSet {
    const key = keyOf(attributes, nextHop);
    const known = this.#sets.get(key)?.deref();
    if (known !== undefined) return known;
    const set: AttributeSet = { attributes, nextHop };
    this.#sets.set(key, new WeakRef(set));
    this.#gone.register(set, key);
    return set;
  }
}

/** Equal for equal values only: every field has its place, and no field's text holds the separator. */
function keyOf(of: PathAttributes, nextHop: Address | undefined): string {
  const asPath = of.asPath.map(({ kind, asns }) => `${kind} ${asns.join(" ")}`).join(",");
  return [
    nextHop,
    of.origin,
    asPath,
    of.med,
    of.localPref,
    of.atomicAggregate,
    of.aggregator && `${of.aggregator.asn} ${of.aggregator.address}`,
    // An attribute that is there but empty is another than none.
    of.communities?.join(" ") ?? "-",
    of.originatorId,
    of.onlyToCustomer,
    of.clusterList?.join(" ") ?? "-",
    of.extendedCommunities?.map(bytesKey).join(" ") ?? "-",
    of.largeCommunities?.map(largeCommunityKey).join(" ") ?? "-",
    of.unknown?.map(({ flags, code, value }) => `${flags} ${code} ${bytesKey(value)}`).join(",") ??
      "-",
  ].join("|");
}
