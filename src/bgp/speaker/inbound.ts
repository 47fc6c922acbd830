import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { AdjRibIn } from "../rib/adj-rib-in.ts";
import { type FamilyName, familyName } from "../rib/family.ts";
import { type Imported, Importer, whyIneligible } from "../rib/import.ts";
import type { InternedSet } from "../rib/interned-set.ts";
import type { Path } from "../rib/path.ts";
import type { PrefixId } from "../rib/prefix-table.ts";
import type { Negotiated } from "../session/io.ts";
import type { Announced, ReceivedUpdate } from "../wire/decode-update.ts";
import type { PathAttributes } from "../wire/message.ts";
import type { NlriField } from "../wire/nlri.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import type { ImportPolicy } from "./config.ts";
import { type InboundSession, longLivedStale, pathOf, received } from "./inbound-path.ts";
import type { Ribs } from "./ribs.ts";

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
  /** Number of the peer's paths in each loc-rib. */
  readonly #accepted = new Map<FamilyName, number>();
  #session: InboundSession | undefined;
  /** Families whose stale routes are long-lived ones. */
  readonly #longLived = new Set<FamilyName>();
  /** Families whose End-of-RIB came in this session. */
  readonly #endOfRib = new Set<FamilyName>();
  /** Families between BoRR and EoRR. */
  readonly #refreshing = new Set<FamilyName>();

  readonly #sweeping: (name: FamilyName) => void;

  /** `sweeping`: told when stale routes of the family are about to go by themselves. */
  constructor(
    peer: string,
    ribs: Ribs,
    importPolicy: ImportPolicy,
    sweeping: (name: FamilyName) => void,
  ) {
    this.#peer = peer;
    this.#sweeping = sweeping;
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
    return this.#accepted.get(family) ?? 0;
  }

  /** What the decision process gets of a route of this peer. */
  imported(prefix: Prefix, path: Path): Imported {
    return this.#ribs.nextHops.resolve(this.#importer.admit(prefix, path));
  }

  /** What the import policy makes of a route of this peer. */
  afterPolicy(prefix: Prefix, path: Path): Imported {
    return this.#importer.admit(prefix, path);
  }

  /** Other next hops can be reached, or at other costs: routes by way of them are judged anew; undefined: all. */
  reconsider(nextHops: ReadonlySet<Address> | undefined): void {
    // A policy may put another next hop in a path.
    const isAll = nextHops === undefined || setsNextHop(this.#importPolicy);
    for (const [name, table] of this.#tables) {
      table.forEach((path, id) => {
        if (!isAll && !nextHops.has(path.set.nextHop!)) return;
        this.#install(name, id, path, this.#usedOf(name, id, path));
      });
    }
  }

  /** Whether it holds for the next hop of a route that the import policy lets in: none is looked at after that. */
  someNextHop(holds: (nextHop: Address) => boolean): boolean {
    const importer = this.#importer;
    const { isBlindToPrefix } = importer;
    for (const [name, table] of this.#tables) {
      const prefixes = this.#ribs.prefixes[name];
      // Prefixes that came together share it.
      let last: Path | undefined;
      const found = table.some((path, id) => {
        if (isBlindToPrefix && path === last) return false;
        last = path;
        const imported = importer.admit(isBlindToPrefix ? undefined : prefixes.prefix(id), path);
        const nextHop = "path" in imported ? imported.path.set.nextHop : undefined;
        return nextHop !== undefined && holds(nextHop);
      });
      if (found) return true;
    }
    return false;
  }

  /** A session began. Of a restarting peer's routes those stay whose forwarding it has preserved. */
  begin(of: InboundSession, negotiated: Negotiated): void {
    this.#session = of;
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
    const negotiatedNames = negotiated.families.map(familyName);
    for (const name of this.#tables.keys()) {
      // RFC 4724 §4.2: no capability, no such family in it, or its F bit clear: they go at once.
      if (!preserved.has(name) || !negotiatedNames.includes(name)) this.#drop(name);
    }
    for (const name of negotiatedNames) {
      if (!this.#tables.has(name)) {
        this.#tables.set(name, new AdjRibIn(this.#ribs.prefixes[name]));
      }
    }
  }

  /**
   * The session ended. The routes of the families to `retain` stay as stale, the others go. `once`: what is still
   * stale from an earlier end goes now.
   */
  end(retain: ReadonlyMap<FamilyName, "once" | "again">): void {
    this.#session = undefined;
    for (const [name, table] of this.#tables) {
      const how = retain.get(name);
      if (how === undefined) this.#drop(name);
      else {
        if (how === "once") this.sweepStale(name);
        table.markStale();
      }
    }
  }

  /** Of negotiated families only: the session leaves the others out. */
  update({ withdrawn, attributes, announced }: ReceivedUpdate, nowMs: number): void {
    const atSeconds = Math.floor(nowMs / 1000);
    for (const nlri of withdrawn) this.#withdraw(nlri);
    for (const each of announced) this.#announce(each, attributes!, atSeconds);
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
    const table = this.#tables.get(name);
    if (table === undefined || table.stale === 0) return;
    this.#sweeping(name);
    this.#ribs.nextHops.departed(table.stale);
    table.forEachStale(({ pathId }, id) => {
      table.withdraw(id, pathId);
      this.#uninstall(name, id, pathId);
    });
  }

  /**
   * End-of-RIB (RFC 4724 §4.2): what was not sent again since the restart is gone. Of a peer that refreshes its routes
   * they are stale for that, and wait for EoRR: one without graceful restart may do so before its End-of-RIB.
   */
  endOfRib(name: FamilyName): void {
    this.#endOfRib.add(name);
    this.#longLived.delete(name);
    if (!this.#refreshing.has(name)) this.sweepStale(name);
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
    this.#ribs.nextHops.departed(table?.stale ?? 0);
    const marked = new Map<Path, Path>();
    table?.forEachStale((path, id) => {
      if (path.set.attributes.communities?.includes(WellKnownCommunity.noLlgr)) {
        table.withdraw(id, path.pathId);
        this.#uninstall(name, id, path.pathId);
        return;
      }
      let stale = marked.get(path);
      if (stale === undefined) marked.set(path, (stale = longLivedStale(path, this.#ribs.pool)));
      table.replaceStale(id, stale);
      this.#install(name, id, stale, this.#usedOf(name, id, stale));
    });
  }

  /** What was received is judged anew, without asking the peer. */
  setImportPolicy(importPolicy: ImportPolicy): void {
    this.#importPolicy = importPolicy;
    this.#importer = new Importer(importPolicy, this.#ribs.pool);
    for (const { size } of this.#tables.values()) this.#ribs.nextHops.departed(size);
    this.reconsider(undefined);
  }

  #withdraw({ family, bytes, start, end, isNumbered }: NlriField): void {
    const name = familyName(family);
    const table = this.#table(name);
    const prefixes = this.#ribs.prefixes[name];
    const loc = this.#ribs.loc[name];
    const { size } = table;
    let gone = 0;
    for (let at = start; at < end; at += 1 + ((bytes[at]! + 7) >> 3)) {
      const pathId = isNumbered ? readPathId(bytes, at) : undefined;
      if (isNumbered) at += 4;
      const id = prefixes.find(bytes, at);
      if (id >= 0 && table.withdraw(id, pathId) && loc.replace(id, this.#peer, undefined, pathId)) {
        gone++;
      }
    }
    if (gone > 0) this.#countAccepted(name, -gone);
    this.#ribs.nextHops.departed(size - table.size);
  }

  #announce(announced: Announced, attributes: PathAttributes, atSeconds: number): void {
    const { family, bytes, start, end, isNumbered, nextHop } = announced;
    const session = this.#session;
    if (session === undefined) throw new Error("routes announced outside a session");
    const name = familyName(family);
    const table = this.#table(name);
    const prefixes = this.#ribs.prefixes[name];
    const set = this.#setOf(announced, attributes, session);
    const known = isNumbered ? undefined : this.#ribs.sharedRoutes?.idsOf(announced, prefixes);
    const ineligible = whyIneligible({ attributes, nextHop }, session.local);
    const isBlind = this.#importer.isBlindToPrefix;
    const loc = this.#ribs.loc[name];
    const { size } = table;
    let other = 0;
    let more = 0;
    let path: Path | undefined;
    let used: Path | undefined;
    for (let at = start, i = 0; at < end; at += 1 + ((bytes[at]! + 7) >> 3), i++) {
      const pathId = isNumbered ? readPathId(bytes, at) : undefined;
      if (isNumbered) at += 4;
      const id = known === undefined ? prefixes.add(bytes, at) : known[i]!;
      if (path === undefined || path.pathId !== pathId) {
        path = pathOf(set, session.source, ineligible, pathId, atSeconds);
        used = this.#usedOf(name, id, path);
      } else if (!isBlind) used = this.#usedOf(name, id, path);
      if (!table.announce(id, path)) continue;
      other++;
      const had = loc.replace(id, this.#peer, used, pathId);
      if (had !== (used !== undefined)) more += had ? -1 : 1;
    }
    if (more !== 0) this.#countAccepted(name, more);
    // Those that are not new had another path before.
    this.#ribs.nextHops.departed(other - (table.size - size));
  }

  #setOf(announced: Announced, attributes: PathAttributes, session: InboundSession): InternedSet {
    const { pool, sharedRoutes } = this.#ribs;
    const { nextHop, asItCame } = announced;
    const ours = received(attributes, session);
    if (ours !== attributes) return pool.internRecent(ours, nextHop);
    const intern = () => pool.internRecent(attributes, nextHop, asItCame);
    return sharedRoutes === undefined ? intern() : sharedRoutes.setOf(announced, intern);
  }

  #table(name: FamilyName): AdjRibIn {
    const table = this.#tables.get(name);
    if (table === undefined) throw new Error(`no session carries ${name}`);
    return table;
  }

  /** What the import policy lets the decision process have of a path; undefined: nothing. */
  #usedOf(name: FamilyName, id: PrefixId, path: Path): Path | undefined {
    const { isBlindToPrefix } = this.#importer;
    const prefix = isBlindToPrefix ? undefined : this.#ribs.prefixes[name].prefix(id);
    const imported = this.#ribs.nextHops.resolve(this.#importer.admit(prefix, path));
    return "path" in imported ? imported.path : undefined;
  }

  #install(name: FamilyName, id: PrefixId, { pathId }: Path, used: Path | undefined): void {
    const had = this.#ribs.loc[name].replace(id, this.#peer, used, pathId);
    if (had !== (used !== undefined)) this.#countAccepted(name, had ? -1 : 1);
  }

  #uninstall(name: FamilyName, id: PrefixId, pathId: number | undefined): void {
    if (this.#ribs.loc[name].replace(id, this.#peer, undefined, pathId)) {
      this.#countAccepted(name, -1);
    }
  }

  #countAccepted(name: FamilyName, by: number): void {
    this.#accepted.set(name, (this.#accepted.get(name) ?? 0) + by);
  }

  #drop(name: FamilyName): void {
    this.#longLived.delete(name);
    const table = this.#tables.get(name);
    this.#ribs.nextHops.departed(table?.size ?? 0);
    table?.forEach(({ pathId }, id) => {
      table.withdraw(id, pathId);
      this.#uninstall(name, id, pathId);
    });
    this.#tables.delete(name);
  }
}

function setsNextHop(policy: ImportPolicy): boolean {
  return typeof policy !== "string" && policy.some(({ set }) => set?.nextHop !== undefined);
}

/** RFC 7911 §3. */
function readPathId(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}
