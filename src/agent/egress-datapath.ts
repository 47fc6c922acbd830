import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { type EgressPlan, egressPlan, type EgressPod } from "../cilium/egress-plan.ts";
import { gatewaysOf } from "../cilium/egress-gateway.ts";
import type { CiliumNode } from "../cilium/schema/cilium-node.ts";
import type { CiliumEgressGatewayPolicy } from "../cilium/schema/egress-gateway-policy.ts";
import { isActive, isReady, type Pod } from "../kube/kinds.ts";
import { type Address, parseAddress } from "../net/address.ts";
import { Coalescer } from "./coalesce.ts";
import type { NodeEdges } from "./edges.ts";
import { EgressInterfaces } from "./egress-interfaces.ts";
import {
  egressRemoval,
  egressRoutes,
  egressRuleset,
  interfaceTables,
  tunnel,
} from "./egress-rules.ts";
import { InformerSet } from "./informers.ts";
import type { Log } from "./log.ts";

/**
 * What Cilium's datapath does for CiliumEgressGatewayPolicies, by nftables and a VXLAN tunnel: pods
 * that are selected leave the cluster by the gateway, with the egress IP as their source. With the
 * agent gone the kernel goes on doing it.
 */
export class EgressDatapath {
  readonly #node: string;
  readonly #edges: NodeEdges;
  readonly #log: Log;
  readonly #informers: InformerSet;
  readonly #apply: Coalescer;
  readonly #interfaces: EgressInterfaces;
  /** Addresses, links and default routes, as long as there are policies. */
  #watch: { close: () => void } | undefined;
  #applied = "";
  #refused = "";

  constructor(node: string, edges: NodeEdges, log: Log) {
    this.#node = node;
    this.#edges = edges;
    this.#log = log;
    this.#apply = new Coalescer(
      edges.clock,
      () => this.#applyOnce(),
      (error) => this.#log("warn", `egress gateway, trying again: ${error.message}`),
    );
    this.#informers = new InformerSet(edges, log, () => this.#apply.request());
    this.#interfaces = new EgressInterfaces(edges.clock, log);
  }

  async start(): Promise<void> {
    this.#informers.add("egressGatewayPolicies", { optional: true });
    await this.#informers.start();
  }

  stop(): void {
    this.#apply.stop();
    this.#informers.stop();
    this.#watch?.close();
    this.#interfaces.close();
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
    this.#tellRefused(plan.refused);
    const tables = Array.from(interfaceTables(plan), ([name, table]) => ({
      table,
      interfaceIndex: network.interfaces.find((each) => each.name === name)!.index,
    }));
    this.#interfaces.follow(tables);
    const gateways = policies
      .flatMap(({ spec }) => (spec ? gatewaysOf(spec, chosenBy) : []))
      .flatMap(({ node }) => (node === undefined || node === this.#node ? [] : [node]));
    const others = [...new Set(gateways)].sort();
    const ruleset = egressRuleset(plan, this.#node, others);
    const routes = egressRoutes(plan, self, addresses, others);
    const wanted = JSON.stringify([ruleset, routes]);
    if (wanted === this.#applied) return;
    // Routes first: what is marked must find them. They may be there already.
    await run(["ip", "-6", "-force", "-batch", "-"], routes.ipv6, true);
    await run(["ip", "-4", "-force", "-batch", "-"], routes.ipv4, true);
    await run(["bridge", "-force", "-batch", "-"], routes.bridge, true);
    await run(["nft", "-f", "-"], [ruleset]);
    this.#applied = wanted;
    this.#log("info", "egress gateway applied", {
      leaving: plan.leaving.length,
      translated: plan.translated.length,
    });
  }

  #tellRefused(refused: EgressPlan["refused"]): void {
    const told = JSON.stringify(refused);
    if (told === this.#refused) return;
    this.#refused = told;
    for (const { policy, reason } of refused)
      this.#log("error", `CiliumEgressGatewayPolicy ${policy} is left out: ${reason}`);
  }

  async #remove(): Promise<void> {
    this.#watch?.close();
    this.#watch = undefined;
    this.#interfaces.follow([]);
    // An earlier agent of the node may have left it.
    const hasTunnel = existsSync(`/sys/class/net/${tunnel}`);
    if (this.#applied === "" && !hasTunnel) return;
    await run(["nft", "-f", "-"], [egressRemoval.nft]);
    for (const family of ["-4", "-6"]) {
      await run(["ip", family, "-batch", "-"], egressRemoval.rules);
    }
    if (hasTunnel) await run(["ip", "-batch", "-"], egressRemoval.link);
    this.#applied = "";
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

/** IPv4 where the node has it: all nodes must come to the same family. */
function internalIp({ metadata, spec }: CiliumNode): [[string, Address]] | undefined {
  const all = (spec.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .flatMap(({ ip = "" }) => parseAddress(ip) ?? []);
  const address = all.find((each) => !each.includes(":")) ?? all[0];
  return address === undefined ? undefined : [[metadata.name, address]];
}

/** `mayExist`: of a batch that makes what may be there, only other failures count. */
async function run(argv: string[], lines: readonly string[], mayExist = false): Promise<void> {
  const [file, ...args] = argv as [string, ...string[]];
  const child = spawn(file, args, { stdio: ["pipe", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {}); // Its own message says why it ended early.
  child.stdin.end(lines.map((line) => `${line}\n`).join(""));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  if (status === 0) return;
  const told = stderr
    .split("\n")
    .filter((line) => line !== "" && !/File exists|^Command failed/.test(line));
  if (mayExist && told.length === 0) return;
  throw new Error(`${file}: ${told.join("; ") || `status ${status}`}`);
}
