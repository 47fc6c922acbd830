import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import { addressNumber, type AddressRange, rangeOfPrefix } from "../../net/address-range.ts";
import { addressBits, parsePrefix, prefixFamily, prefixLength } from "../../net/prefix.ts";
import type { CiliumLoadBalancerIPPool, IpPoolBlock } from "../schema/load-balancer-ip-pool.ts";

export type PoolRange = {
  range: AddressRange;
  /** Never given out. */
  reserved: readonly Address[];
};

/** The blocks of a pool, in its order, and what is wrong with those that are left out. */
export function poolRanges({ spec }: CiliumLoadBalancerIPPool): {
  ranges: PoolRange[];
  problems: string[];
} {
  const ranges: PoolRange[] = [];
  const problems: string[] = [];
  for (const [index, block] of (spec.blocks ?? []).entries()) {
    const range = rangeOf(block);
    if (typeof range === "string") problems.push(`spec.blocks[${index}]: ${range}`);
    else
      ranges.push({ range, reserved: spec.allowFirstLastIPs === "No" ? ends(block, range) : [] });
  }
  return { ranges, problems };
}

function rangeOf({ cidr, start, stop }: IpPoolBlock): AddressRange | string {
  if (cidr !== undefined) {
    if (start !== undefined || stop !== undefined)
      return "has a cidr and a start or stop: give one";
    const prefix = parsePrefix(cidr);
    return prefix === undefined ? `${cidr} is no prefix` : rangeOfPrefix(prefix);
  }
  if (start === undefined) return "has neither a cidr nor a start";
  const first = parseAddress(start);
  if (first === undefined) return `start ${start} is no address`;
  const last = parseAddress(stop ?? start);
  if (last === undefined) return `stop ${stop} is no address`;
  if (familyOf(first) !== familyOf(last))
    return `start ${first} and stop ${last} are of two families`;
  if (addressNumber(last) < addressNumber(first)) return `stop ${last} is before start ${first}`;
  return { first, last };
}

/** Of a cidr that is more than one link's two ends, or one host. */
function ends({ cidr }: IpPoolBlock, { first, last }: AddressRange): Address[] {
  const prefix = cidr === undefined ? undefined : parsePrefix(cidr);
  if (prefix === undefined) return [];
  return addressBits(prefixFamily(prefix)) - prefixLength(prefix) < 2 ? [] : [first, last];
}
