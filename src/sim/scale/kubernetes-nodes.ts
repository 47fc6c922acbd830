import type { SpeakerConfig } from "../../bgp/speaker/config.ts";
import { CompileMemory } from "../../cilium/compile-memory.ts";
import { compileNode } from "../../cilium/compile.ts";
import { reconcileOperator } from "../../cilium/operator.ts";
import type { CiliumBGPAdvertisement } from "../../cilium/schema/advertisement.ts";
import type { CiliumNode } from "../../cilium/schema/cilium-node.ts";
import type { CiliumBGPClusterConfig } from "../../cilium/schema/cluster-config.ts";
import type { CiliumBGPNodeConfig } from "../../cilium/schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "../../cilium/schema/peer-config.ts";
import type { Service } from "../../cilium/service/service.ts";
import { ServiceTable } from "../../cilium/service/service-table.ts";
import type { KubeObject } from "../../kube/object.ts";
import type { NetworkState } from "../../net/network-state.ts";
import {
  gatewayAddress,
  nodeAddress,
  nodeName,
  podCidr,
  rackPrefixLength,
  serviceAddress,
} from "../../topology/leaf-spine/address-plan.ts";
import type { LeafSpine } from "../../topology/leaf-spine/parameters.ts";

/** What the user has written for the cluster: Cilium's resources, each of its kind. */
export type ClusterResources = {
  clusterConfigs: CiliumBGPClusterConfig[];
  peerConfigs: CiliumBGPPeerConfig[];
  advertisements: CiliumBGPAdvertisement[];
};

export function clusterResources(objects: readonly KubeObject[]): ClusterResources {
  // An API server gives each its uid.
  const stored = objects.map((each, i) => ({
    ...each,
    metadata: { ...each.metadata, uid: `${each.kind}-${i}` },
  }));
  const of = <T>(kind: string) => stored.filter((each) => each.kind === kind) as unknown as T[];
  return {
    clusterConfigs: of<CiliumBGPClusterConfig>("CiliumBGPClusterConfig"),
    peerConfigs: of<CiliumBGPPeerConfig>("CiliumBGPPeerConfig"),
    advertisements: of<CiliumBGPAdvertisement>("CiliumBGPAdvertisement"),
  };
}

/** The cluster's nodes and what Cilium's operator and agents make of them: the real ones, asked once for each node. */
export class KubernetesNodes {
  readonly #fabric: LeafSpine;
  readonly #resources: ClusterResources;
  readonly #nodeConfigs: readonly CiliumBGPNodeConfig[];
  readonly #nodes: readonly CiliumNode[];
  /** The same for all nodes: no Service of the fabric has endpoints of its own. */
  readonly #services: ServiceTable;

  constructor(fabric: LeafSpine, services: number, resources: ClusterResources) {
    this.#fabric = fabric;
    this.#resources = resources;
    const nodes = Array.from({ length: fabric.racks * fabric.nodesPerRack }, (_, node) =>
      ciliumNode(fabric, node),
    );
    this.#nodes = nodes;
    const { actions, errors } = reconcileOperator({
      ...resources,
      nodeConfigOverrides: [],
      nodes,
      nodeConfigs: [],
      secretNames: undefined,
      statusReport: false,
      now: "2030-01-01T00:00:00Z",
    });
    if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
    const byName = new Map(
      actions.flatMap((action) =>
        action.action === "createNodeConfig"
          ? [[action.nodeConfig.metadata.name, action.nodeConfig]]
          : [],
      ),
    );
    this.#nodeConfigs = nodes.map(({ metadata }) => byName.get(metadata.name)!);
    this.#services = new ServiceTable({ node: "", noEndpointsRoutable: true });
    for (let i = 0; i < services; i++) this.#services.putService(service(i));
  }

  /** What the node's agent makes of the resources; undefined: no resource selects it. */
  speakerConfig(node: number): SpeakerConfig | undefined {
    const nodeConfig = this.#nodeConfigs[node];
    if (nodeConfig === undefined) return undefined;
    const { instances, errors } = compileNode(
      {
        nodeConfig,
        node: this.#nodes[node]!,
        network: networkOf(this.#fabric, node),
        peerConfigs: this.#resources.peerConfigs,
        advertisements: this.#resources.advertisements,
        services: this.#services,
        podIpPools: [],
        egressIps: [],
        ipam: "kubernetes",
        secrets: new Map(),
        hostname: nodeName(node),
      },
      new CompileMemory(),
    );
    if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
    return instances[0]?.config;
  }
}

function ciliumNode(fabric: LeafSpine, node: number): CiliumNode {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNode",
    metadata: { name: nodeName(node) },
    spec: {
      addresses: [{ type: "InternalIP", ip: nodeAddress(fabric, node) }],
      ipam: { podCIDRs: [podCidr(node)] },
    },
  };
}

/** As its kernel would tell it: one link, one address, one default route. */
function networkOf(fabric: LeafSpine, node: number): NetworkState {
  const rack = Math.floor(node / fabric.nodesPerRack);
  return {
    interfaces: [
      {
        ...{ index: 2, name: "net0", isUp: true, hasCarrier: true, operState: "up" },
        addresses: [
          {
            address: nodeAddress(fabric, node),
            prefixLength: rackPrefixLength(fabric),
            isTentative: false,
          },
        ],
      },
    ],
    defaultRoutes: [
      {
        family: "ipv4",
        metric: 0,
        nextHops: [{ gateway: gatewayAddress(fabric, rack), interfaceIndex: 2 }],
      },
    ],
  };
}

/** As LB-IPAM leaves it: the first addresses of the pool, in the order of the Services. */
export function service(index: number): Service {
  return {
    metadata: { name: `service${index}`, namespace: "default" },
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Cluster", ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: serviceAddress(index) }] } },
  };
}
