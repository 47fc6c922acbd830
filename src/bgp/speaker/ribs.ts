import type { Prefix } from "../../net/prefix.ts";
import { AttributePool } from "../rib/attribute-pool.ts";
import { type FamilyName, familyNameOfPrefix } from "../rib/family.ts";
import { LocRib } from "../rib/loc-rib.ts";
import type { MaximumPaths } from "../rib/multipath.ts";
import { NextHops } from "../rib/next-hops.ts";
import { ownPath, type Path } from "../rib/path.ts";
import { type PrefixId, PrefixTable } from "../rib/prefix-table.ts";

/** The speaker's loc-rib of every family, and what its routes share: numbers of prefixes, attribute sets. */
export class Ribs {
  readonly pool = new AttributePool();
  readonly nextHops = new NextHops();
  readonly prefixes: Readonly<Record<FamilyName, PrefixTable>> = {
    "ipv4/unicast": new PrefixTable("ipv4"),
    "ipv6/unicast": new PrefixTable("ipv6"),
  };
  readonly loc: Readonly<Record<FamilyName, LocRib>> = {
    "ipv4/unicast": new LocRib(this.prefixes["ipv4/unicast"]),
    "ipv6/unicast": new LocRib(this.prefixes["ipv6/unicast"]),
  };
  readonly #pathIds = new Map<string, number>();
  #originated: ReadonlySet<Prefix> = new Set();
  /** As they were given last: the same array says the same. */
  #given: readonly Prefix[] | undefined;

  get originated(): ReadonlySet<Prefix> {
    return this.#originated;
  }

  /** Makes these the prefixes originated here; only the difference is touched. */
  originate(wanted: readonly Prefix[]): void {
    if (wanted === this.#given) return;
    this.#given = wanted;
    const before = this.#originated;
    this.#originated = new Set(wanted);
    for (const prefix of before) {
      if (this.#originated.has(prefix)) continue;
      const name = familyNameOfPrefix(prefix);
      const id = this.prefixes[name].findPrefix(prefix);
      this.loc[name].replace(id, undefined, undefined);
      this.prefixes[name].release(id);
    }
    for (const prefix of this.#originated) {
      if (before.has(prefix)) continue;
      const name = familyNameOfPrefix(prefix);
      const id = this.prefixes[name].addPrefix(prefix);
      this.prefixes[name].retain(id);
      this.loc[name].replace(id, undefined, ownPath);
    }
  }

  /** How many equally good paths are used at once. */
  setMaximumPaths(maximumPaths: MaximumPaths): void {
    for (const loc of Object.values(this.loc)) loc.setMaximumPaths(maximumPaths);
  }

  /**
   * The identifier that a path goes out with where paths are numbered (RFC 7911 §3): one for each peer
   * and identifier that it came with, the same for every prefix, as long as the speaker runs.
   */
  pathIdOf({ source, pathId = 0 }: Path): number {
    const key = source.kind === "own" ? "" : `${source.peer} ${pathId}`;
    let id = this.#pathIds.get(key);
    if (id === undefined) this.#pathIds.set(key, (id = this.#pathIds.size + 1));
    return id;
  }

  /** The prefixes of each family whose routes in use are others since the last call; families without any are left out. */
  takeChanged(): [FamilyName, readonly PrefixId[]][] {
    const locs = Object.entries(this.loc) as [FamilyName, LocRib][];
    return locs
      .map(([name, loc]): [FamilyName, readonly PrefixId[]] => [name, loc.takeChanged()])
      .filter(([, changed]) => changed.length > 0);
  }
}
