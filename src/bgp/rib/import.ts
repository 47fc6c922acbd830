import { type Address, familyOf, isLinkLocal } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { asPathCount, neighborAsn, prependAsn } from "./as-path.ts";
import type { Role } from "../wire/message.ts";
import type { AttributePool } from "./attribute-pool.ts";
import type { AttributeSet, Path } from "./path.ts";
import { PathMemo } from "./path-memo.ts";
import { Policy, type PolicySet, type PolicyStatement } from "./policy.ts";
import { communitiesUnder } from "./policy-set.ts";
import { leakedIn } from "./role.ts";
import { isOnSharedSubnet } from "./shared-subnet.ts";

/** This side of a session, as far as import needs to know it. */
export type LocalSide = {
  /** AS numbers that are ours: the speaker's, and what the session calls itself by. */
  readonly asns: readonly number[];
  /** How often each of them may be in a path all the same. */
  readonly allowAsIn: number;
  readonly routerId: Address;
  /** RFC 4456 §7. */
  readonly clusterId: Address;
  /** Our address of the session. */
  readonly address: Address;
  /** Subnets that an external peer and we are on; undefined where it is further away, or internal. */
  readonly sharedSubnets: readonly Prefix[] | undefined;
  /** What we are to an external peer (RFC 9234), and its AS number. */
  readonly role: Role | undefined;
  readonly peerAsn: number;
};

/**
 * Why the decision process must leave a received path out, or undefined. It stays in adj-rib-in.
 * Whether its next hop can be reached may change, and is asked later (next-hops.ts).
 */
export function whyIneligible(of: AttributeSet, local: LocalSide): string | undefined {
  const { asPath, originatorId, clusterList } = of.attributes;
  for (const asn of local.asns) {
    if (asPathCount(asPath, asn) > local.allowAsIn) {
      return `AS ${asn} is already in its AS path (RFC 4271 §9.1.2)`;
    }
  }
  if (of.nextHop === local.address) {
    return `its next hop ${local.address} is this speaker (RFC 4271 §5.1.3)`;
  }
  if (of.nextHop !== undefined && isOffSubnet(of.nextHop, local)) {
    return `its next hop ${of.nextHop} is not on the subnet of this peer (RFC 4271 §6.3)`;
  }
  if (originatorId === local.routerId) {
    return `its ORIGINATOR_ID ${local.routerId} is this speaker (RFC 4456 §8)`;
  }
  if (clusterList?.includes(local.clusterId)) {
    return `its CLUSTER_LIST holds this speaker's cluster, ${local.clusterId} (RFC 4456 §8)`;
  }
  return local.role && leakedIn(of.attributes, local.role, local.peerAsn);
}

/** Of another family (RFC 8950) than the session's subnets nothing is known. */
function isOffSubnet(nextHop: Address, { address, sharedSubnets }: LocalSide): boolean {
  if (sharedSubnets === undefined || isLinkLocal(nextHop)) return false;
  if (familyOf(nextHop) !== familyOf(address)) return false;
  return !isOnSharedSubnet(sharedSubnets, nextHop);
}

/** What an import policy makes of a route: the path that the decision process gets, or why it gets none. */
export type Imported = { readonly path: Path } | { readonly rejected: string };

/**
 * Applies a peer's import policy. What it says of a path is worked out once for each statement, so
 * that routes which shared a path go on sharing one.
 */
export class Importer {
  readonly #policy: Policy | "accept" | "reject";
  readonly #pool: AttributePool;
  readonly #changed = new Map<PolicyStatement, PathMemo<Imported>>();

  constructor(policy: readonly PolicyStatement[] | "accept" | "reject", pool: AttributePool) {
    this.#policy = typeof policy === "string" ? policy : new Policy(policy);
    this.#pool = pool;
  }

  /** Whether it says the same of every prefix. */
  get isBlindToPrefix(): boolean {
    return typeof this.#policy === "string" || this.#policy.isBlindToPrefix;
  }

  /** The path as the decision process gets it, or why it does not. */
  admit(prefix: Prefix | undefined, path: Path): Imported {
    if (path.ineligible !== undefined) return { rejected: path.ineligible };
    const policy = this.#policy;
    if (policy === "accept") return { path };
    if (policy === "reject") return rejectsAll;
    const statement = policy.match(prefix, path);
    if (statement === undefined) return policy.statements.length === 0 ? noPolicy : noStatement;
    const { name, action, set } = statement;
    if (action === "reject") return { rejected: `import statement ${name} rejects it` };
    if (set === undefined) return { path };
    let changed = this.#changed.get(statement);
    if (changed === undefined) this.#changed.set(statement, (changed = new PathMemo()));
    return changed.get(path) ?? changed.set(path, { path: changedPath(path, set, this.#pool) });
  }
}

const rejectsAll: Imported = { rejected: "the import policy rejects it" };
const noPolicy: Imported = { rejected: "there is no import policy (RFC 8212)" };
const noStatement: Imported = { rejected: "no import statement matches" };

function changedPath(path: Path, change: PolicySet, pool: AttributePool): Path {
  const { attributes: of, nextHop } = path.set;
  const { communities: _, largeCommunities: __, extendedCommunities: ___, ...rest } = of;
  const first = neighborAsn(of.asPath);
  const asPath =
    change.asPathPrepend !== undefined && first !== undefined
      ? prependAsn(of.asPath, first, change.asPathPrepend)
      : of.asPath;
  const { localPref = of.localPref, med = of.med } = change;
  const attributes = {
    ...rest,
    asPath,
    ...(localPref !== undefined && { localPref }),
    ...(med !== undefined && { med }),
    ...communitiesUnder(of, change),
  };
  const via = change.nextHop === undefined || change.nextHop === "self" ? nextHop : change.nextHop;
  return { ...path, set: pool.internRecent(attributes, via) };
}
