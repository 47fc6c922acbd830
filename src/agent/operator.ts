import type { Prefix } from "../net/prefix.ts";
import { type OperatorAction, reconcileOperator } from "../cilium/operator.ts";
import { allocatePodPools, type PodPoolAllocation } from "../cilium/pod-pool-allocation.ts";
import type { CiliumNode } from "../cilium/schema/cilium-node.ts";
import type { CiliumBGPClusterConfig } from "../cilium/schema/cluster-config.ts";
import type { CiliumBGPNodeConfigOverride } from "../cilium/schema/node-config-override.ts";
import type { CiliumBGPNodeConfig } from "../cilium/schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "../cilium/schema/peer-config.ts";
import type { CiliumPodIPPool } from "../cilium/schema/pod-ip-pool.ts";
import { KubeError } from "../kube/client/kube-error.ts";
import { timestamp } from "../kube/clock.ts";
import type { KubeObject } from "../kube/object.ts";
import { InformerSet, resources, secretsNamespace } from "./informers.ts";
import { Coalescer } from "./coalesce.ts";
import { Histogram } from "./histogram.ts";
import { LbIpamRunner } from "./lb-ipam-runner.ts";
import type { OperatorCounts } from "./metrics.ts";
import type { Edges } from "./edges.ts";
import type { Log } from "./log.ts";

export type OperatorOptions = {
  edges: Edges;
  log: Log;
  /** Router IDs are given out of this; undefined: the agents choose them. */
  routerIdPool: Prefix | undefined;
  /** `enable-bgp-control-plane-status-report`: if false, the conditions of BGP resources are taken away. */
  statusReport: boolean;
};

/**
 * Cilium's operator as far as BGP goes: it turns CiliumBGPClusterConfigs into one CiliumBGPNodeConfig
 * for each node selected, and runs LB-IPAM. All that it decides is in cilium/; here it meets the API.
 */
export class Operator {
  readonly #edges: Edges;
  readonly #log: Log;
  readonly #informers: InformerSet;
  readonly #reconcile: Coalescer;
  readonly #lbIpam: LbIpamRunner;
  readonly #options: OperatorOptions;
  /** By CiliumBGPClusterConfig: how often something of it could not be done. */
  readonly #errors = new Map<string, number>();
  readonly #durations = new Histogram();
  /** CIDRs of pools last written, with the version of the CiliumNode that they were written to. */
  readonly #given = new Map<
    string,
    { version: string | undefined } & Pick<PodPoolAllocation, "allocated">
  >();

  constructor(options: OperatorOptions) {
    const { edges } = options;
    this.#edges = edges;
    this.#log = options.log;
    this.#options = options;
    this.#lbIpam = new LbIpamRunner(edges, (level, message, fields) =>
      options.log(level, message, { ...fields, subsys: "lbipam" }),
    );
    this.#reconcile = new Coalescer(
      edges.clock,
      () => this.#reconcileTimed(),
      (error) => this.#log("warn", `reconciliation failed, trying again: ${error.message}`),
    );
    this.#informers = new InformerSet(edges, this.#log, () => this.#reconcile.request());
  }

  async start(): Promise<void> {
    this.#informers.add("clusterConfigs");
    this.#informers.add("peerConfigs");
    this.#informers.add("nodeConfigOverrides");
    this.#informers.add("nodeConfigs");
    this.#informers.add("ciliumNodes");
    this.#informers.add("podIpPools", { optional: true });
    this.#informers.add("secrets", { namespace: secretsNamespace });
    this.#lbIpam.addTo(this.#informers);
    await this.#informers.start();
    this.#lbIpam.start();
    this.#log("info", "operator is running");
  }

  /** Whether it knows the resources. */
  get ready(): boolean {
    return this.#informers.synced;
  }

  get counts(): OperatorCounts {
    return {
      ...{ errors: this.#errors, durations: this.#durations },
      ...{ lbIpam: this.#lbIpam.counts(), lbIpamDurations: this.#lbIpam.eventDurations },
    };
  }

  stop(): void {
    this.#reconcile.stop();
    this.#lbIpam.stop();
    this.#informers.stop();
  }

  async #reconcileTimed(): Promise<void> {
    const { clock } = this.#edges;
    const startedMs = clock.monotonicMs();
    try {
      await this.#reconcileOnce();
    } finally {
      this.#durations.observe((clock.monotonicMs() - startedMs) / 1000);
    }
  }

  async #reconcileOnce(): Promise<void> {
    await this.#allocatePodPools();
    const informers = this.#informers;
    const { statusReport, routerIdPool } = this.#options;
    const { actions, errors } = reconcileOperator({
      clusterConfigs: informers.list<CiliumBGPClusterConfig>("clusterConfigs"),
      peerConfigs: informers.list<CiliumBGPPeerConfig>("peerConfigs"),
      nodeConfigOverrides: informers.list<CiliumBGPNodeConfigOverride>("nodeConfigOverrides"),
      nodeConfigs: informers.list<CiliumBGPNodeConfig>("nodeConfigs"),
      nodes: informers.list<CiliumNode>("ciliumNodes"),
      secretNames: new Set(informers.list<KubeObject>("secrets").map((each) => each.metadata.name)),
      statusReport,
      ...(routerIdPool !== undefined && { routerIdPool }),
      now: timestamp(this.#edges.clock.nowMs()),
    });
    for (const { clusterConfig, message } of errors) {
      this.#errors.set(clusterConfig, (this.#errors.get(clusterConfig) ?? 0) + 1);
      this.#log("error", message, { config: clusterConfig });
    }
    for (const action of actions) await this.#do(action);
  }

  async #allocatePodPools(): Promise<void> {
    const nodes = this.#informers.list<CiliumNode>("ciliumNodes").map((node) => {
      const given = this.#given.get(node.metadata.name);
      if (given === undefined || given.version !== node.metadata.resourceVersion) return node;
      // Written, but not heard of yet: it must not be given to another node.
      const pools = { ...node.spec.ipam?.pools, allocated: given.allocated };
      return { ...node, spec: { ...node.spec, ipam: { ...node.spec.ipam, pools } } };
    });
    const pools = this.#informers.list<CiliumPodIPPool>("podIpPools");
    const { changes, errors } = allocatePodPools(nodes, pools);
    for (const error of errors) this.#log("error", error);
    for (const { node, allocated } of changes) {
      this.#log("info", "allocating CIDRs of CiliumPodIPPools", { node });
      const version = nodes.find(({ metadata }) => metadata.name === node)?.metadata
        .resourceVersion;
      // The node's agent writes there too: what it gave back meanwhile must not come again.
      const metadata = version === undefined ? {} : { metadata: { resourceVersion: version } };
      const patch = { ...metadata, spec: { ipam: { pools: { allocated } } } };
      try {
        await this.#edges.client.patch(resources.ciliumNodes, { name: node }, patch);
        this.#given.set(node, { version, allocated });
      } catch (error) {
        // What it is now is about to be heard, which is another round.
        if (!(error instanceof KubeError && error.statusCode === 409)) throw error;
      }
    }
  }

  async #do(action: OperatorAction): Promise<void> {
    switch (action.action) {
      case "createNodeConfig":
        this.#log("info", "creating CiliumBGPNodeConfig", {
          node: action.nodeConfig.metadata.name,
        });
        await this.#edges.client.create(resources.nodeConfigs, action.nodeConfig as KubeObject);
        break;
      case "updateNodeConfig":
        this.#log("info", "updating CiliumBGPNodeConfig", {
          node: action.nodeConfig.metadata.name,
        });
        await this.#edges.client.update(resources.nodeConfigs, action.nodeConfig as KubeObject);
        break;
      case "deleteNodeConfig":
        this.#log("info", "deleting CiliumBGPNodeConfig", { node: action.name });
        await this.#edges.client.delete(resources.nodeConfigs, { name: action.name });
        break;
      case "setConditions":
        await this.#edges.client.patch(
          action.kind === "CiliumBGPClusterConfig"
            ? resources.clusterConfigs
            : resources.peerConfigs,
          { name: action.name },
          { status: { conditions: action.conditions } },
          { subresource: "status" },
        );
        break;
    }
  }
}
