import type { BgpConfig, FrrFamily, Neighbor } from "./config.ts";

/** What `frr defaults` sets (FRR bgpd/bgp_vty.c). */
export const profiles = {
  traditional: {
    timers: { keepaliveSeconds: 60, holdSeconds: 180 },
    ebgpRequiresPolicy: true,
  },
  datacenter: {
    timers: { keepaliveSeconds: 3, holdSeconds: 9 },
    ebgpRequiresPolicy: false,
  },
} as const;

/** With what it has of its peer group. */
export function effectiveNeighbor(bgp: BgpConfig, neighbor: Neighbor): Neighbor {
  const group = neighbor.group && bgp.peerGroups.get(neighbor.group);
  if (!group) return neighbor;
  return {
    ...group,
    ...neighbor,
    families: {
      ipv4: { ...group.families.ipv4, ...neighbor.families.ipv4 },
      ipv6: { ...group.families.ipv6, ...neighbor.families.ipv6 },
    },
  };
}

/** Whether the family is activated. `of`: with its group. */
export function hasFamily(bgp: BgpConfig, of: Neighbor, family: FrrFamily): boolean {
  return of.families[family].activate ?? (family === "ipv4" && bgp.defaultIpv4Unicast);
}

/** `remote-as internal`, or our own AS number. */
export function isInternalNeighbor(
  { asn }: BgpConfig,
  { remoteAs }: Pick<Neighbor, "remoteAs">,
): boolean {
  return remoteAs === "internal" || remoteAs === asn;
}

/** RFC 8212, where that is not switched off. `of`: with its group. */
export function needsPolicy(bgp: BgpConfig, of: Neighbor): boolean {
  return (
    !isInternalNeighbor(bgp, of) &&
    (bgp.ebgpRequiresPolicy ?? profiles[bgp.profile].ebgpRequiresPolicy)
  );
}
