import type { PolicyStatement } from "../bgp/speaker/config.ts";
import type { Prefix } from "../net/prefix.ts";
import {
  parseLargeCommunity,
  parseStandardCommunity,
  wellKnownCommunities,
} from "./communities.ts";
import { compareText } from "./compare-text.ts";
import { InstanceError } from "./instance-error.ts";
import type { AdvertisementAttributes } from "./schema/advertisement.ts";

/**
 * Where a kind of advertisement stands in a peer's export policy, which Cilium names
 * `peer-<peer>-export`: statements are ordered by this number, then by name, and the first match wins.
 */
export const statementPriority = {
  interface: 20,
  podCidr: 30,
  /** The legacy policy's attributes for the addresses of one pool come before those of the Service. */
  serviceOfPool: 39,
  service: 40,
  serviceAggregate: 41,
  podIpPool: 50,
  egressGateway: 60,
} as const;

export type RankedStatement = { priority: number; statement: PolicyStatement };

export function compareRanked(a: RankedStatement, b: RankedStatement): number {
  return a.priority - b.priority || compareText(a.statement.name, b.statement.name);
}

export function inOrder(statements: readonly RankedStatement[]): PolicyStatement[] {
  return [...statements].sort(compareRanked).map(({ statement }) => statement);
}

/**
 * Accepts the prefixes with the advertisement's attributes. LOCAL_PREF is set for every peer, as
 * Cilium does: the speaker sends it to iBGP peers only. Throws InstanceError.
 */
export function acceptStatement(
  name: string,
  prefixes: readonly Prefix[],
  attributes: AdvertisementAttributes | undefined,
): PolicyStatement {
  const set = attributesSet(attributes);
  return {
    name,
    prefixes: [...prefixes].sort(compareText),
    action: "accept",
    ...(Object.keys(set).length > 0 && { set }),
  };
}

function attributesSet(
  attributes: AdvertisementAttributes | undefined,
): NonNullable<PolicyStatement["set"]> {
  const { standard = [], wellKnown = [], large = [] } = attributes?.communities ?? {};
  // Standard and well-known are one attribute on the wire: each value once, in the order written.
  const communities = new Set([
    ...standard.map((text) => parsed(parseStandardCommunity, text)),
    ...wellKnown.map((name) => wellKnownCommunities[name]),
  ]);
  const largeCommunities = [...new Set(large)].map((text) => parsed(parseLargeCommunity, text));
  return {
    ...(attributes?.localPreference !== undefined && {
      // The resource allows 64 bits, the wire 32: Cilium cuts the rest off.
      localPref: Number(BigInt.asUintN(32, BigInt(attributes.localPreference))),
    }),
    ...(communities.size > 0 && { communities: [...communities] }),
    ...(largeCommunities.length > 0 && { largeCommunities }),
  };
}

function parsed<Value>(parse: (text: string) => Value | undefined, text: string): Value {
  const value = parse(text);
  if (value === undefined) throw new InstanceError(`failed to parse BGP community ${text}`);
  return value;
}
