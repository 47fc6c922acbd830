import type { CiliumNode } from "../cilium/schema/cilium-node.ts";
import type { CiliumEgressGatewayPolicy } from "../cilium/schema/egress-gateway-policy.ts";
import type { CiliumBGPAdvertisement } from "../cilium/schema/advertisement.ts";
import type { CiliumLoadBalancerIPPool } from "../cilium/schema/load-balancer-ip-pool.ts";
import type { CiliumBGPNodeConfig } from "../cilium/schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "../cilium/schema/peer-config.ts";
import type {
  CiliumBGPPeeringPolicy,
  CiliumBGPPeerPolicy,
} from "../cilium/schema/peering-policy.ts";
import type { CiliumPodIPPool } from "../cilium/schema/pod-ip-pool.ts";
import { egressIpsOf } from "../cilium/egress-gateway.ts";
import { type LegacyChoice, legacyPolicy } from "../cilium/legacy-policy.ts";
import { poolRanges } from "../cilium/lb-ipam/pool-ranges.ts";
import type { IpamMode, NodeInput } from "../cilium/node-input.ts";
import { peeringPolicyOf } from "../cilium/peer-policy.ts";
import type { EndpointSlice, Service } from "../cilium/service/service.ts";
import { ServiceTable } from "../cilium/service/service-table.ts";
import { isReady } from "../kube/kinds.ts";
import type { KubeObject } from "../kube/object.ts";
import type { NetworkState } from "../net/network-state.ts";
import type { Edges } from "./edges.ts";
import { InformerSet, secretsNamespace } from "./informers.ts";
import type { Log } from "./log.ts";

export type NodeOptions = {
  /** Name of the Kubernetes node. */
  node: string;
  ipam: IpamMode;
  noEndpointsRoutable: boolean;
};

/** What the agent of one node follows of the Kubernetes API, and how it becomes the input to compile. */
export class NodeResources {
  readonly #options: NodeOptions;
  readonly #edges: Edges;
  readonly #informers: InformerSet;
  readonly #services: ServiceTable;

  constructor(options: NodeOptions, edges: Edges, log: Log, onChange: () => void) {
    this.#options = options;
    this.#edges = edges;
    this.#services = new ServiceTable(options);
    this.#informers = new InformerSet(edges, log, onChange);
  }

  async start(): Promise<void> {
    const own = { fieldSelector: `metadata.name=${this.#options.node}` };
    const informers = this.#informers;
    const services = this.#services;
    informers.add("nodes", own);
    informers.add("ciliumNodes", own);
    informers.add("nodeConfigs", own);
    informers.add("peerConfigs");
    informers.add("advertisements");
    informers.add("secrets", { namespace: secretsNamespace });
    for (const name of [
      "podIpPools",
      "egressGatewayPolicies",
      "peeringPolicies",
      "peerPolicies",
      "loadBalancerIpPools",
    ] as const) {
      informers.add(name, { optional: true });
    }
    informers.add<Service>("services", {
      onObject: (change, service) =>
        change === "put" ? services.putService(service) : services.removeService(service),
    });
    informers.add<EndpointSlice>(
      (await hasEndpointSlicesV1(this.#edges)) ? "endpointSlices" : "endpointSlicesBeta",
      {
        onObject: (change, slice) =>
          change === "put" ? services.putSlice(slice) : services.removeSlice(slice),
      },
    );
    await informers.start();
  }

  stop(): void {
    this.#informers.stop();
  }

  get synced(): boolean {
    return this.#informers.synced;
  }

  get node(): KubeObject | undefined {
    return this.#informers.list("nodes")[0];
  }

  get ciliumNode(): KubeObject | undefined {
    return this.#informers.list("ciliumNodes")[0];
  }

  get nodeConfig(): CiliumBGPNodeConfig | undefined {
    return this.#informers.list<CiliumBGPNodeConfig>("nodeConfigs")[0];
  }

  /** The legacy policy of the node, which comes before its CiliumBGPNodeConfig. */
  legacy(ciliumNode: CiliumNode): LegacyChoice {
    const policies = [
      ...this.#informers.list<CiliumBGPPeeringPolicy>("peeringPolicies"),
      ...this.#informers.list<CiliumBGPPeerPolicy>("peerPolicies").map(peeringPolicyOf),
    ];
    if (policies.length === 0) return { found: "none" };
    const pools = this.#informers.list<CiliumLoadBalancerIPPool>("loadBalancerIpPools");
    return legacyPolicy(
      policies,
      ciliumNode,
      pools.map((pool) => ({
        name: pool.metadata.name,
        labels: pool.metadata.labels ?? {},
        ranges: poolRanges(pool).ranges.map(({ range }) => range),
      })),
    );
  }

  input(nodeConfig: CiliumBGPNodeConfig, node: CiliumNode, network: NetworkState): NodeInput {
    const informers = this.#informers;
    return {
      nodeConfig,
      node,
      network,
      peerConfigs: informers.list<CiliumBGPPeerConfig>("peerConfigs"),
      advertisements: informers.list<CiliumBGPAdvertisement>("advertisements"),
      services: this.#services,
      podIpPools: informers.list<CiliumPodIPPool>("podIpPools"),
      egressIps: this.#egressIps(network),
      ipam: this.#options.ipam,
      secrets: new Map(
        informers.list("secrets").map((each) => [each.metadata.name, decodeSecret(each)]),
      ),
      hostname: this.#options.node,
    };
  }

  /** Where there is an egress gateway, every node must know which nodes there are. */
  #egressIps(network: NetworkState): NodeInput["egressIps"] {
    const informers = this.#informers;
    const policies = informers.list<CiliumEgressGatewayPolicy>("egressGatewayPolicies");
    if (policies.length === 0) return [];
    if (!informers.has("allNodes")) {
      informers.add("nodes", {}, "allNodes");
      informers.add("ciliumNodes", {}, "allCiliumNodes");
    }
    const ready = new Set(
      informers
        .list("allNodes")
        .filter(isNodeReady)
        .map(({ metadata }) => metadata.name),
    );
    return egressIpsOf(this.#options.node, policies, network, {
      nodes: informers.list<CiliumNode>("allCiliumNodes"),
      isReady: (name) => ready.has(name),
    });
  }
}

const isNodeReady = (node: KubeObject) => isReady(node as Parameters<typeof isReady>[0]);

/** discovery.k8s.io/v1 is of Kubernetes 1.21. Waits for an API server that is not there yet. */
async function hasEndpointSlicesV1({ client, clock }: Edges): Promise<boolean> {
  for (;;) {
    try {
      const { major, minor } = await client.version();
      return major > 1 || minor >= 21;
    } catch {
      // The informers, which wait as well, tell of it.
      await new Promise<void>((resolve) => void clock.setTimer(500, resolve));
    }
  }
}

function decodeSecret(secret: KubeObject): Record<string, string> {
  const data = (secret["data"] ?? {}) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}
