import { addressBits, prefixOf } from "../net/prefix.ts";
import { familyOf, parseAddress } from "../net/address.ts";
import { peerDefaults } from "./peer-defaults.ts";
import type {
  CiliumBGPPeeringPolicy,
  CiliumBGPPeerPolicy,
  LegacyNeighbor,
  VirtualRouter,
} from "./schema/peering-policy.ts";
import { egressIpsAnnotation } from "./selected-advertisements.ts";

/**
 * A CiliumBGPPeerPolicy, which guides write and Cilium never had, as the CiliumBGPPeeringPolicy that it
 * means: Services by their load-balancer and external IPs, egress IPs, no pod CIDR.
 */
export function peeringPolicyOf({ metadata, spec }: CiliumBGPPeerPolicy): CiliumBGPPeeringPolicy {
  const routers = new Map<number, VirtualRouter>();
  for (const { peerAddress, peerASN, localASN, authSecret } of spec.peers) {
    const address = parseAddress(peerAddress.trim())!;
    const families = (spec.families ?? []).flatMap((each) => [
      ...(each.ipv4unicast ? [{ afi: "ipv4", safi: "unicast" } as const] : []),
      ...(each.ipv6unicast ? [{ afi: "ipv6", safi: "unicast" } as const] : []),
    ]);
    const neighbor: LegacyNeighbor = {
      peerAddress: prefixOf(address, addressBits(familyOf(address))),
      peerASN,
      peerPort: peerDefaults.peerPort,
      eBGPMultihopTTL: peerDefaults.ebgpMultihop,
      connectRetryTimeSeconds: peerDefaults.connectRetryTimeSeconds,
      holdTimeSeconds: peerDefaults.holdTimeSeconds,
      keepAliveTimeSeconds: peerDefaults.keepAliveTimeSeconds,
      families,
      ...(authSecret !== undefined && { authSecretRef: authSecret.name }),
    };
    const router = routers.get(localASN) ?? {
      localASN,
      exportPodCIDR: false,
      neighbors: [],
      serviceSelector: {},
      serviceAdvertisements: ["LoadBalancerIP", "ExternalIP"],
    };
    routers.set(localASN, { ...router, neighbors: [...router.neighbors, neighbor] });
  }
  return {
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumBGPPeeringPolicy",
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [egressIpsAnnotation]: "true" },
    },
    spec: {
      ...(spec.nodeSelector !== undefined && { nodeSelector: spec.nodeSelector }),
      virtualRouters: [...routers.values()],
    },
  };
}
