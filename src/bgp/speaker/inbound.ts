import type { Prefix } from "../../net/prefix.ts";
import { AdjRibIn } from "../rib/adj-rib-in.ts";
import { type FamilyName, familyName } from "../rib/family.ts";
import { type LocalSide, whyIneligible } from "../rib/import.ts";
import type { AttributeSet, Path, PeerSource } from "../rib/path.ts";
import type { Negotiated } from "../session/io.ts";
import type { AfiSafi, UpdateMessage } from "../wire/message.ts";
import type { PeerConfig } from "./config.ts";
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
  #importPolicy: PeerConfig["importPolicy"];
  #session:
    | { source: PeerSource; local: LocalSide; paths: WeakMap<AttributeSet, Path> }
    | undefined;

  constructor(peer: string, ribs: Ribs, importPolicy: PeerConfig["importPolicy"]) {
    this.#peer = peer;
    this.#ribs = ribs;
    this.#importPolicy = importPolicy;
  }

  tables(): ReadonlyMap<FamilyName, AdjRibIn> {
    return this.#tables;
  }

  get importPolicy(): PeerConfig["importPolicy"] {
    return this.#importPolicy;
  }

  /** Whether routes are kept that the peer has not confirmed yet. */
  get hasStale(): boolean {
    return [...this.#tables.values()].some(({ stale }) => stale > 0);
  }

  /** Number of the family's routes the decision process looks at. */
  accepted(family: FamilyName): number {
    if (this.#importPolicy === "reject") return 0;
    return this.#tables.get(family)?.eligible ?? 0;
  }

  /** Why the decision process does not look at a path of this peer, or undefined. */
  whyNotUsed(path: Path): string | undefined {
    return this.#importPolicy === "reject" ? "the import policy rejects it" : path.ineligible;
  }

  /** A session began. Of a restarting peer's routes those stay whose forwarding it has preserved. */
  begin(source: PeerSource, local: LocalSide, negotiated: Negotiated): void {
    this.#session = { source, local, paths: new WeakMap() };
    const preserved = new Set(
      negotiated.gracefulRestart?.families
        .filter(({ forwardingPreserved }) => forwardingPreserved)
        .map(({ family }) => familyName(family)),
    );
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
    for (const { family, prefixes } of message.withdrawn) {
      const table = this.#table(family);
      const known = prefixes.filter((prefix) => table.withdraw(prefix));
      this.#uninstall(familyName(family), known);
    }
    for (const { family, nextHop, prefixes } of message.announced) {
      const table = this.#table(family);
      const path = this.#path(message, nextHop);
      for (const prefix of prefixes) {
        if (table.announce(prefix, path)) this.#install(familyName(family), prefix, path);
      }
    }
  }

  /** BoRR (RFC 7313 §4): the peer sends the family's routes again; EoRR ends it. */
  markStale(family: AfiSafi): void {
    this.#table(family).markStale();
  }

  /** End-of-RIB (RFC 4724 §4.2) or EoRR (RFC 7313 §4): what was not sent again is gone. */
  sweepStale(family: AfiSafi): void {
    this.#uninstall(familyName(family), this.#table(family).sweepStale());
  }

  /** The peer did not come back, or did not finish, in time. */
  sweepAllStale(): void {
    for (const [name, table] of this.#tables) this.#uninstall(name, table.sweepStale());
  }

  /** What was received is judged anew, without asking the peer. */
  setImportPolicy(importPolicy: PeerConfig["importPolicy"]): void {
    if (importPolicy === this.#importPolicy) return;
    this.#importPolicy = importPolicy;
    for (const [name, table] of this.#tables) {
      for (const [prefix, path] of table.entries()) this.#install(name, prefix, path);
    }
  }

  #table(family: AfiSafi): AdjRibIn {
    const table = this.#tables.get(familyName(family));
    if (table === undefined) throw new Error(`no session carries ${familyName(family)}`);
    return table;
  }

  #path({ attributes }: UpdateMessage, nextHop: AttributeSet["nextHop"]): Path {
    const session = this.#session;
    if (attributes === undefined || session === undefined) {
      throw new Error("routes announced without attributes or outside a session");
    }
    const { source, local, paths } = session;
    const set = this.#ribs.pool.intern(attributes, nextHop);
    let path = paths.get(set);
    if (path === undefined) {
      path = { source, set, ineligible: whyIneligible(set, local) };
      paths.set(set, path);
    }
    return path;
  }

  #install(name: FamilyName, prefix: Prefix, path: Path): void {
    const usable = this.whyNotUsed(path) === undefined;
    this.#ribs.loc[name].replace(prefix, this.#peer, usable ? path : undefined);
  }

  #uninstall(name: FamilyName, prefixes: readonly Prefix[]): void {
    for (const prefix of prefixes) this.#ribs.loc[name].replace(prefix, this.#peer, undefined);
  }

  #drop(name: FamilyName): void {
    this.#uninstall(name, this.#tables.get(name)?.clear() ?? []);
    this.#tables.delete(name);
  }
}
