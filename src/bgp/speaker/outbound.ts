import type { Family } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { AdjRibOut } from "../rib/adj-rib-out.ts";
import { Exporter, type ExportTarget } from "../rib/export.ts";
import { type FamilyName, familyName } from "../rib/family.ts";
import { Policy, type PolicyStatement } from "../rib/policy.ts";
import type { Negotiated } from "../session/io.ts";
import type { AfiSafi, Message, UpdateMessage } from "../wire/message.ts";
import { sameFamily } from "../wire/registry.ts";
import type { Ribs } from "./ribs.ts";

type Table = { readonly family: AfiSafi; readonly sent: AdjRibOut; exporter: Exporter };

/** What of its configuration a session's routes out depend on. */
export type OutboundOptions = Pick<
  ExportTarget,
  "client" | "clusterId" | "nextHopSelf" | "prependAsns"
> & { name: string; exportPolicy: readonly PolicyStatement[] };

/** The way of routes out over one Established session: export policy, adj-rib-out, UPDATEs. */
export class Outbound {
  readonly #ribs: Ribs;
  readonly #peer: OutboundOptions;
  readonly #negotiated: Negotiated;
  readonly #tables = new Map<FamilyName, Table>();

  constructor(ribs: Ribs, peer: OutboundOptions, negotiated: Negotiated) {
    this.#ribs = ribs;
    this.#peer = peer;
    this.#negotiated = negotiated;
    const policy = new Policy(peer.exportPolicy);
    for (const family of negotiated.families) {
      const exporter = this.#exporter(family, policy);
      this.#tables.set(familyName(family), { family, sent: new AdjRibOut(family), exporter });
    }
  }

  tables(): ReadonlyMap<FamilyName, Table> {
    return this.#tables;
  }

  /** The whole table to a peer that has nothing yet, and End-of-RIB of each family (RFC 4724 §2). */
  begin(): Message[] {
    return [...this.#tables].flatMap(([name, { family }]) => {
      const messages: Message[] = this.#update(name, this.#ribs.loc[name].prefixes());
      return messages.concat(endOfRib(family));
    });
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
    if (!this.#negotiated.enhancedRouteRefresh) return routes;
    return [
      { type: "ROUTE-REFRESH", family, subtype: 1 },
      ...routes,
      { type: "ROUTE-REFRESH", family, subtype: 2 },
    ];
  }

  /** What to send instead of an UPDATE whose announcements no message holds. */
  withdrawn({ announced }: UpdateMessage): UpdateMessage[] {
    return announced.map(({ family, prefixes }) => {
      this.#tables.get(familyName(family))?.sent.forget(prefixes);
      const withdrawn = [{ family, prefixes }];
      return { type: "UPDATE", withdrawn, attributes: undefined, announced: [] };
    });
  }

  #update(name: FamilyName, prefixes: Iterable<Prefix>): UpdateMessage[] {
    const { sent, exporter } = this.#tables.get(name)!;
    const loc = this.#ribs.loc[name];
    return sent.update(prefixes, (prefix) => {
      const best = loc.best(prefix);
      if (best === undefined) return undefined;
      const exported = exporter.export(prefix, best);
      return "set" in exported ? exported.set : undefined;
    });
  }

  #exporter(family: AfiSafi, policy: Policy): Exporter {
    const { internal, localAddress, extendedNextHop } = this.#negotiated;
    const nextHopFamilies: Family[] = extendedNextHop.some((of) => sameFamily(of, family))
      ? [family.afi, "ipv6"]
      : [family.afi];
    const { name: peer, exportPolicy: _, ...options } = this.#peer;
    const target = { ...options, peer, internal, localAddress, nextHopFamilies };
    return new Exporter(target, policy, this.#ribs.pool);
  }
}

function endOfRib(family: AfiSafi): UpdateMessage {
  return { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [], endOfRib: family };
}
