import type { Address, Family } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { families, type FamilyName, familyNameOfPrefix } from "../rib/family.ts";
import type { Path } from "../rib/path.ts";
import type { PrefixIds } from "../rib/prefix-table.ts";
import type { InstallRoutes } from "./config.ts";
import type { Ribs } from "./ribs.ts";

/** What a prefix is reached by now: the next hops in use, none where there is no route, or it is our own. */
export type RouteChange = { prefix: Prefix; nextHops: readonly NextHop[] };

/** `peer`: whom it was learned from, PeerConfig.name. For a link-local next hop the link is that of its session. */
export type NextHop = { address: Address; peer: string };

/** For whoever installs routes. */
export type RouteEffect =
  /** These prefixes are reached by others than before. */
  | { do: "routes"; changes: readonly RouteChange[] }
  /** All of the family's routes were told: what an earlier process has left and was not among them can go. */
  | { do: "routesSelected"; family: Family };

/** Tells the edge what the loc-rib is, as changes, where the configuration has `installRoutes`. */
export class RouteFeed {
  readonly #ribs: Ribs;
  /** Families whose selection waits for the peers after a restart (RFC 4724 §4.1): nothing is told of them. */
  readonly #deferred: ReadonlySet<FamilyName>;
  readonly #emit: (effect: RouteEffect) => void;
  #options: InstallRoutes | undefined;
  /** Most prefixes share their path. */
  readonly #known = new WeakMap<Path, readonly NextHop[]>();

  constructor(ribs: Ribs, deferred: ReadonlySet<FamilyName>, emit: (effect: RouteEffect) => void) {
    this.#ribs = ribs;
    this.#deferred = deferred;
    this.#emit = emit;
  }

  /** Everything, where the routes go elsewhere than before. */
  configure(options: InstallRoutes | undefined): void {
    const isSame = JSON.stringify(options) === JSON.stringify(this.#options);
    this.#options = options;
    if (!isSame) this.begin(Object.keys(families) as FamilyName[]);
  }

  /** All routes of these families, to an edge that knows none of them yet. */
  begin(names: Iterable<FamilyName>): void {
    for (const name of names) {
      this.changed(name, this.#ribs.loc[name].ids());
      if (!this.#deferred.has(name)) this.#selected(name);
    }
  }

  /** Nothing more comes, and no peer counts on what was installed. */
  end(): void {
    for (const name of Object.keys(families) as FamilyName[]) this.#selected(name);
  }

  /** Of the prefix now. */
  nextHops(prefix: Prefix): readonly NextHop[] {
    return this.#nextHops(this.#ribs.loc[familyNameOfPrefix(prefix)].used(prefix));
  }

  changed(name: FamilyName, ids: PrefixIds): void {
    if (this.#options === undefined || this.#deferred.has(name)) return;
    const loc = this.#ribs.loc[name];
    const changes = Array.from(ids, (id) => ({
      prefix: this.#ribs.prefixes[name].prefix(id),
      nextHops: this.#nextHops(loc.usedAt(id)),
    }));
    if (changes.length > 0) this.#emit({ do: "routes", changes });
  }

  #selected(name: FamilyName): void {
    if (this.#options !== undefined) {
      this.#emit({ do: "routesSelected", family: families[name].afi });
    }
  }

  #nextHops(used: readonly Path[]): readonly NextHop[] {
    const [first] = used;
    if (first === undefined) return none;
    if (used.length > 1) return used.flatMap(nextHopOf);
    let known = this.#known.get(first);
    if (known === undefined) this.#known.set(first, (known = nextHopOf(first)));
    return known;
  }
}

const none: readonly NextHop[] = [];

function nextHopOf({ source, set: { nextHop } }: Path): readonly NextHop[] {
  return source.kind === "own" || nextHop === undefined
    ? none
    : [{ address: nextHop, peer: source.peer }];
}
