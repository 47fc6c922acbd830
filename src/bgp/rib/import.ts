import type { Address } from "../../net/address.ts";
import { asPathContains } from "./as-path.ts";
import type { AttributeSet } from "./path.ts";

/** This side of a session, as far as import needs to know it. */
export type LocalSide = {
  readonly asn: number;
  readonly routerId: Address;
  /** Our address of the session. */
  readonly address: Address;
};

/**
 * Why the decision process must leave a received path out, or undefined. It stays in adj-rib-in.
 * There is no table of next hops to resolve in: every next hop but our own address counts as
 * reachable (RFC 4271 §9.1.2 leaves open how that is known).
 */
export function whyIneligible(of: AttributeSet, local: LocalSide): string | undefined {
  const { asPath, originatorId, clusterList } = of.attributes;
  if (asPathContains(asPath, local.asn)) {
    return `AS ${local.asn} is already in its AS path (RFC 4271 §9.1.2)`;
  }
  if (of.nextHop === local.address) {
    return `its next hop ${local.address} is this speaker (RFC 4271 §5.1.3)`;
  }
  if (originatorId === local.routerId) {
    return `its ORIGINATOR_ID ${local.routerId} is this speaker (RFC 4456 §8)`;
  }
  if (clusterList?.includes(local.routerId)) {
    return `its CLUSTER_LIST holds this speaker, ${local.routerId} (RFC 4456 §8)`;
  }
  return undefined;
}
