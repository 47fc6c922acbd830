import { type Address, familyOf } from "../net/address.ts";
import type { SimNode } from "./network.ts";

/** The route's own, else of the interface that it leads out of, else any: `lo` before others (inet_select_addr). */
export function sourceAddress(node: SimNode, to: Address): Address | undefined {
  const route = node.fib.lookup(to);
  if (route?.source !== undefined) return route.source;
  const hop = route?.nextHops[0];
  if (hop === undefined) return node.ownerOf(to) && to;
  const family = familyOf(to);
  const of = (name: string) =>
    node.interfaces
      .get(name)
      ?.addresses.find((one) => familyOf(one.address) === family && !one.address.startsWith("127."))
      ?.address;
  if (of(hop.interface) !== undefined) return of(hop.interface);
  for (const name of ["lo", ...node.interfaces.keys()]) {
    const found = of(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
