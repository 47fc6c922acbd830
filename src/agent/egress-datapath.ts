import { type EgressPlan, egressPlan, type EgressPod } from "../cilium/egress-plan.ts";
import { gatewaysOf } from "../cilium/egress-gateway.ts";
import type { CiliumNode } from "../cilium/schema/cilium-node.ts";
import type { CiliumEgressGatewayPolicy } from "../cilium/schema/egress-gateway-policy.ts";
import { isActive, isReady, type Pod } from "../kube/kinds.ts";
import { type Address, parseAddress } from "../net/address.ts";
import type { NetworkState } from "../net/network-state.ts";
import { Coalescer } from "./coalesce.ts";
import type { EgressEdge, EgressOrder, NodeEdges } from "./edges.ts";
import { InformerSet } from "./informers.ts";
import type { Log } from "./log.ts";
import { ToldOnce } from "./told-once.ts";

/**
 * What Cilium's datapath does for CiliumEgressGatewayPolicies: pods that are selected leave the cluster
 * by the gateway, with the egress IP as their source. With the agent gone the node goes on doing it.
 */
export class EgressDatapath {
  readonly #node: string;
  readonly #edges: NodeEdges;
  readonly #log: Log;
  readonly #informers: InformerSet;
  readonly #apply: Coalescer;
  readonly #edge: EgressEdge;
  /** Addresses, links and default routes, as long as there are policies. */
  #watch: { close: () => void } | undefined;
  #applied = "";
  readonly #refusals = new ToldOnce();
  readonly #failures = new ToldOnce();
  readonly #errors = new ToldOnce();

  constructor(node: string, edges: NodeEdges, log: Log) {
    this.#node = node;
    this.#edges = edges;
    this.#log = log;
    this.#apply = new Coalescer(
      edges.clock,
      () => this.#applyOnce(),
      ({ message }) => {
        // It is tried again and again: a node without IPv6 will not get it.
        for (const each of this.#errors.new([message]))
          this.#log("warn", `egress gateway, trying again: ${each}`);
      },
    );
    this.#informers = new InformerSet(edges, log, () => this.#apply.request());
    this.#edge = edges.newEgress(log);
  }

  async start(): Promise<void> {
    this.#informers.add("egressGatewayPolicies", { optional: true });
    await this.#informers.start();
  }

  stop(): void {
    this.#apply.stop();
    this.#informers.stop();
    this.#watch?.close();
    this.#edge.close();
  }

  async #applyOnce(): Promise<void> {
    const informers = this.#informers;
    const policies = informers.list<CiliumEgressGatewayPolicy>("egressGatewayPolicies");
    if (policies.length === 0) {
      await this.#remove();
      return;
    }
    if (!informers.has("pods")) {
      // Each list that comes asks for another round.
      for (const name of ["pods", "namespaces", "nodes", "ciliumNodes"] as const)
        informers.add(name);
    }
    this.#watch ??= this.#edges.watchNetwork(() => this.#apply.request());
    const nodes = informers.list<CiliumNode>("ciliumNodes");
    const addresses = new Map(nodes.flatMap((node) => internalIp(node) ?? []));
    const self = addresses.get(this.#node);
    if (self === undefined) return; // Not announced yet, or not listed.
    const ready = new Set(
      informers
        .list<Pod>("nodes") // Of a Node's conditions as of a Pod's.
        .filter(isReady)
        .map(({ metadata }) => metadata.name),
    );
    const chosenBy = { nodes, isReady: (name: string) => ready.has(name) };
    const network = this.#edges.network();
    const plan = egressPlan({
      ...chosenBy,
      ...{ node: this.#node, policies, pods: this.#pods(), network },
    });
    this.#tell(plan);
    const gateways = policies
      .flatMap(({ spec }) => (spec ? gatewaysOf(spec, chosenBy) : []))
      .flatMap(({ node }) => (node === undefined || node === this.#node ? [] : [node]));
    const others = [...new Set(gateways)].sort();
    const order: EgressOrder = {
      ...{ plan, self, node: this.#node, gateways: others },
      addresses: Object.fromEntries(addresses),
      interfaceIndexes: interfaceIndexes(plan, network),
    };
    const wanted = JSON.stringify(order);
    if (wanted === this.#applied) return;
    await this.#edge.apply(order);
    this.#applied = wanted;
    this.#errors.new([]);
    this.#log("info", "egress gateway applied", {
      leaving: plan.leaving.length,
      translated: plan.translated.length,
    });
  }

  #tell({ refused, failed }: EgressPlan): void {
    for (const { policy, reason } of this.#refusals.new(refused))
      this.#log("error", `CiliumEgressGatewayPolicy ${policy} is left out: ${reason}`);
    // As Cilium has it.
    for (const { policy, gateway, reason } of this.#failures.new(failed)) {
      this.#log("error", "Failed to derive policy gateway configuration", {
        ciliumEgressGatewayPolicyName: policy,
        interface: gateway.interface,
        egressIP: gateway.egressIP,
        error: reason,
      });
    }
  }

  async #remove(): Promise<void> {
    this.#watch?.close();
    this.#watch = undefined;
    await this.#edge.remove();
    this.#applied = "";
    for (const told of [this.#refusals, this.#failures, this.#errors]) told.new([]);
  }

  #pods(): EgressPod[] {
    const namespaces = new Map(
      this.#informers.list("namespaces").map(({ metadata }) => [metadata.name, metadata.labels]),
    );
    return this.#informers.list<Pod>("pods").flatMap((pod): EgressPod[] => {
      const { namespace = "default", name, labels } = pod.metadata;
      const { nodeName, hostNetwork, serviceAccountName = "default" } = pod.spec;
      if (nodeName === undefined || hostNetwork === true || !isActive(pod)) return [];
      return [
        {
          ...{ namespace, name, node: nodeName },
          labels: {
            ...labels,
            "io.kubernetes.pod.namespace": namespace,
            "io.cilium.k8s.policy.serviceaccount": serviceAccountName,
          },
          namespaceLabels: namespaces.get(namespace) ?? {},
          addresses: (pod.status?.podIPs ?? []).flatMap((each) => parseAddress(each.ip) ?? []),
        },
      ];
    });
  }
}

function interfaceIndexes({ translated }: EgressPlan, { interfaces }: NetworkState) {
  const names = new Set(translated.flatMap(({ interfaceName }) => interfaceName ?? []));
  const used = interfaces.filter(({ name }) => names.has(name));
  return Object.fromEntries(used.map(({ name, index }) => [name, index]));
}

/** IPv4 where the node has it: all nodes must come to the same family. */
function internalIp({ metadata, spec }: CiliumNode): [[string, Address]] | undefined {
  const all = (spec.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .flatMap(({ ip = "" }) => parseAddress(ip) ?? []);
  const address = all.find((each) => !each.includes(":")) ?? all[0];
  return address === undefined ? undefined : [[metadata.name, address]];
}
