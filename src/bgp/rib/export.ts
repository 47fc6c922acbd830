import { type Address, type Family, familyOf } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { PathAttributes, Role } from "../wire/message.ts";
import { AttributeFlag, WellKnownCommunity } from "../wire/registry.ts";
import { prependAsn } from "./as-path.ts";
import type { AttributePool } from "./attribute-pool.ts";
import { defaultLocalPref } from "./decision.ts";
import type { AttributeSet, Path, PathSource } from "./path.ts";
import type { Policy, PolicyStatement } from "./policy.ts";
import { communitiesUnder } from "./policy-set.ts";
import { leaksOut, markedOut } from "./role.ts";

/** The session a route is to be sent over, for one family. */
export type ExportTarget = {
  readonly peer: string;
  readonly internal: boolean;
  /** An internal peer that we reflect routes for (RFC 4456). */
  readonly client: boolean;
  /** RFC 4456 §7. */
  readonly clusterId: Address;
  /** What is put in front of AS_PATH towards external peers: our AS, or the one that stands for it, then ours. */
  readonly prependAsns: readonly number[];
  /** Internal peers get our own address as next hop: of routes from external peers, or, with `force`, of reflected ones too. */
  readonly nextHopSelf: boolean | "force";
  /** What we are to an external peer (RFC 9234). */
  readonly role: Role | undefined;
  /** The peer takes long-lived stale routes (RFC 9494 §4.3). */
  readonly longLived: boolean;
  /** Our address of the session. */
  readonly localAddress: Address;
  /** Families of next hops the peer takes for this family's routes (RFC 4760 §3, RFC 8950). */
  readonly nextHopFamilies: readonly Family[];
};

/** What became of a route on its way to a peer. `statement`: the policy statement that matched. */
export type Exported =
  | { readonly set: AttributeSet; readonly statement: string }
  | { readonly withheld: string; readonly statement?: string };

/**
 * Decides for one session which routes of the loc-rib the peer gets, and as what (RFC 4271 §5, §9.1.3).
 * The answer depends on the path and the statement only, so it is worked out once for each pair and
 * not for each prefix.
 */
export class Exporter {
  readonly #target: ExportTarget;
  readonly #policy: Policy;
  readonly #pool: AttributePool;
  readonly #known = new WeakMap<PolicyStatement, WeakMap<Path, Exported>>();

  constructor(target: ExportTarget, policy: Policy, pool: AttributePool) {
    this.#target = target;
    this.#policy = policy;
    this.#pool = pool;
  }

  export(prefix: Prefix, path: Path): Exported {
    const statement = this.#policy.match(prefix, path);
    if (statement === undefined) {
      return this.#policy.statements.length === 0 ? noPolicy : noStatement;
    }
    let known = this.#known.get(statement);
    if (known === undefined) this.#known.set(statement, (known = new WeakMap()));
    let exported = known.get(path);
    if (exported === undefined) {
      known.set(path, (exported = exportPath(path, statement, this.#target, this.#pool)));
    }
    return exported;
  }
}

const noPolicy: Exported = { withheld: "there is no export policy (RFC 8212)" };
const noStatement: Exported = { withheld: "no export statement matches" };

function exportPath(
  path: Path,
  statement: PolicyStatement,
  target: ExportTarget,
  pool: AttributePool,
): Exported {
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
    set: pool.intern(exportedAttributes(path, statement, target), nextHop),
    statement: name,
  };
}

/** Rules that no policy can lift. */
function whyBarred({ source, set }: Path, target: ExportTarget): string | undefined {
  const communities = set.attributes.communities ?? [];
  if (source.kind === "peer" && source.peer === target.peer) return "it came from this peer";
  // RFC 4456 §6: what comes from a client goes to every internal peer, what comes from others to clients.
  if (isReflected(source, target) && source.kind === "peer" && !source.client && !target.client) {
    return "it came from an internal peer, and this is one (RFC 4271 §9.2)";
  }
  if (communities.includes(WellKnownCommunity.noAdvertise)) return "no-advertise (RFC 1997)";
  if (communities.includes(WellKnownCommunity.llgrStale) && !target.longLived) {
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

/** RFC 4271 §5.1.3: a learned next hop stays towards internal peers; everything else is reached by us. */
function exportedNextHop(
  { source, set }: Path,
  { set: change }: PolicyStatement,
  target: ExportTarget,
): Address {
  if (change?.nextHop !== undefined) {
    return change.nextHop === "self" ? target.localAddress : change.nextHop;
  }
  const { internal, nextHopSelf, localAddress } = target;
  if (!internal || set.nextHop === undefined || nextHopSelf === "force") return localAddress;
  // RFC 4456 §10: a reflected route keeps its next hop.
  return nextHopSelf && !isReflected(source, target) ? localAddress : set.nextHop;
}

function exportedAttributes(
  { source, set }: Path,
  { set: change = {} }: PolicyStatement,
  target: ExportTarget,
): PathAttributes {
  const of = set.attributes;
  const { extendedCommunities, ...otherCommunities } = communitiesUnder(of, change);
  // §5.1.4: a MED received from one neighbouring AS is not passed on to another.
  const med = change.med ?? (target.internal || source.kind === "own" ? of.med : undefined);
  const unknown = passedOn(of.unknown);
  const common = {
    origin: of.origin,
    ...(med !== undefined && { med }),
    ...(of.atomicAggregate !== undefined && { atomicAggregate: of.atomicAggregate }),
    ...(of.aggregator !== undefined && { aggregator: of.aggregator }),
    ...otherCommunities,
    ...(unknown.length > 0 && { unknown }),
  };
  if (target.internal) {
    return {
      ...common,
      ...(of.onlyToCustomer !== undefined && { onlyToCustomer: of.onlyToCustomer }),
      // §5.1.2 a: the AS path stays as it is.
      asPath: of.asPath,
      // §5.1.5: always there.
      localPref: change.localPref ?? of.localPref ?? defaultLocalPref,
      ...reflection({ source, set }, target),
      ...(extendedCommunities !== undefined && { extendedCommunities }),
    };
  }
  const transitive = extendedCommunities?.filter(isTransitive) ?? [];
  const asPath = target.prependAsns.reduceRight<PathAttributes["asPath"]>(
    (path, asn, i) => prependAsn(path, asn, i === 0 ? 1 + (change.asPathPrepend ?? 0) : 1),
    of.asPath,
  );
  const onlyToCustomer =
    target.role === undefined
      ? of.onlyToCustomer
      : markedOut(of, target.role, target.prependAsns[0]!);
  return {
    ...common,
    ...(onlyToCustomer !== undefined && { onlyToCustomer }),
    // §5.1.2 b.
    asPath,
    // §5.1.5: no LOCAL_PREF. RFC 4456 §8: nothing of route reflection.
    ...(transitive.length > 0 && { extendedCommunities: transitive }),
  };
}

/** ORIGINATOR_ID and CLUSTER_LIST as a reflector writes them (RFC 4456 §8). */
function reflection(
  { source, set: { attributes } }: Pick<Path, "source" | "set">,
  target: ExportTarget,
): Pick<PathAttributes, "originatorId" | "clusterList"> {
  if (source.kind === "own" || !isReflected(source, target)) return {};
  return {
    originatorId: attributes.originatorId ?? source.identifier,
    clusterList: [target.clusterId, ...(attributes.clusterList ?? [])],
  };
}

/** RFC 4271 §5, §9: unknown transitive attributes go on, marked partial; the others end here. */
function passedOn(unknown: PathAttributes["unknown"] = []): NonNullable<PathAttributes["unknown"]> {
  return unknown
    .filter(({ flags }) => (flags & AttributeFlag.transitive) !== 0)
    .map(({ flags, code, value }) => ({ flags: flags | AttributeFlag.partial, code, value }));
}

/** RFC 4360 §2: the second bit of the type set means not across ASes. */
function isTransitive(extendedCommunity: Uint8Array): boolean {
  return (extendedCommunity[0]! & 0x40) === 0;
}
