import type { Address } from "../../net/address.ts";
import { type Prefix, prefixContains } from "../../net/prefix.ts";

/** The question that was answered last: it is asked of every UPDATE, and mostly all from one peer have one next hop. */
let lastSubnets: readonly Prefix[] | undefined;
let lastNextHop: Address | undefined;
let lastAnswer = false;

/** Whether the next hop is on a subnet that we share with a peer. The list is never changed. */
export function isOnSharedSubnet(subnets: readonly Prefix[], nextHop: Address): boolean {
  if (subnets !== lastSubnets || nextHop !== lastNextHop) {
    lastSubnets = subnets;
    lastNextHop = nextHop;
    lastAnswer = subnets.some((subnet) => prefixContains(subnet, nextHop));
  }
  return lastAnswer;
}
