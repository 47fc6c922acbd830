import type { Prefix } from "../../net/prefix.ts";
import { AttributePool } from "../rib/attribute-pool.ts";
import { type FamilyName, familyNameOfPrefix } from "../rib/family.ts";
import { LocRib } from "../rib/loc-rib.ts";
import type { MaximumPaths } from "../rib/multipath.ts";
import { ownPath, type Path } from "../rib/path.ts";

/** The speaker's loc-rib of every family, and the attribute sets its routes share. */
export class Ribs {
  readonly pool = new AttributePool();
  readonly loc: Readonly<Record<FamilyName, LocRib>> = {
    "ipv4/unicast": new LocRib(),
    "ipv6/unicast": new LocRib(),
  };
  readonly #pathIds = new Map<string, number>();
  #originated: ReadonlySet<Prefix> = new Set();

  get originated(): ReadonlySet<Prefix> {
    return this.#originated;
  }

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
  takeChanged(): [FamilyName, ReadonlySet<Prefix>][] {
    const locs = Object.entries(this.loc) as [FamilyName, LocRib][];
    return locs
      .map(([name, loc]): [FamilyName, ReadonlySet<Prefix>] => [name, loc.takeChanged()])
      .filter(([, changed]) => changed.size > 0);
  }

  /** The loc-rib a prefix belongs in. */
  of(prefix: Prefix): LocRib {
    return this.loc[familyNameOfPrefix(prefix)];
  }
}
