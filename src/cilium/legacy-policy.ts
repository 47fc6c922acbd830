import { parseAddress } from "../net/address.ts";
import type { AddressRange } from "../net/address-range.ts";
import { parsePrefix, prefixBase } from "../net/prefix.ts";
import { LabelSelectorError, matchesLabels } from "./labels.ts";
import type { NodeInput } from "./node-input.ts";
import type { Advertisement, CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { LabelSelector } from "./schema/label-selector.ts";
import type { NodeInstance, NodePeer } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";
import type {
  CiliumBGPPeeringPolicy,
  LegacyNeighbor,
  LegacyPathAttributes,
  VirtualRouter,
} from "./schema/peering-policy.ts";
import type { SelectedEntry } from "./selected-advertisements.ts";

/** What a legacy policy is in the resources that came after it. */
export type LegacyResources = Required<
  Pick<NodeInput, "nodeConfig" | "peerConfigs" | "advertisements" | "poolEntries">
>;

export type LegacyChoice =
  | { found: "none" }
  /** Nothing can be done before this is put right; meanwhile every session is taken down. */
  | { found: "error"; message: string }
  | { found: "policy"; resources: LegacyResources };

/** A CiliumLoadBalancerIPPool, as far as path attributes are chosen by it. */
export type PoolRanges = {
  name: string;
  labels: Readonly<Record<string, string>>;
  ranges: readonly AddressRange[];
};

/**
 * The CiliumBGPPeeringPolicy of the node, put into CiliumBGPNodeConfig, CiliumBGPPeerConfigs and
 * CiliumBGPAdvertisements, so that one compile step knows both. One policy may select a node; it
 * comes before a CiliumBGPNodeConfig.
 */
export function legacyPolicy(
  policies: readonly CiliumBGPPeeringPolicy[],
  node: CiliumNode,
  pools: readonly PoolRanges[],
): LegacyChoice {
  try {
    const selecting = policies.filter(({ spec }) => {
      if (spec === undefined) return false;
      return (
        spec.nodeSelector === undefined || matchesLabels(spec.nodeSelector, node.metadata.labels)
      );
    });
    if (selecting.length > 1) {
      const message =
        "more then one CiliumBGPPeeringPolicy applies to this node, please ensure only a single Policy matches this node's labels";
      const names = selecting.map(({ metadata }) => metadata.name).sort();
      return { found: "error", message: `${message}: ${names.join(", ")}` };
    }
    const [policy] = selecting;
    if (policy === undefined) return { found: "none" };
    return { found: "policy", resources: resourcesOf(policy, node, pools) };
  } catch (error) {
    if (!(error instanceof LegacyError || error instanceof LabelSelectorError)) throw error;
    return { found: "error", message: error.message };
  }
}

class LegacyError extends Error {
  override readonly name = "LegacyError";
}

const peerLabel = "spinelab.io/legacy-peer";

function resourcesOf(
  { metadata, spec }: CiliumBGPPeeringPolicy,
  node: CiliumNode,
  pools: readonly PoolRanges[],
): LegacyResources {
  const peerConfigs: CiliumBGPPeerConfig[] = [];
  const advertisements: CiliumBGPAdvertisement[] = [];
  const poolEntries = new Map<string, SelectedEntry[]>();
  const bgpInstances = spec!.virtualRouters.map((router): NodeInstance => {
    const peers = router.neighbors.map((neighbor): NodePeer => {
      const address = prefixBase(parsePrefix(neighbor.peerAddress)!);
      const key = `${router.localASN}-${address.replaceAll(":", ".")}`;
      peerConfigs.push(peerConfigOf(key, neighbor));
      advertisements.push({
        apiVersion: "cilium.io/v2",
        kind: "CiliumBGPAdvertisement",
        metadata: {
          name: key,
          labels: { [peerLabel]: key },
          ...(metadata.annotations && { annotations: metadata.annotations }),
        },
        spec: { advertisements: entriesOf(router, neighbor) },
      });
      poolEntries.set(key, poolEntriesOf(key, router, neighbor, pools));
      return {
        name: address,
        peerAddress: address,
        peerASN: neighbor.peerASN,
        peerConfigRef: { name: key },
      };
    });
    return {
      name: String(router.localASN),
      localASN: router.localASN,
      ...annotated(node, router.localASN),
      peers,
    };
  });
  const nodeConfig = {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPNodeConfig",
    metadata: { name: node.metadata.name },
    spec: { bgpInstances },
  } as const;
  return { nodeConfig, peerConfigs, advertisements, poolEntries };
}

function peerConfigOf(name: string, neighbor: LegacyNeighbor): CiliumBGPPeerConfig {
  const { authSecretRef, gracefulRestart, families = [] } = neighbor;
  const selected = { advertisements: { matchLabels: { [peerLabel]: name } } };
  const both = [
    { afi: "ipv6", safi: "unicast" },
    { afi: "ipv4", safi: "unicast" },
  ] as const;
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPPeerConfig",
    metadata: { name },
    spec: {
      ebgpMultihop: neighbor.eBGPMultihopTTL,
      timers: {
        connectRetryTimeSeconds: neighbor.connectRetryTimeSeconds,
        holdTimeSeconds: neighbor.holdTimeSeconds,
        keepAliveTimeSeconds: neighbor.keepAliveTimeSeconds,
      },
      transport: { peerPort: neighbor.peerPort },
      ...(authSecretRef !== undefined && { authSecretRef }),
      ...(gracefulRestart !== undefined && { gracefulRestart }),
      families: (families.length > 0 ? families : both).map((family) => ({
        ...family,
        ...selected,
      })),
    },
  };
}

function attributesOf(neighbor: LegacyNeighbor): LegacyPathAttributes[] {
  return [...(neighbor.advertisedPathAttributes ?? []), ...(neighbor.pathAttributes ?? [])];
}

/** Each kind of route plainly, and again with the attributes that are for it: overlapping ones add up. */
function entriesOf(router: VirtualRouter, neighbor: LegacyNeighbor): Advertisement[] {
  const { exportPodCIDR, podIPPoolSelector, serviceSelector, serviceAdvertisements } = router;
  const entries: Advertisement[] = [];
  const attributes = attributesOf(neighbor);
  const of = (type: LegacyPathAttributes["selectorType"]) =>
    attributes.filter(({ selectorType }) => selectorType === type);
  if (exportPodCIDR) {
    const last = of("PodCIDR").at(-1);
    entries.push({
      advertisementType: "PodCIDR",
      ...(last && { attributes: routeAttributes(last) }),
    });
  }
  if (podIPPoolSelector !== undefined) {
    const type = "CiliumPodIPPool";
    entries.push({ advertisementType: type, selector: podIPPoolSelector });
    for (const each of of(type)) {
      const selector = conjunction(podIPPoolSelector, each.selector ?? {});
      entries.push({ advertisementType: type, selector, attributes: routeAttributes(each) });
    }
  }
  if (serviceSelector !== undefined) {
    entries.push({
      advertisementType: "Service",
      service: { addresses: serviceAdvertisements },
      selector: serviceSelector,
    });
  }
  return entries;
}

/** LoadBalancer addresses of pools that have attributes of their own. */
function poolEntriesOf(
  resource: string,
  { serviceSelector, serviceAdvertisements }: VirtualRouter,
  neighbor: LegacyNeighbor,
  pools: readonly PoolRanges[],
): SelectedEntry[] {
  if (serviceSelector === undefined || !serviceAdvertisements.includes("LoadBalancerIP")) return [];
  return attributesOf(neighbor)
    .filter(({ selectorType }) => selectorType === "CiliumLoadBalancerIPPool")
    .flatMap((each) =>
      pools
        .filter(({ labels }) => matchesLabels(each.selector ?? {}, labels))
        .map(({ name, ranges }) => ({
          resource,
          entry: {
            advertisementType: "Service" as const,
            service: { addresses: ["LoadBalancerIP" as const] },
            selector: serviceSelector,
            attributes: routeAttributes(each),
          },
          within: { name, ranges },
        })),
    );
}

function routeAttributes({ communities, localPreference }: LegacyPathAttributes) {
  return {
    ...(communities !== undefined && { communities }),
    ...(localPreference !== undefined && { localPreference }),
  };
}

/** Selects what both select. */
function conjunction(a: LabelSelector, b: LabelSelector): LabelSelector {
  const expressions = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector) => [
    ...Object.entries(matchLabels).map(([key, value]) => ({
      key,
      operator: "In" as const,
      values: [value],
    })),
    ...matchExpressions,
  ];
  return { matchExpressions: [...expressions(a), ...expressions(b)] };
}

/** Annotation `cilium.io/bgp-virtual-router.ASN` of the node: `router-id=10.0.0.1,local-port=1790`. */
function annotated(
  { metadata }: CiliumNode,
  asn: number,
): Pick<NodeInstance, "routerID" | "localPort"> {
  const name = `cilium.io/bgp-virtual-router.${asn}`;
  const text = metadata.annotations?.[name];
  const found: Pick<NodeInstance, "routerID" | "localPort"> = {};
  for (const part of (text ?? "").split(",").filter((each) => each.trim() !== "")) {
    const [key, value = ""] = part.split("=", 2).map((each) => each.trim());
    if (key === "router-id" && parseAddress(value) !== undefined && !value.includes(":")) {
      found.routerID = value;
    } else if (key === "local-port" && /^\d{1,5}$/.test(value) && Number(value) <= 65535) {
      found.localPort = Number(value);
    } else {
      throw new LegacyError(
        `annotation ${name}: ${JSON.stringify(part)} is neither router-id=IPV4 nor local-port=PORT`,
      );
    }
  }
  return found;
}
