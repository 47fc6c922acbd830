import type { OwnRoute } from "../../bgp/speaker/config.ts";
import { type Address, familyOf } from "../../net/address.ts";
import { type Prefix, prefixFamily, prefixOf } from "../../net/prefix.ts";
import type { SimNode } from "../network.ts";
import type { BgpConfig, FrrConfig, FrrFamily, Redistributed } from "./config.ts";
import type { OwnCandidate, PolicyBuilder } from "./policies.ts";

/** `network` and `redistribute`, as far as the node has the routes, and as their route maps leave them. */
export function ownRoutes(
  { bgp, staticRoutes }: FrrConfig & { bgp: BgpConfig },
  node: SimNode,
  policies: PolicyBuilder,
): OwnRoute[] {
  const own = new Map<Prefix, OwnRoute>();
  const take = (
    candidate: OwnCandidate,
    origin: OwnRoute["origin"],
    routeMap: string | undefined,
  ) => {
    const { prefix, nextHop } = candidate;
    const route = { prefix, origin, med: 0, ...(nextHop !== undefined && { nextHop }) };
    const mapped = routeMap === undefined ? route : policies.own(routeMap, candidate, route);
    if (mapped !== undefined) own.set(mapped.prefix, mapped);
  };
  const candidates: Record<Redistributed, (family: FrrFamily) => OwnCandidate[]> = {
    connected: (family) => connected(node, family),
    static: () => staticRoutes.map(({ prefix, via }) => viaOf(prefix, via)),
    kernel: () => kernel(node),
  };
  for (const family of ["ipv4", "ipv6"] as const) {
    const of = bgp.families[family];
    for (const { from, routeMap } of of.redistribute) {
      for (const candidate of candidates[from](family)) {
        if (prefixFamily(candidate.prefix) === family) take(candidate, "incomplete", routeMap);
      }
    }
    for (const { prefix, routeMap } of of.networks) {
      const isThere =
        node.fib.at(prefix).length > 0 ||
        connected(node, family).some((each) => each.prefix === prefix);
      // What was redistributed as well is this.
      if (bgp.networkImportCheck && !isThere) continue;
      own.delete(prefix);
      take({ prefix }, "igp", routeMap);
    }
  }
  return [...own.values()];
}

/** Subnets of interfaces that are up; loopback's own 127.0.0.0/8 is none. */
function connected(node: SimNode, family: FrrFamily): OwnCandidate[] {
  return [...node.interfaces.values()]
    .filter((each) => each.hasCarrier)
    .flatMap(({ name, addresses }) =>
      addresses
        .filter((one) => familyOf(one.address) === family && !one.address.startsWith("127."))
        .map((one) => ({ prefix: prefixOf(one.address, one.prefixLength), interface: name })),
    );
}

/** What `ip route` has put there. */
function kernel(node: SimNode): OwnCandidate[] {
  return node.fib
    .routes()
    .filter(({ protocol }) => protocol === "boot" || protocol === "static")
    .map(({ prefix, nextHops }) => viaOf(prefix, nextHops[0]?.address ?? "blackhole"));
}

function viaOf(prefix: Prefix, via: Address | "blackhole"): OwnCandidate {
  return via === "blackhole" ? { prefix } : { prefix, nextHop: via };
}
