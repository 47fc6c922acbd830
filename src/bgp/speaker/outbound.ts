import { type Address, type Family, familyOf } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Exported, ExportTarget } from "../rib/export.ts";
import { type FamilyName, familyName } from "../rib/family.ts";
import type { InternedSet } from "../rib/interned-set.ts";
import type { Path } from "../rib/path.ts";
import type { PolicyStatement } from "../rib/policy.ts";
import type { PrefixIds } from "../rib/prefix-table.ts";
import type { Negotiated } from "../session/io.ts";
import { encodeMessage } from "../wire/encode.ts";
import type { AfiSafi, UpdateMessage } from "../wire/message.ts";
import { hasFamily, RouteRefreshSubtype } from "../wire/registry.ts";
import { AdvertisementInterval } from "./advertisement-interval.ts";
import { NumberedOut } from "./numbered-out.ts";
import type { Ribs } from "./ribs.ts";
import type { Receiver, SentRoute } from "./routes-out.ts";
import { UpdateGroup } from "./update-group.ts";
import type { UpdateGroups } from "./update-groups.ts";

type Table = {
  readonly family: AfiSafi;
  out: UpdateGroup | NumberedOut;
  readonly interval: AdvertisementInterval | undefined;
};

/** What of its configuration a session's routes out depend on. */
export type OutboundOptions = Pick<
  ExportTarget,
  | "client"
  | "clusterId"
  | "nextHopSelf"
  | "sendsBack"
  | "reflectsWithMed"
  | "reflectsUnchanged"
  | "prependsInternally"
  | "prependAsns"
  | "asRewrite"
  | "role"
  | "longLived"
> & {
  exportPolicy: readonly PolicyStatement[];
  /** Of IPv4 routes over IPv6 to a peer that takes no IPv6 one. */
  ipv4NextHop: Address | undefined;
  /** Where the default route is sent as our own. */
  defaultOriginate: readonly FamilyName[];
  /** And where only under a condition. */
  defaultOriginateIf: Partial<Record<FamilyName, readonly PolicyStatement[]>>;
  /** Paths to a prefix that are sent where they are numbered. */
  pathsMax: number;
  /** There is a MinRouteAdvertisementInterval. */
  isPaced: boolean;
};

/** The way of routes out over one Established session: of each family in a group, or by itself where paths are numbered. */
export class Outbound {
  readonly #ribs: Ribs;
  readonly #groups: UpdateGroups;
  #options: OutboundOptions;
  readonly #negotiated: Negotiated;
  readonly #receiver: Receiver;
  readonly #deferred: () => ReadonlySet<FamilyName>;
  /** Of families that were begun. */
  readonly #tables = new Map<FamilyName, Table>();
  /** Of the others: the groups that this session is to begin with. */
  readonly #awaited = new Map<FamilyName, { family: AfiSafi; group: UpdateGroup }>();
  /** Families whose End-of-RIB waits for the end of the deferral (RFC 4724 §4.1): the peer then lets go of old routes. */
  readonly #owed = new Set<FamilyName>();
  /** Families that the peer has asked for, and was not sent again yet. */
  readonly #refreshes = new Map<FamilyName, AfiSafi>();

  constructor(
    ribs: Ribs,
    groups: UpdateGroups,
    options: OutboundOptions,
    negotiated: Negotiated,
    receiver: Receiver,
    deferred: () => ReadonlySet<FamilyName>,
  ) {
    this.#ribs = ribs;
    this.#groups = groups;
    this.#options = options;
    this.#negotiated = negotiated;
    this.#receiver = receiver;
    this.#deferred = deferred;
  }

  families(): IterableIterator<FamilyName> {
    return this.#tables.keys();
  }

  /** Number of the family's routes that were sent and not taken back. */
  advertised(name: FamilyName): number {
    return this.#tables.get(name)?.out.sizeFor(this.#receiver.peer) ?? 0;
  }

  routes(name: FamilyName): SentRoute[] {
    return this.#tables.get(name)?.out.routesFor(this.#receiver.peer) ?? [];
  }

  /** What becomes of a path to the prefix; undefined where the session does not have the family. */
  exported(name: FamilyName, prefix: Prefix, path: Path): Exported | undefined {
    return this.#tables.get(name)?.out.exporter.exportTo(this.#receiver.peer, prefix, path);
  }

  /** Every set in use that no group has. */
  forEachSet(call: (set: InternedSet) => void): void {
    for (const { out } of this.#tables.values()) {
      if (out instanceof NumberedOut) out.forEachSet(call);
    }
  }

  /** The session is up: another one like it may begin first, and this one with it. */
  expect(): void {
    for (const family of this.#negotiated.families) {
      if (!this.#isNumbered(family)) this.#expect(family);
    }
  }

  /** The whole table to a peer that has nothing yet, and End-of-RIB of each family (RFC 4724 §2). */
  begin(): void {
    for (const family of this.#negotiated.families) {
      if (this.#isNumbered(family)) this.#beginNumbered(family);
      else this.#awaited.get(familyName(family))?.group.begin();
    }
  }

  /** The family's routes are selected, and those held back are sent: End-of-RIB. */
  endDeferral(name: FamilyName): void {
    if (!this.#owed.delete(name)) return;
    const { out, interval } = this.#tables.get(name)!;
    const isInGroup = interval === undefined && !(out instanceof NumberedOut);
    if (!isInGroup) out.changed(this.#ribs.loc[name].ids());
    this.#endOfRib(name);
  }

  /** What the peer must be told of where paths are numbered, or in its own time; to the others their group does. */
  changed(name: FamilyName, ids: PrefixIds): void {
    const { out, interval } = this.#tables.get(name) ?? {};
    if (interval !== undefined) interval.changed(ids);
    else if (out instanceof NumberedOut) out.changed(ids);
    // Not begun yet: nobody is told.
    else if (this.#options.isPaced) this.#awaited.get(name)?.group.changed(ids);
  }

  /** The family's MinRouteAdvertisementIntervalTimer fired. */
  intervalOver(name: FamilyName): void {
    this.#tables.get(name)?.interval?.over();
  }

  /** What the peer must be told under another policy, or other ways of a route out: the difference only. */
  setOptions(options: OutboundOptions): void {
    const isOtherwisePaced = options.isPaced !== this.#options.isPaced;
    this.#options = options;
    for (const table of this.#tables.values()) {
      // The rest of its options stays as it is for its session (peer-change.ts).
      if (table.out instanceof NumberedOut) table.out.setPolicy(options.exportPolicy);
      else {
        const group = this.#group(table.family);
        if (group !== table.out) group.takeOver(this.#receiver, table.out);
        table.out = group;
        if (isOtherwisePaced) {
          table.interval?.end();
          this.#setTable(table.family, group);
        }
      }
    }
    for (const { family, group } of this.#awaited.values()) {
      group.leave(this.#receiver);
      this.#expect(family);
    }
  }

  /** The peer wants the family's routes again: of many requests that come at once, all are answered by one. */
  refreshAsked(family: AfiSafi): void {
    this.#refreshes.set(familyName(family), family);
  }

  get isRefreshAsked(): boolean {
    return this.#refreshes.size > 0;
  }

  /** Others are sent the same. */
  get isInGroup(): boolean {
    return [...this.#tables.values()].some(
      ({ out }) => out instanceof UpdateGroup && out.peers.length > 1,
    );
  }

  answerRefreshes(): void {
    for (const family of this.#refreshes.values()) this.#refresh(family);
    this.#refreshes.clear();
  }

  /** The answer to ROUTE-REFRESH (RFC 2918 §4), between BoRR and EoRR where both know them (RFC 7313 §4). */
  #refresh(family: AfiSafi): void {
    const name = familyName(family);
    const table = this.#tables.get(name);
    if (table === undefined) return;
    // RFC 7313 §4: to a restarting peer no BoRR before the End-of-RIB.
    const isMarked = this.#negotiated.enhancedRouteRefresh && !this.#owed.has(name);
    if (isMarked) this.#routeRefresh(family, RouteRefreshSubtype.begin);
    table.out.dump(this.#receiver, false);
    if (isMarked) this.#routeRefresh(family, RouteRefreshSubtype.end);
  }

  /** The session is over. */
  end(): void {
    for (const { out, interval } of this.#tables.values()) {
      out.leave(this.#receiver);
      interval?.end();
    }
    for (const { group } of this.#awaited.values()) group.leave(this.#receiver);
  }

  #isNumbered(family: AfiSafi): boolean {
    return hasFamily(this.#negotiated.codec.pathIdsOut, family);
  }

  #expect(family: AfiSafi): void {
    const name = familyName(family);
    const group = this.#group(family);
    this.#awaited.set(name, { family, group });
    group.expect(this.#receiver, (isDeferred) => {
      this.#awaited.delete(name);
      this.#setTable(family, group);
      if (isDeferred) this.#owed.add(name);
    });
  }

  #beginNumbered(family: AfiSafi): void {
    const name = familyName(family);
    const isDeferred = () => this.#deferred().has(name);
    const { pathsMax } = this.#options;
    const options = this.#groupOptions(family);
    const out = new NumberedOut(options, this.#receiver, pathsMax, this.#ribs, isDeferred);
    this.#setTable(family, out);
    if (isDeferred()) this.#owed.add(name);
    out.changed(this.#ribs.loc[name].ids());
    if (!isDeferred()) this.#endOfRib(name);
  }

  /** It is told everything now. */
  #setTable(family: AfiSafi, out: UpdateGroup | NumberedOut): void {
    const name = familyName(family);
    const interval = !this.#options.isPaced
      ? undefined
      : new AdvertisementInterval(this.#ribs.prefixes[name], {
          tell: (ids) => this.#tables.get(name)!.out.changed(ids),
          startTimer: () => this.#receiver.startInterval(name),
        });
    this.#tables.set(name, { family, out, interval });
    interval?.begin();
  }

  #group(family: AfiSafi): UpdateGroup {
    return this.#groups.of(this.#groupOptions(family));
  }

  #groupOptions(family: AfiSafi) {
    const { internal, localAddress, sharedSubnets, extendedNextHop, codec } = this.#negotiated;
    const nextHopFamilies: Family[] = hasFamily(extendedNextHop, family)
      ? [family.afi, "ipv6"]
      : [family.afi];
    const {
      exportPolicy,
      pathsMax: _,
      isPaced,
      defaultOriginate,
      defaultOriginateIf,
      ipv4NextHop,
      ...options
    } = this.#options;
    const name = familyName(family);
    const own = codec.sharedLink?.address ?? localAddress;
    const isTaken = nextHopFamilies.includes(familyOf(own));
    const self = isTaken ? own : (ipv4NextHop ?? own);
    const target = {
      ...options,
      defaultOriginate: defaultOriginate.includes(name),
      defaultOriginateIf: defaultOriginateIf[name],
      internal,
      localAddress: self,
      sharedSubnets: internal ? [] : (sharedSubnets ?? []),
      nextHopFamilies,
    };
    const paced = isPaced && { pacedBy: this.#receiver.peer };
    return { name, target, exportPolicy, codec, ...paced };
  }

  #endOfRib(name: FamilyName): void {
    const { family } = this.#tables.get(name)!;
    for (const bytes of encodeMessage(endOfRib(family), this.#negotiated.codec)) {
      this.#receiver.send(bytes);
    }
  }

  #routeRefresh(family: AfiSafi, subtype: number): void {
    const message = { type: "ROUTE-REFRESH", family, subtype } as const;
    for (const bytes of encodeMessage(message, this.#negotiated.codec)) this.#receiver.send(bytes);
  }
}

/** RFC 4724 §2. */
export function endOfRib(family: AfiSafi): UpdateMessage {
  return { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [], endOfRib: family };
}
