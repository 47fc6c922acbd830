import { type Address, type Family, familyOf, isLinkLocal } from "../../net/address.ts";
import type { ListDifference } from "../../net/list-difference.ts";
import type { Prefix } from "../../net/prefix.ts";
import { isConfederation, withoutConfederations } from "../wire/as-path.ts";
import type { PathAttributes, Role } from "../wire/message.ts";
import { AttributeFlag, WellKnownCommunity } from "../wire/registry.ts";
import { prependAsn } from "./as-path.ts";
import { type AsRewrite, rewrittenAsPath } from "./as-rewrite.ts";
import type { AttributePool } from "./attribute-pool.ts";
import { defaultLocalPref } from "./decision.ts";
import { InternedSet } from "./interned-set.ts";
import { ownPathOf, type Path, type PathSource } from "./path.ts";
import { PathMemo } from "./path-memo.ts";
import type { Policy, PolicyStatement } from "./policy.ts";
import { communitiesUnder } from "./policy-set.ts";
import { leaksOut, markedOut } from "./role.ts";
import { isOnSharedSubnet } from "./shared-subnet.ts";

/** What of a session and its family decides about the routes sent over it, apart from which peer it is with. */
export type ExportTarget = {
  readonly internal: boolean;
  /** An internal peer that we reflect routes for (RFC 4456). */
  readonly client: boolean;
  /** RFC 4456 §7. */
  readonly clusterId: Address;
  /** What is put in front of AS_PATH towards external peers: our AS, or the one that stands for it, then ours. */
  readonly prependAsns: readonly number[];
  /** Undefined: paths go out as they came in. */
  readonly asRewrite: AsRewrite | undefined;
  /**
   * Our own address as next hop, to internal peers of routes from external ones, or, with `force`, of reflected ones
   * too; to external peers always.
   */
  readonly nextHopSelf: boolean | "force";
  /** What we are to an external peer (RFC 9234). */
  readonly role: Role | undefined;
  /** The peer knows of long-lived stale routes (RFC 9494 §4.3); `partial`: it does not, and gets them as a last resort (§4.6). */
  readonly longLived: boolean | "partial";
  /** The default route is sent as our own, whatever the loc-rib holds, and no export policy is asked. */
  readonly defaultOriginate: boolean;
  /** It is as long as these statements let some route of ours through, as the first one that does so sets it. */
  readonly defaultOriginateIf: readonly PolicyStatement[] | undefined;
  /**
   * A peer is sent what came from it, too, as far as it would be sent it from another: it will find its own AS there,
   * or itself in ORIGINATOR_ID.
   */
  readonly sendsBack: boolean;
  /** A route without MED and ORIGINATOR_ID is reflected with a MED of 0. */
  readonly reflectsWithMed: boolean;
  /** A policy says which routes are reflected, and changes none of them. */
  readonly reflectsUnchanged: boolean;
  /** A policy's prepending is done towards internal peers, too. */
  readonly prependsInternally: boolean;
  /** Our address of the session. */
  readonly localAddress: Address;
  /** Subnets that an external peer and we are on; none where it is further away. */
  readonly sharedSubnets: readonly Prefix[];
  /** Families of next hops the peer takes for this family's routes (RFC 4760 §3, RFC 8950). */
  readonly nextHopFamilies: readonly Family[];
};

/** What became of a route on its way to a peer. `statement`: the policy statement that matched. */
export type Exported = ExportedRoute | { readonly withheld: string; readonly statement?: string };

/** `from`: the peer that the route came from, which does not get it back; undefined: originated here. */
export type ExportedRoute = {
  readonly set: InternedSet;
  readonly from: string | undefined;
  readonly statement: string;
};

/**
 * Decides which routes of the loc-rib a peer gets, and as what (RFC 4271 §5, §9.1.3). The answer depends
 * on the path and the statement only, so it is worked out once for each pair and not for each prefix.
 */
export class Exporter {
  readonly #target: ExportTarget;
  /** Of what came from the only peer that it is for. */
  readonly #targetAsSource: ExportTarget;
  readonly #policy: Policy;
  readonly #pool: AttributePool;
  /** As long as there is the statement. */
  #known = new WeakMap<PolicyStatement, PathMemo<Exported>>();
  /** Paths as export policies see them, where AS numbers are rewritten. */
  readonly #rewritten = new PathMemo<Path>();
  #onlyPeer: string | undefined;

  constructor(target: ExportTarget, policy: Policy, pool: AttributePool) {
    this.#target = target;
    this.#targetAsSource = { ...target, sharedSubnets: [] };
    this.#policy = policy;
    this.#pool = pool;
  }

  /** The policy is of these statements from now on. */
  setStatements(
    statements: readonly PolicyStatement[],
    change: ListDifference<PolicyStatement>,
  ): void {
    this.#policy.replace(statements, change);
  }

  /**
   * The only peer that it is for, or undefined: there are several. One that is sent back what came from it is no third
   * party to itself: our own address is the next hop of that, unless a second peer is there to use the learned one
   * (FRR bgpd/bgp_route.c, subgroup_announce_check).
   */
  setOnlyPeer(peer: string | undefined): void {
    if (!this.#target.sendsBack) return;
    this.#onlyPeer = peer;
    this.#known = new WeakMap();
  }

  /** Whether no route of the loc-rib goes out, whatever it is. */
  get rejectsAll(): boolean {
    return this.#policy.rejectsAll;
  }

  /** Whether it says the same of every prefix. */
  get isBlindToPrefix(): boolean {
    return this.#policy.isBlindToPrefix;
  }

  /** The same for whichever peer: that a route does not go back where it came from is up to the caller. */
  export(prefix: Prefix | undefined, path: Path): Exported {
    const seen = this.#rewrite(path);
    const statement = this.#policy.match(prefix, seen);
    if (statement === undefined) {
      return this.#policy.statements.length === 0 ? noPolicy : noStatement;
    }
    let known = this.#known.get(statement);
    if (known === undefined) this.#known.set(statement, (known = new PathMemo()));
    return (
      known.get(path) ??
      known.set(path, exportPath(seen, statement, this.#targetOf(path), this.#pool))
    );
  }

  #rewrite(path: Path): Path {
    const { asRewrite } = this.#target;
    if (asRewrite === undefined) return path;
    const known = this.#rewritten.get(path);
    if (known !== undefined) return known;
    const { attributes, nextHop, number = 0 } = path.set;
    const asPath = rewrittenAsPath(attributes.asPath, asRewrite);
    if (asPath === attributes.asPath) return this.#rewritten.set(path, path);
    const set = { attributes: { ...attributes, asPath: [...asPath] }, nextHop, number };
    return this.#rewritten.set(path, { ...path, set });
  }

  #targetOf({ source }: Path): ExportTarget {
    const isToSource = source.kind === "peer" && source.peer === this.#onlyPeer;
    return isToSource ? this.#targetAsSource : this.#target;
  }

  /** The default route, as originated here and set by the statement. Undefined: the peer does not take our address as next hop. */
  exportDefault(statement = defaultStatement): ExportedRoute | undefined {
    const exported = exportPath(ownDefault, statement, this.#target, this.#pool);
    return "set" in exported ? exported : undefined;
  }

  /** What becomes of the route on its way to this peer. */
  exportTo(peer: string, prefix: Prefix, path: Path): Exported {
    const exported = this.export(prefix, path);
    const { statement } = exported;
    if (statement === undefined || path.source.kind === "own" || path.source.peer !== peer) {
      return exported;
    }
    if (this.#target.sendsBack) return exported;
    return { withheld: "it came from this peer", statement };
  }
}

/** As FRR sends it. */
const ownDefault = ownPathOf({ origin: "igp", med: 0 });
const defaultStatement: PolicyStatement = { name: "default-originate", action: "accept" };
const noPolicy: Exported = { withheld: "there is no export policy (RFC 8212)" };
const noStatement: Exported = { withheld: "no export statement matches" };

function exportPath(
  path: Path,
  matched: PolicyStatement,
  target: ExportTarget,
  pool: AttributePool,
): Exported {
  const isUnchanged = target.reflectsUnchanged && isReflected(path.source, target);
  const statement = isUnchanged ? unchanging(matched) : matched;
  const { name } = statement;
  const barred = whyBarred(path, target);
  if (barred !== undefined) return { withheld: barred, statement: name };
  if (statement.action === "reject") {
    return { withheld: `export statement ${name} rejects it`, statement: name };
  }
  const nextHop = exportedNextHop(path, statement, target);
  if (!target.nextHopFamilies.includes(familyOf(nextHop))) {
    return { withheld: `the peer does not take ${nextHop} as next hop`, statement: name };
  }
  return {
    set:
      plainlyExported(path, nextHop, statement, target, pool) ??
      pool.intern(exportedAttributes(path, statement, target), nextHop),
    from: path.source.kind === "peer" && !target.sendsBack ? path.source.peer : undefined,
    statement: name,
  };
}

function unchanging({ set: _, ...statement }: PolicyStatement): PolicyStatement {
  return statement;
}

/** The same by far less work, where nothing but our AS number and the next hop makes the difference. */
function plainlyExported(
  { set }: Path,
  nextHop: Address,
  { set: change }: PolicyStatement,
  { internal, role, prependAsns, longLived }: ExportTarget,
  pool: AttributePool,
): InternedSet | undefined {
  const [asn, ...others] = prependAsns;
  // A peer that takes long-lived stale routes gets them with a mark.
  const isPlain = !internal && change === undefined && role === undefined && longLived === false;
  if (!isPlain || asn === undefined || others.length > 0) return undefined;
  return set instanceof InternedSet ? pool.internPassedOn(set, asn, nextHop) : undefined;
}

const none: readonly number[] = [];

/** Rules that no policy can lift. */
function whyBarred({ source, set }: Path, target: ExportTarget): string | undefined {
  const communities = set.attributes.communities ?? none;
  // RFC 4456 §6: what comes from a client goes to every internal peer, what comes from others to clients.
  if (isReflected(source, target) && source.kind === "peer" && !source.client && !target.client) {
    return "it came from an internal peer, and this is one (RFC 4271 §9.2)";
  }
  if (communities.includes(WellKnownCommunity.noAdvertise)) return "no-advertise (RFC 1997)";
  if (!target.longLived && communities.includes(WellKnownCommunity.llgrStale)) {
    return "it is long-lived stale, and the peer does not know of such routes (RFC 9494 §4.3)";
  }
  if (target.internal) return undefined;
  if (target.role !== undefined && leaksOut(set.attributes, target.role)) {
    return "it would leak: OTC sends it to customers only (RFC 9234 §5)";
  }
  if (communities.includes(WellKnownCommunity.noExport)) return "no-export (RFC 1997)";
  if (communities.includes(WellKnownCommunity.noExportSubconfed)) {
    return "no-export-subconfed (RFC 1997)";
  }
  return undefined;
}

/** From one internal peer to another. */
function isReflected(source: PathSource, target: ExportTarget): boolean {
  return source.kind === "peer" && source.internal && target.internal;
}

/**
 * RFC 4271 §5.1.3: a learned next hop stays towards internal peers, and towards external ones that can reach it
 * themselves, as it is on their subnet ("third party"); everything else is reached by us.
 */
function exportedNextHop(
  { source, set }: Path,
  { set: change }: PolicyStatement,
  target: ExportTarget,
): Address {
  if (change?.nextHop !== undefined) {
    return change.nextHop === "self" ? target.localAddress : change.nextHop;
  }
  const { internal, nextHopSelf, localAddress, sharedSubnets } = target;
  const { nextHop } = set;
  if (nextHop === undefined || nextHopSelf === "force") return localAddress;
  // RFC 2545 §3: on another link it means nothing.
  if (isLinkLocal(nextHop)) return localAddress;
  if (!internal) {
    const isThirdParty = !nextHopSelf && isOnSharedSubnet(sharedSubnets, nextHop);
    return isThirdParty ? nextHop : localAddress;
  }
  // RFC 4456 §10: a reflected route keeps its next hop.
  return nextHopSelf && !isReflected(source, target) ? localAddress : nextHop;
}

function exportedAttributes(
  { source, set }: Path,
  { set: change }: PolicyStatement,
  target: ExportTarget,
): PathAttributes {
  const of = set.attributes;
  const communities = change === undefined ? of : communitiesUnder(of, change);
  const asPath = exportedAsPath(of.asPath, target, change?.asPathPrepend);
  const to: PathAttributes = { origin: of.origin, asPath };
  const med = change?.med ?? medOf(of, source, target);
  if (med !== undefined) to.med = med;
  // §5.1.5: to an internal peer always there, to an external one never.
  if (target.internal) to.localPref = change?.localPref ?? of.localPref ?? defaultLocalPref;
  if (of.atomicAggregate !== undefined) to.atomicAggregate = of.atomicAggregate;
  if (of.aggregator !== undefined) to.aggregator = of.aggregator;
  if (communities.communities !== undefined) to.communities = communities.communities;
  if (communities.largeCommunities !== undefined) {
    to.largeCommunities = communities.largeCommunities;
  }
  const extended = target.internal
    ? communities.extendedCommunities
    : communities.extendedCommunities?.filter(isTransitive);
  if (extended !== undefined && extended.length > 0) to.extendedCommunities = extended;
  const onlyToCustomer =
    target.internal || target.role === undefined
      ? of.onlyToCustomer
      : markedOut(of, target.role, target.prependAsns[0]!);
  if (onlyToCustomer !== undefined) to.onlyToCustomer = onlyToCustomer;
  // RFC 4456 §8: nothing of route reflection leaves the AS.
  if (source.kind === "peer" && isReflected(source, target)) {
    to.originatorId = of.originatorId ?? source.identifier;
    to.clusterList = [target.clusterId, ...(of.clusterList ?? [])];
  }
  if (target.longLived === "partial" && of.communities?.includes(WellKnownCommunity.llgrStale)) {
    // RFC 9494 §4.6: a peer that does not know the mark can tell by these two.
    to.communities = [...new Set([...(to.communities ?? none), WellKnownCommunity.noExport])];
    to.localPref = 0;
  }
  if (of.partial !== undefined) to.partial = of.partial;
  const unknown = of.unknown && passedOn(of.unknown);
  if (unknown !== undefined && unknown.length > 0) to.unknown = unknown;
  return to;
}

/** §5.1.4: a MED received from one neighbouring AS is not passed on to another. */
function medOf(
  { med, originatorId }: PathAttributes,
  source: PathSource,
  target: ExportTarget,
): number | undefined {
  if (!target.internal && source.kind !== "own") return undefined;
  const isFirst = isReflected(source, target) && originatorId === undefined;
  return med ?? (isFirst && target.reflectsWithMed ? 0 : undefined);
}

/** §5.1.2 a: to an internal peer the AS path stays as it is; b: an external one sees us in it. */
function exportedAsPath(
  asPath: PathAttributes["asPath"],
  target: ExportTarget,
  more = 0,
): PathAttributes["asPath"] {
  if (!target.internal) return prepended(asPath, target, more);
  return target.prependsInternally && more > 0
    ? prependAsn(asPath, target.prependAsns[0]!, more)
    : asPath;
}

/** Our AS in front, and as often more as the policy says. */
function prepended(
  asPath: PathAttributes["asPath"],
  { prependAsns }: ExportTarget,
  more: number,
): PathAttributes["asPath"] {
  // RFC 5065 §5: to a peer outside the confederation its segments are an error.
  let path = asPath.some(isConfederation) ? withoutConfederations(asPath) : asPath;
  for (let i = prependAsns.length - 1; i >= 0; i--) {
    path = prependAsn(path, prependAsns[i]!, i === 0 ? 1 + more : 1);
  }
  return path;
}

/** RFC 4271 §5, §9: unknown transitive attributes go on, marked partial; the others end here. */
function passedOn(
  unknown: NonNullable<PathAttributes["unknown"]>,
): NonNullable<PathAttributes["unknown"]> {
  return unknown
    .filter(({ flags }) => (flags & AttributeFlag.transitive) !== 0)
    .map(({ flags, code, value }) => ({ flags: flags | AttributeFlag.partial, code, value }));
}

/** RFC 4360 §2: the second bit of the type set means not across ASes. */
function isTransitive(extendedCommunity: Uint8Array): boolean {
  return (extendedCommunity[0]! & 0x40) === 0;
}
