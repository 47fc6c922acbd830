import type { Prefix } from "../../net/prefix.ts";
import { AttributePool } from "../rib/attribute-pool.ts";
import { type FamilyName, familyNameOfPrefix } from "../rib/family.ts";
import { LocRib } from "../rib/loc-rib.ts";
import { ownPath } from "../rib/path.ts";

/** The speaker's loc-rib of every family, and the attribute sets its routes share. */
export class Ribs {
  readonly pool = new AttributePool();
  readonly loc: Readonly<Record<FamilyName, LocRib>> = {
    "ipv4/unicast": new LocRib(),
    "ipv6/unicast": new LocRib(),
  };
  #originated: ReadonlySet<Prefix> = new Set();

  /** Makes these the prefixes originated here; only the difference is touched. */
  originate(prefixes: readonly Prefix[]): void {
    const wanted = new Set(prefixes);
    for (const prefix of this.#originated) {
      if (!wanted.has(prefix)) this.of(prefix).replace(prefix, undefined, undefined);
    }
    for (const prefix of wanted) {
      if (!this.#originated.has(prefix)) this.of(prefix).replace(prefix, undefined, ownPath);
    }
    this.#originated = wanted;
  }

  /** The loc-rib a prefix belongs in. */
  of(prefix: Prefix): LocRib {
    return this.loc[familyNameOfPrefix(prefix)];
  }
}
