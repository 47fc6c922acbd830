import type { z } from "zod";
import { type Converted, type Resource, resource, written } from "./converted.ts";
import type { peeringPolicy } from "./schema/peering-policy.ts";

/** A policy as it was written: what was left out stays out. */
export type WrittenPolicy = z.input<typeof peeringPolicy>;
type WrittenRouter = NonNullable<WrittenPolicy["spec"]>["virtualRouters"][number];
type WrittenNeighbor = WrittenRouter["neighbors"][number];

const label = "bgp.spinelab.io/advertise";
const attributesOf = {
  PodCIDR: "PodCIDR",
  CiliumLoadBalancerIPPool: "Service",
  CiliumPodIPPool: "CiliumPodIPPool",
} as const;

/**
 * The CiliumBGPPeeringPolicy (v2alpha1, the way of earlier Cilium) in resources of cilium.io/v2: one
 * CiliumBGPClusterConfig, and for each neighbor a CiliumBGPPeerConfig and a CiliumBGPAdvertisement,
 * since a policy said for each neighbor what it is told, and with which attributes.
 */
export function modernResources({ metadata, spec }: WrittenPolicy): Converted {
  const { name } = metadata;
  if (spec === undefined) {
    return { resources: [], notes: [`${name} has no spec: there is nothing to convert`] };
  }
  const notes: string[] = [];
  const parts: Resource[] = [];
  const bgpInstances = spec.virtualRouters.map((router) => ({
    name: `instance-${router.localASN}`,
    localASN: router.localASN,
    peers: router.neighbors.map((neighbor) => {
      const address = neighbor.peerAddress.replace(/\/\d+$/, "");
      const peer = `${router.localASN}-${address.replaceAll(/[.:]+/g, "-")}`;
      const part = `${name}-${peer}`;
      parts.push(peerConfig(part, neighbor), advertisement(part, router, neighbor, notes));
      return {
        name: `peer-${peer}`,
        peerASN: neighbor.peerASN,
        peerAddress: address,
        peerConfigRef: { name: part },
      };
    }),
  }));
  notes.push(
    `${name}: a router ID or port that an annotation cilium.io/bgp-virtual-router.ASN of a node sets goes into a CiliumBGPNodeConfigOverride`,
  );
  const cluster = {
    ...(spec.nodeSelector !== undefined && { nodeSelector: spec.nodeSelector }),
    bgpInstances,
  };
  return { resources: [resource("CiliumBGPClusterConfig", { name }, cluster), ...parts], notes };
}

function peerConfig(name: string, neighbor: WrittenNeighbor): Resource {
  const { peerPort, authSecretRef, eBGPMultihopTTL, gracefulRestart } = neighbor;
  const { connectRetryTimeSeconds, holdTimeSeconds, keepAliveTimeSeconds } = neighbor;
  const timers = written({ connectRetryTimeSeconds, holdTimeSeconds, keepAliveTimeSeconds });
  // What a policy meant that named none.
  const families = neighbor.families ?? [
    { afi: "ipv4", safi: "unicast" },
    { afi: "ipv6", safi: "unicast" },
  ];
  return resource(
    "CiliumBGPPeerConfig",
    { name },
    {
      ...(peerPort !== undefined && { transport: { peerPort } }),
      ...(Object.keys(timers).length > 0 && { timers }),
      ...written({ authSecretRef, ebgpMultihop: eBGPMultihopTTL, gracefulRestart }),
      families: families.map(({ afi, safi }) => ({
        afi,
        safi,
        advertisements: { matchLabels: { [label]: name } },
      })),
    },
  );
}

function advertisement(
  name: string,
  router: WrittenRouter,
  neighbor: WrittenNeighbor,
  notes: string[],
): Resource {
  const { exportPodCIDR, serviceSelector, podIPPoolSelector } = router;
  const { serviceAdvertisements: addresses = ["LoadBalancerIP"] } = router;
  const all: Advertised[] = [
    ...(exportPodCIDR === true ? [{ advertisementType: "PodCIDR" }] : []),
    ...(serviceSelector === undefined
      ? []
      : [{ advertisementType: "Service", service: { addresses }, selector: serviceSelector }]),
    ...(podIPPoolSelector === undefined
      ? []
      : [{ advertisementType: "CiliumPodIPPool", selector: podIPPoolSelector }]),
  ];
  if (all.length === 0) notes.push(`${name}: nothing is announced to this neighbor`);
  return resource(
    "CiliumBGPAdvertisement",
    { name, labels: { [label]: name } },
    { advertisements: all.map((one) => withAttributes(name, one, neighbor, notes)) },
  );
}

type Advertised = { advertisementType: string } & Record<string, unknown>;

function withAttributes(
  name: string,
  one: Advertised,
  neighbor: WrittenNeighbor,
  notes: string[],
): Advertised {
  const given = (neighbor.advertisedPathAttributes ?? neighbor.pathAttributes ?? []).filter(
    ({ selectorType }) => attributesOf[selectorType] === one.advertisementType,
  );
  const [first, ...more] = given;
  if (first === undefined) return one;
  if (first.selector !== undefined && first.selectorType !== "PodCIDR") {
    notes.push(
      `${name}: the attributes were for ${first.selectorType} that a selector chose; now they are for every ${one.advertisementType} of this advertisement`,
    );
  }
  if (more.length > 0) {
    notes.push(
      `${name}: only the first of ${given.length} sets of ${first.selectorType} attributes`,
    );
  }
  const { communities, localPreference } = first;
  return { ...one, attributes: written({ communities, localPreference }) };
}
