import type { Prefix } from "../../net/prefix.ts";
import { AdjRibIn } from "../rib/adj-rib-in.ts";
import { prependAsn } from "../rib/as-path.ts";
import type { AttributePool } from "../rib/attribute-pool.ts";
import { type FamilyName, familyName } from "../rib/family.ts";
import { type Imported, Importer, type LocalSide, whyIneligible } from "../rib/import.ts";
import type { AttributeSet, Path, PeerSource } from "../rib/path.ts";
import { markedIn } from "../rib/role.ts";
import { pathIdOfKey, prefixOfKey, type RouteKey, routeKey } from "../rib/route-key.ts";
import type { Negotiated } from "../session/io.ts";
import type { AfiSafi, PathAttributes, UpdateMessage } from "../wire/message.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import type { ImportPolicy } from "./config.ts";
import type { Ribs } from "./ribs.ts";

/** What a session's routes are judged and marked by. */
type InboundSession = {
  source: PeerSource;
  local: LocalSide;
  /** AS number put in front of every path that comes in: local-as. */
  prepend: number | undefined;
  /** The one path for each attribute set and Path Identifier. */
  paths: WeakMap<AttributeSet, Map<number | undefined, Path>>;
};

/**
 * The way of one peer's routes into the speaker: adj-rib-in of every family, from there, where the
 * import policy accepts them, into the loc-rib. Outlives the session: a restarting peer's routes are
 * kept here (RFC 4724 §4.2).
 */
export class Inbound {
  readonly #peer: string;
  readonly #ribs: Ribs;
  readonly #tables = new Map<FamilyName, AdjRibIn>();
  #importPolicy: ImportPolicy;
  #importer: Importer;
  /** Routes that the decision process could look at, and the import policy rejects; not filled where it rejects all. */
  readonly #rejected = new Map<FamilyName, Set<RouteKey>>();
  #session: InboundSession | undefined;
  /** Families whose stale routes are long-lived ones. */
  readonly #longLived = new Set<FamilyName>();
  /** Families whose End-of-RIB came in this session. */
  readonly #endOfRib = new Set<FamilyName>();
  /** Families between BoRR and EoRR. */
  readonly #refreshing = new Set<FamilyName>();

  constructor(peer: string, ribs: Ribs, importPolicy: ImportPolicy) {
    this.#peer = peer;
    this.#ribs = ribs;
    this.#importPolicy = importPolicy;
    this.#importer = new Importer(importPolicy, ribs.pool);
  }

  tables(): ReadonlyMap<FamilyName, AdjRibIn> {
    return this.#tables;
  }

  get importPolicy(): ImportPolicy {
    return this.#importPolicy;
  }

  /** Whether routes are kept that the peer has not confirmed yet. */
  get hasStale(): boolean {
    return [...this.#tables.values()].some(({ stale }) => stale > 0);
  }

  /** Number of the family's routes the decision process looks at. */
  accepted(family: FamilyName): number {
    if (this.#importPolicy === "reject") return 0;
    const eligible = this.#tables.get(family)?.eligible ?? 0;
    return eligible - (this.#rejected.get(family)?.size ?? 0);
  }

  /** What the decision process gets of a route of this peer. */
  imported(prefix: Prefix, path: Path): Imported {
    return this.#importer.admit(prefix, path);
  }

  /** A session began. Of a restarting peer's routes those stay whose forwarding it has preserved. */
  begin(of: Omit<InboundSession, "paths">, negotiated: Negotiated): void {
    this.#session = { ...of, paths: new WeakMap() };
    this.#endOfRib.clear();
    this.#refreshing.clear();
    const { gracefulRestart, longLivedGracefulRestart = [] } = negotiated;
    const restarted = gracefulRestart?.families.filter(
      ({ family }) => !this.#longLived.has(familyName(family)),
    );
    const longLived = longLivedGracefulRestart.filter(({ family }) =>
      this.#longLived.has(familyName(family)),
    );
    // Each kind of stale routes has its own F bit (RFC 4724 §4.2, RFC 9494 §4.2).
    const preserved = new Set(
      [...(restarted ?? []), ...longLived]
        .filter(({ forwardingPreserved }) => forwardingPreserved)
        .map(({ family }) => familyName(family)),
    );
    this.#longLived.clear();
    const negotiatedNames = negotiated.families.map(familyName);
    for (const name of this.#tables.keys()) {
      // RFC 4724 §4.2: no capability, no such family in it, or its F bit clear: they go at once.
      if (!preserved.has(name) || !negotiatedNames.includes(name)) this.#drop(name);
    }
    for (const name of negotiatedNames) {
      if (!this.#tables.has(name)) this.#tables.set(name, new AdjRibIn());
    }
  }

  /** The session ended. The routes of the families to `retain` stay as stale, the others go. */
  end(retain: readonly AfiSafi[]): void {
    this.#session = undefined;
    const retained = new Set(retain.map(familyName));
    for (const [name, table] of this.#tables) {
      if (!retained.has(name)) {
        this.#drop(name);
        continue;
      }
      // RFC 4724 §4.2: what is still stale from an earlier restart goes now.
      this.#uninstall(name, table.sweepStale());
      table.markStale();
    }
  }

  /** Of negotiated families only: the session leaves the others out. */
  update(message: UpdateMessage): void {
    for (const { family, prefixes, pathIds } of message.withdrawn) {
      const table = this.#table(family);
      const keys = prefixes.map((prefix, i) => routeKey(prefix, pathIds?.[i]));
      const known = keys.filter((key) => table.withdraw(key));
      this.#uninstall(familyName(family), known);
    }
    for (const { family, nextHop, prefixes, pathIds } of message.announced) {
      const table = this.#table(family);
      const pathOf = this.#paths(message, nextHop);
      for (const [i, prefix] of prefixes.entries()) {
        const key = routeKey(prefix, pathIds?.[i]);
        const path = pathOf(pathIds?.[i]);
        if (table.announce(key, path)) this.#install(familyName(family), key, path);
      }
    }
  }

  /**
   * BoRR (RFC 7313 §4): the peer sends the family's routes again. From one that restarts it counts only
   * after its End-of-RIB. Whether it counts.
   */
  beginRefresh(name: FamilyName, isRestartable: boolean): boolean {
    if (isRestartable && !this.#endOfRib.has(name)) return false;
    this.#refreshing.add(name);
    this.#tables.get(name)?.markStale();
    return true;
  }

  /** EoRR: what was not sent again since BoRR is gone. */
  endRefresh(name: FamilyName): void {
    if (this.#refreshing.delete(name)) this.sweepStale(name);
  }

  /** The end of a time limit: what was not sent again is gone. */
  sweepStale(name: FamilyName): void {
    this.#uninstall(name, this.#tables.get(name)?.sweepStale() ?? []);
  }

  /** End-of-RIB (RFC 4724 §4.2). */
  endOfRib(name: FamilyName): void {
    this.#endOfRib.add(name);
    this.sweepStale(name);
  }

  hasEndOfRib(name: FamilyName): boolean {
    return this.#endOfRib.has(name);
  }

  /**
   * The restart time is over and the peer is not back: its routes that may stay carry LLGR_STALE, which
   * makes them the last choice, and the others go (RFC 9494 §4.2).
   */
  beginLongLived(name: FamilyName): void {
    this.#longLived.add(name);
    const table = this.#tables.get(name);
    const marked = new Map<Path, Path>();
    for (const key of table?.staleKeys() ?? []) {
      const path = table!.get(key)!;
      if (path.set.attributes.communities?.includes(WellKnownCommunity.noLlgr)) {
        table!.withdraw(key);
        this.#uninstall(name, [key]);
        continue;
      }
      let stale = marked.get(path);
      if (stale === undefined) marked.set(path, (stale = longLivedStale(path, this.#ribs.pool)));
      table!.replaceStale(key, stale);
      this.#install(name, key, stale);
    }
  }

  /** What was received is judged anew, without asking the peer. */
  setImportPolicy(importPolicy: ImportPolicy): void {
    this.#importPolicy = importPolicy;
    this.#importer = new Importer(importPolicy, this.#ribs.pool);
    this.#rejected.clear();
    for (const [name, table] of this.#tables) {
      for (const [key, path] of table.entries()) this.#install(name, key, path);
    }
  }

  #table(family: AfiSafi): AdjRibIn {
    const table = this.#tables.get(familyName(family));
    if (table === undefined) throw new Error(`no session carries ${familyName(family)}`);
    return table;
  }

  /** The path of an UPDATE's routes, for each Path Identifier. */
  #paths(
    { attributes }: UpdateMessage,
    nextHop: AttributeSet["nextHop"],
  ): (pathId: number | undefined) => Path {
    const session = this.#session;
    if (attributes === undefined || session === undefined) {
      throw new Error("routes announced without attributes or outside a session");
    }
    const { source, local, paths } = session;
    const set = this.#ribs.pool.intern(received(attributes, session), nextHop);
    let known = paths.get(set);
    if (known === undefined) paths.set(set, (known = new Map()));
    return (pathId) => {
      let path = known.get(pathId);
      if (path === undefined) {
        const ineligible = whyIneligible({ attributes, nextHop }, local);
        path = { source, set, ineligible, ...(pathId !== undefined && { pathId }) };
        known.set(pathId, path);
      }
      return path;
    };
  }

  #install(name: FamilyName, key: RouteKey, path: Path): void {
    const prefix = prefixOfKey(key);
    const imported = this.#importer.admit(prefix, path);
    const used = "path" in imported ? imported.path : undefined;
    this.#ribs.loc[name].replace(prefix, this.#peer, used, path.pathId);
    if (this.#importPolicy === "reject") return;
    const byPolicy = used === undefined && path.ineligible === undefined;
    if (byPolicy) this.#rejectedOf(name).add(key);
    else this.#rejected.get(name)?.delete(key);
  }

  #uninstall(name: FamilyName, keys: readonly RouteKey[]): void {
    for (const key of keys) {
      this.#ribs.loc[name].replace(prefixOfKey(key), this.#peer, undefined, pathIdOfKey(key));
      this.#rejected.get(name)?.delete(key);
    }
  }

  #rejectedOf(name: FamilyName): Set<RouteKey> {
    let rejected = this.#rejected.get(name);
    if (rejected === undefined) this.#rejected.set(name, (rejected = new Set()));
    return rejected;
  }

  #drop(name: FamilyName): void {
    this.#uninstall(name, this.#tables.get(name)?.clear() ?? []);
    this.#tables.delete(name);
  }
}

/** The attributes with what a session adds to all of its routes: local-as, and OTC by its role (RFC 9234 §5). */
function received(
  attributes: PathAttributes,
  { local: { role, peerAsn }, prepend }: InboundSession,
): PathAttributes {
  const onlyToCustomer = role && markedIn(attributes, role, peerAsn);
  return {
    ...attributes,
    ...(prepend !== undefined && { asPath: prependAsn(attributes.asPath, prepend, 1) }),
    ...(onlyToCustomer !== undefined && { onlyToCustomer }),
  };
}

function longLivedStale(path: Path, pool: AttributePool): Path {
  const { attributes, nextHop } = path.set;
  const communities = [
    ...new Set([...(attributes.communities ?? []), WellKnownCommunity.llgrStale]),
  ];
  return { ...path, set: pool.intern({ ...attributes, communities }, nextHop) };
}
