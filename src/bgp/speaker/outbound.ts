import type { Family } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { AdjRibOut, type Wanted } from "../rib/adj-rib-out.ts";
import { bestPath } from "../rib/decision.ts";
import { Exporter, type ExportTarget } from "../rib/export.ts";
import { type FamilyName, familyName } from "../rib/family.ts";
import type { AttributeSet, Path } from "../rib/path.ts";
import { Policy, type PolicyStatement } from "../rib/policy.ts";
import type { Negotiated } from "../session/io.ts";
import type { AfiSafi, Message, UpdateMessage } from "../wire/message.ts";
import { hasFamily } from "../wire/registry.ts";
import type { Ribs } from "./ribs.ts";

type Table = {
  readonly family: AfiSafi;
  readonly sent: AdjRibOut;
  /** Several paths to a prefix go out, each with its identifier (RFC 7911). */
  readonly isNumbered: boolean;
  exporter: Exporter;
};

/** What of its configuration a session's routes out depend on. */
export type OutboundOptions = Pick<
  ExportTarget,
  "client" | "clusterId" | "nextHopSelf" | "prependAsns" | "role" | "longLived"
> & {
  name: string;
  exportPolicy: readonly PolicyStatement[];
  /** Paths to a prefix that are sent where they are numbered. */
  pathsMax: number;
};

/** The way of routes out over one Established session: export policy, adj-rib-out, UPDATEs. */
export class Outbound {
  readonly #ribs: Ribs;
  readonly #peer: OutboundOptions;
  readonly #negotiated: Negotiated;
  readonly #tables = new Map<FamilyName, Table>();
  /** Families whose route selection waits for the peers (RFC 4724 §4.1): learned routes are held back. */
  readonly #deferred: Set<FamilyName>;

  constructor(
    ribs: Ribs,
    peer: OutboundOptions,
    negotiated: Negotiated,
    deferred: Iterable<FamilyName> = [],
  ) {
    this.#deferred = new Set(deferred);
    this.#ribs = ribs;
    this.#peer = peer;
    this.#negotiated = negotiated;
    const policy = new Policy(peer.exportPolicy);
    for (const family of negotiated.families) {
      const exporter = this.#exporter(family, policy);
      const isNumbered = hasFamily(negotiated.codec.pathIdsOut, family);
      if (isNumbered) ribs.loc[familyName(family)].trackAll();
      const sent = new AdjRibOut(family, isNumbered);
      this.#tables.set(familyName(family), { family, sent, exporter, isNumbered });
    }
  }

  tables(): ReadonlyMap<FamilyName, Table> {
    return this.#tables;
  }

  /** The whole table to a peer that has nothing yet, and End-of-RIB of each family (RFC 4724 §2). */
  begin(): Message[] {
    return [...this.#tables.keys()].flatMap((name) => this.#begin(name));
  }

  /** The family's routes are selected: what was held back, and End-of-RIB. */
  endDeferral(name: FamilyName): Message[] {
    if (!this.#deferred.delete(name) || !this.#tables.has(name)) return [];
    return this.#begin(name);
  }

  #begin(name: FamilyName): Message[] {
    const messages: Message[] = this.#update(name, this.#ribs.loc[name].prefixes());
    // RFC 4724 §4.1: not before the routes were selected, for the peer then lets go of the old ones.
    if (this.#deferred.has(name)) return messages;
    return messages.concat(endOfRib(this.#tables.get(name)!.family));
  }

  /** An own route needs no selection: it is best whatever the peers send. */
  #isDeferred(name: FamilyName, { source }: Path): boolean {
    return source.kind === "peer" && this.#deferred.has(name);
  }

  /** What the peer must be told after the best paths to these prefixes changed. */
  changed(name: FamilyName, prefixes: ReadonlySet<Prefix>): Message[] {
    return this.#tables.has(name) ? this.#update(name, prefixes) : [];
  }

  /** What the peer must be told under another policy: the difference only. */
  setPolicy(statements: readonly PolicyStatement[]): Message[] {
    const policy = new Policy(statements);
    return [...this.#tables].flatMap(([name, table]) => {
      table.exporter = this.#exporter(table.family, policy);
      // Whatever was sent is still in the loc-rib, or among its changes.
      return this.#update(name, this.#ribs.loc[name].prefixes());
    });
  }

  /** The answer to ROUTE-REFRESH (RFC 2918 §4), between BoRR and EoRR where both know them (RFC 7313 §4). */
  refresh(family: AfiSafi): Message[] {
    const table = this.#tables.get(familyName(family));
    if (table === undefined) return [];
    const routes = table.sent.everything();
    // RFC 7313 §4: to a restarting peer no BoRR before the End-of-RIB.
    const isDeferred = this.#deferred.has(familyName(family));
    if (!this.#negotiated.enhancedRouteRefresh || isDeferred) return routes;
    return [
      { type: "ROUTE-REFRESH", family, subtype: 1 },
      ...routes,
      { type: "ROUTE-REFRESH", family, subtype: 2 },
    ];
  }

  /** What to send instead of an UPDATE whose announcements no message holds. */
  withdrawn({ announced }: UpdateMessage): UpdateMessage[] {
    return announced.map(({ nextHop: _, ...nlri }) => {
      this.#tables.get(familyName(nlri.family))?.sent.forget(nlri.prefixes, nlri.pathIds);
      const withdrawn = [nlri];
      return { type: "UPDATE", withdrawn, attributes: undefined, announced: [] };
    });
  }

  #update(name: FamilyName, prefixes: Iterable<Prefix>): UpdateMessage[] {
    const table = this.#tables.get(name)!;
    const { sent, exporter } = table;
    const loc = this.#ribs.loc[name];
    if (table.isNumbered) return sent.update(prefixes, (prefix) => this.#several(name, prefix));
    return sent.update(prefixes, (prefix) => {
      const best = loc.best(prefix);
      if (best === undefined || this.#isDeferred(name, best)) return [];
      const exported = exporter.export(prefix, best);
      return "set" in exported ? [exported] : [];
    });
  }

  /** The best paths that the export policy lets out, as many as the peer is to get. */
  #several(name: FamilyName, prefix: Prefix): Wanted {
    const { exporter } = this.#tables.get(name)!;
    const wanted: { pathId: number; set: AttributeSet }[] = [];
    let left = this.#ribs.loc[name].candidates(prefix);
    while (left.length > 0 && wanted.length < this.#peer.pathsMax) {
      const next = bestPath(left);
      left = left.filter((path) => path !== next);
      if (this.#isDeferred(name, next)) continue;
      const exported = exporter.export(prefix, next);
      if ("set" in exported) wanted.push({ pathId: this.#ribs.pathIdOf(next), set: exported.set });
    }
    return wanted;
  }

  #exporter(family: AfiSafi, policy: Policy): Exporter {
    const { internal, localAddress, extendedNextHop } = this.#negotiated;
    const nextHopFamilies: Family[] = hasFamily(extendedNextHop, family)
      ? [family.afi, "ipv6"]
      : [family.afi];
    const { name: peer, exportPolicy: _, pathsMax: __, ...options } = this.#peer;
    const target = { ...options, peer, internal, localAddress, nextHopFamilies };
    return new Exporter(target, policy, this.#ribs.pool);
  }
}

/** RFC 4724 §2. */
export function endOfRib(family: AfiSafi): UpdateMessage {
  return { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [], endOfRib: family };
}
