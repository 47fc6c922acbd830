import { type Address, type Family, familyOf, parseAddress } from "../net/address.ts";
import type { NetworkState } from "../net/network-state.ts";
import { addressBits, parsePrefix, type Prefix, prefixFamily, prefixOf } from "../net/prefix.ts";
import { compareText } from "./compare-text.ts";
import {
  type ChosenGateway,
  type EgressNodes,
  gatewayError,
  gatewaysOf,
  policyError,
  type WayOut,
  wayOut,
} from "./egress-gateway.ts";
import { LabelSelectorError, type Labels, matchesLabels } from "./labels.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumEgressGatewayPolicy, EgressGateway } from "./schema/egress-gateway-policy.ts";

/** What of a pod decides whether a policy selects it. */
export type EgressPod = {
  namespace: string;
  name: string;
  /** Its own, and Cilium's `io.kubernetes.pod.namespace` and service account. */
  labels: Labels;
  namespaceLabels: Labels;
  node: string;
  addresses: readonly Address[];
};

/** Traffic from pods to destinations outside the cluster, of one address family. */
export type EgressFlow = {
  policy: string;
  family: Family;
  sources: Address[];
  destinations: Prefix[];
  excluded: Prefix[];
};

/** What one node has to do for the CiliumEgressGatewayPolicies. The first flow that fits counts. */
export type EgressPlan = {
  /** Of the node's own pods. `gateway`: the node that it leaves by; undefined: it is dropped. */
  leaving: (EgressFlow & { gateway: string | undefined })[];
  /** Of pods of all nodes that leave by this one. Without an egress IP it is dropped. */
  translated: (EgressFlow & WayOut)[];
  /** Pods of other nodes that leave by this one, whose answers go back to their node. */
  remotePods: { address: Address; node: string }[];
  /** Policies that cannot be used are left out, as Cilium leaves them out. */
  refused: { policy: string; reason: string }[];
  /** What the node is gateway of and drops, for it has not what the policy asks of it. */
  failed: { policy: string; gateway: EgressGateway; reason: string }[];
};

export type EgressInput = EgressNodes & {
  node: string;
  policies: readonly CiliumEgressGatewayPolicy[];
  pods: readonly EgressPod[];
  network: NetworkState;
};

type Selector = NonNullable<CiliumEgressGatewayPolicy["spec"]>["selectors"][number];

export function egressPlan(input: EgressInput): EgressPlan {
  const plan: EgressPlan = {
    ...{ leaving: [], translated: [], remotePods: [] },
    ...{ refused: [], failed: [] },
  };
  const remote = new Map<Address, string>();
  const inside = insideCluster(input.nodes);
  const nodeLabels = new Map(input.nodes.map((node) => [node.metadata.name, node.metadata.labels]));
  const sorted = [...input.policies].sort((a, b) => compareText(a.metadata.name, b.metadata.name));
  for (const { metadata, spec } of sorted) {
    if (!spec) continue;
    const selected = policyError(spec) ?? selectedPods(spec.selectors, input.pods, nodeLabels);
    if (typeof selected === "string") {
      plan.refused.push({ policy: metadata.name, reason: selected });
      continue;
    }
    const gateways = gatewaysOf(spec, input);
    plan.failed.push(...failures(metadata.name, spec.destinationCIDRs, gateways, input));
    // Pods are spread over the gateways there are.
    const usable = gateways.filter(({ node }) => node !== undefined);
    const assigned = Map.groupBy(selected, (pod) =>
      usable.length === 0
        ? undefined
        : usable[hash(`${pod.namespace}/${pod.name}`) % usable.length],
    );
    for (const [chosen, pods] of assigned) {
      const gateway = chosen?.node;
      for (const family of ["ipv4", "ipv6"] as const) {
        const destinations = prefixes(spec.destinationCIDRs, family);
        if (destinations.length === 0) continue;
        const excluded = [...prefixes(spec.excludedCIDRs ?? [], family), ...inside[family]];
        const flow = (of: readonly EgressPod[]): EgressFlow[] => {
          const sources = of.flatMap(({ addresses }) =>
            addresses.filter((each) => familyOf(each) === family),
          );
          const policy = metadata.name;
          return sources.length > 0 ? [{ policy, family, sources, destinations, excluded }] : [];
        };
        const own = pods.filter(({ node }) => node === input.node);
        for (const each of flow(own)) plan.leaving.push({ ...each, gateway });
        if (gateway !== input.node) continue;
        const way = wayOut(chosen!.gateway, family, input.network);
        for (const each of flow(pods)) plan.translated.push({ ...each, ...way });
        for (const pod of pods) {
          if (pod.node === input.node) continue;
          for (const each of pod.addresses) remote.set(each, pod.node);
        }
      }
    }
  }
  plan.remotePods = Array.from(remote, ([address, node]) => ({ address, node }));
  return plan;
}

function failures(
  policy: string,
  destinationCIDRs: readonly string[],
  gateways: readonly ChosenGateway[],
  { node, network }: EgressInput,
): EgressPlan["failed"] {
  const families = (["ipv4", "ipv6"] as const).filter(
    (family) => prefixes(destinationCIDRs, family).length > 0,
  );
  return gateways.flatMap(({ gateway, node: chosen }) => {
    const reason = chosen === node ? gatewayError(gateway, families, network) : undefined;
    return reason === undefined ? [] : [{ policy, gateway, reason }];
  });
}

function selectedPods(
  selectors: readonly Selector[],
  pods: readonly EgressPod[],
  nodeLabels: ReadonlyMap<string, Labels | undefined>,
): EgressPod[] | string {
  try {
    return pods.filter((pod) =>
      selectors.some(
        ({ podSelector = {}, namespaceSelector = {}, nodeSelector = {} }) =>
          matchesLabels(podSelector, pod.labels) &&
          matchesLabels(namespaceSelector, pod.namespaceLabels) &&
          matchesLabels(nodeSelector, nodeLabels.get(pod.node)),
      ),
    );
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    return error.message;
  }
}

/** Pods and nodes of the cluster are reached directly, whatever the destinations say. */
function insideCluster(nodes: readonly CiliumNode[]): Record<Family, Prefix[]> {
  const all = nodes.flatMap(({ spec }) => [
    ...(spec.ipam?.podCIDRs ?? []),
    ...(spec.ipam?.pools?.allocated ?? []).flatMap(({ cidrs = [] }) => cidrs),
    ...(spec.addresses ?? []).flatMap(({ ip = "" }) => {
      const address = parseAddress(ip);
      return address === undefined ? [] : [prefixOf(address, addressBits(familyOf(address)))];
    }),
  ]);
  return { ipv4: prefixes(all, "ipv4"), ipv6: prefixes(all, "ipv6") };
}

function prefixes(written: readonly string[], family: Family): Prefix[] {
  return written
    .flatMap((each) => parsePrefix(each) ?? [])
    .filter((each) => prefixFamily(each) === family);
}

/** FNV-1a: every node comes to the same gateway for a pod. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) {
    value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  }
  return value;
}
