import { type Prefix, prefixFamily } from "../net/prefix.ts";

/** Undefined, and empty lists: any. */
export type RouteFilter = {
  afi?: "ipv4" | "ipv6";
  peers: readonly string[];
  vrouters: readonly string[];
};

export function isSelected(
  route: { prefix: Prefix; localAsn: number; peerAddress?: string },
  { afi, peers, vrouters }: RouteFilter,
): boolean {
  return (
    (afi === undefined || prefixFamily(route.prefix) === afi) &&
    (peers.length === 0 || peers.includes(route.peerAddress ?? "")) &&
    (vrouters.length === 0 || vrouters.includes(String(route.localAsn)))
  );
}

/**
 * The words after `routes KIND`: `ipv4 unicast`, `vrouter ASN`, `peer ADDRESS`, in Cilium's order. Text says what is
 * wrong with them.
 */
export function routeFilter(words: readonly string[]): RouteFilter | string {
  const rest = [...words];
  let afi: RouteFilter["afi"];
  const peers: string[] = [];
  const vrouters: string[] = [];
  const [first, safi] = rest;
  if (first === "ipv4" || first === "ipv6") {
    afi = first;
    rest.shift();
    if (safi === "unicast") rest.shift();
    else if (safi !== undefined && !["peer", "neighbor", "vrouter"].includes(safi)) {
      return `unknown SAFI ${safi}`;
    }
  }
  while (rest.length > 0) {
    const word = rest.shift()!;
    const value =
      word === "peer" || word === "neighbor" || word === "vrouter" ? rest.shift() : word;
    if (value === undefined) return `${word} what?`;
    if (word === "vrouter") vrouters.push(value);
    else if (/^[0-9a-fA-F.:]+$/.test(value)) peers.push(value);
    else return `unknown word ${value}`;
  }
  return { ...(afi !== undefined && { afi }), peers, vrouters };
}
