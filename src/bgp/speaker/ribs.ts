import { listDifference } from "../../net/list-difference.ts";
import type { Prefix } from "../../net/prefix.ts";
import { AttributePool } from "../rib/attribute-pool.ts";
import { type FamilyName, familyNameOfPrefix } from "../rib/family.ts";
import { LocRib } from "../rib/loc-rib.ts";
import { onePath } from "../rib/multipath.ts";
import { NextHops } from "../rib/next-hops.ts";
import { ownPath, ownPathOf, type Path } from "../rib/path.ts";
import { type PrefixIds, PrefixTable } from "../rib/prefix-table.ts";
import { SharedRoutes } from "../rib/shared-routes.ts";
import type { SessionOptions } from "../session/io.ts";
import { receiveMessage } from "../wire/decode.ts";
import { SharedUpdates } from "../wire/shared-updates.ts";
import type { OwnRoute, SpeakerConfig } from "./config.ts";

/**
 * The numbers of prefixes, and the attribute sets: of one speaker, or of many in one process, which then have in common
 * what they read of the messages that they are sent alike.
 */
export class SharedTables {
  readonly pool: AttributePool;
  readonly updates = new SharedUpdates();
  readonly routes = new SharedRoutes();
  readonly prefixes: Readonly<Record<FamilyName, PrefixTable>> = {
    "ipv4/unicast": new PrefixTable("ipv4"),
    "ipv6/unicast": new PrefixTable("ipv6"),
  };

  constructor(pool = new AttributePool()) {
    this.pool = pool;
  }
}

const pathIdsMostMin = 4096;

/** The speaker's loc-rib of every family, and what its routes share: numbers of prefixes, attribute sets. */
export class Ribs {
  readonly pool: AttributePool;
  /** How sessions read messages. */
  readonly receive: SessionOptions["receive"];
  /** What is known of routes already; undefined: nobody else has the same tables. */
  readonly sharedRoutes: SharedRoutes | undefined;
  readonly nextHops = new NextHops();
  readonly prefixes: Readonly<Record<FamilyName, PrefixTable>>;
  readonly loc: Readonly<Record<FamilyName, LocRib>>;
  #maximumPaths = onePath;
  #pathIds = new Map<string, number>();
  #lastPathId = 0;
  /** So many are worth a sweep. */
  #pathIdsMost = pathIdsMostMin;
  readonly #originated = new Map<Prefix, Path>();
  readonly #originatedAtMs = new Map<Prefix, number>();
  /** One path for all that say the same. */
  readonly #ownPaths = new Map<string, Path>();
  /** As they were given last. */
  #given: readonly (Prefix | OwnRoute)[] = [];

  constructor(shared?: SharedTables) {
    const { pool, prefixes } = shared ?? new SharedTables();
    this.receive =
      shared === undefined
        ? receiveMessage
        : (frame, codec) => shared.updates.receive(frame, codec);
    this.sharedRoutes = shared?.routes;
    this.pool = pool;
    this.prefixes = prefixes;
    this.loc = {
      "ipv4/unicast": new LocRib(prefixes["ipv4/unicast"]),
      "ipv6/unicast": new LocRib(prefixes["ipv6/unicast"]),
    };
  }

  get originated(): ReadonlyMap<Prefix, Path> {
    return this.#originated;
  }

  /** Since when the prefix is originated here without a break; undefined: it is not. */
  originatedAtMs(prefix: Prefix): number | undefined {
    return this.#originatedAtMs.get(prefix);
  }

  /** Makes these the prefixes originated here; only the difference is touched. */
  originate(wanted: readonly (Prefix | OwnRoute)[], nowMs: number): void {
    const before = this.#given;
    this.#given = wanted;
    const isEachOnce = this.#originated.size === before.length;
    const { removed, added } = isEachOnce
      ? listDifference(before, wanted)
      : { removed: before, added: wanted };
    this.#change(removed, added, nowMs);
    // Of those that are there twice the last counts.
    if (this.#originated.size !== wanted.length) this.#change([], wanted, nowMs);
  }

  #change(
    removed: readonly (Prefix | OwnRoute)[],
    added: readonly (Prefix | OwnRoute)[],
    nowMs: number,
  ): void {
    const paths = new Map(
      added.map((own) =>
        typeof own === "string" ? [own, ownPath] : [own.prefix, this.#ownPath(own)],
      ),
    );
    for (const own of removed) {
      const prefix = typeof own === "string" ? own : own.prefix;
      if (paths.has(prefix) || !this.#originated.delete(prefix)) continue;
      this.#originatedAtMs.delete(prefix);
      const name = familyNameOfPrefix(prefix);
      const id = this.prefixes[name].findPrefix(prefix);
      this.loc[name].replace(id, undefined, undefined);
      this.prefixes[name].release(id);
    }
    for (const [prefix, path] of paths) {
      const old = this.#originated.get(prefix);
      if (old === path) continue;
      this.#originated.set(prefix, path);
      const name = familyNameOfPrefix(prefix);
      const id = this.prefixes[name].addPrefix(prefix);
      if (old === undefined) {
        this.prefixes[name].retain(id);
        this.#originatedAtMs.set(prefix, nowMs);
      }
      this.loc[name].replace(id, undefined, path);
    }
  }

  #ownPath({ prefix: _, ...of }: OwnRoute): Path {
    const key = JSON.stringify(of);
    let path = this.#ownPaths.get(key);
    if (path === undefined) {
      const { nextHop, ...attributes } = of;
      this.#ownPaths.set(key, (path = ownPathOf(attributes, nextHop)));
    }
    return path;
  }

  /** How routes are chosen. What changes nothing costs nothing. */
  setSelection(of: Pick<SpeakerConfig, "maximumPaths" | "keepsExternalBest">): void {
    const maximumPaths = { ...onePath, ...of.maximumPaths };
    const isSame = JSON.stringify(maximumPaths) === JSON.stringify(this.#maximumPaths);
    this.#maximumPaths = maximumPaths;
    for (const loc of Object.values(this.loc)) {
      loc.keepExternalBest(of.keepsExternalBest === true);
      if (!isSame) loc.setMaximumPaths(maximumPaths);
    }
  }

  /**
   * The identifier that a path goes out with where paths are numbered (RFC 7911 §3): one for each peer
   * and identifier that it came with, the same for every prefix, as long as there is such a path.
   */
  pathIdOf(path: Path): number {
    const key = numberedAs(path);
    let id = this.#pathIds.get(key);
    if (id === undefined) this.#pathIds.set(key, (id = ++this.#lastPathId));
    return id;
  }

  /** Forgets those of paths that are gone, where there are many. After every peer was told. */
  sweepPathIds(): void {
    if (this.#pathIds.size < this.#pathIdsMost) return;
    const live = new Map<string, number>();
    for (const loc of Object.values(this.loc)) {
      loc.forEachCandidate((path) => {
        const key = numberedAs(path);
        const id = this.#pathIds.get(key);
        if (id !== undefined) live.set(key, id);
      });
    }
    this.#pathIds = live;
    this.#pathIdsMost = Math.max(pathIdsMostMin, 2 * live.size);
  }

  /** Whether `takeChanged` has anything. */
  get hasChanged(): boolean {
    return Object.values(this.loc).some((loc) => loc.hasChanged);
  }

  /** The prefixes of each family whose routes in use are others since the last call; families without any are left out. */
  takeChanged(): [FamilyName, PrefixIds][] {
    const locs = Object.entries(this.loc) as [FamilyName, LocRib][];
    return locs
      .map(([name, loc]): [FamilyName, PrefixIds] => [name, loc.takeChanged()])
      .filter(([, changed]) => changed.length > 0);
  }
}

/** What paths have in common that go out with one identifier. */
function numberedAs({ source, pathId = 0 }: Path): string {
  return source.kind === "own" ? "" : `${source.peer} ${pathId}`;
}
