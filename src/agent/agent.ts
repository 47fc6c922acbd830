import type { BmpStation } from "../bgp/speaker/config.ts";
import { CompileMemory } from "../cilium/compile-memory.ts";
import { compileNode, type CompileResult } from "../cilium/compile.ts";
import { jsonEqual } from "../cilium/json-equal.ts";
import type { CiliumNode } from "../cilium/schema/cilium-node.ts";
import type { CiliumBGPNodeConfig } from "../cilium/schema/node-config.ts";
import { nodeConfigStatus, type PeerState } from "../cilium/status.ts";
import { timestamp } from "../kube/clock.ts";
import { ciliumNodeOf } from "./cilium-node.ts";
import { Coalescer } from "./coalesce.ts";
import type { AgentClock, NodeEdges, RunningSpeaker } from "./edges.ts";
import { resources } from "./informers.ts";
import { Histogram } from "./histogram.ts";
import { instanceConfig } from "./instance-config.ts";
import type { Log } from "./log.ts";
import { type NodeOptions, NodeResources } from "./node-resources.ts";
import { ToldOnce } from "./told-once.ts";

export type AgentOptions = NodeOptions & {
  edges: NodeEdges;
  softwareVersion: string;
  log: Log;
  /** Routes learned are used, and put into the kernel's; Cilium's agent does neither. */
  installRoutes: boolean;
  /** `enable-bgp-control-plane-status-report`: if false, what was reported is taken away. */
  statusReport: boolean;
  /** Each instance calls all of them. */
  bmpStations: BmpStation[];
};

/** The first change is reported soon, and after it no more often than Cilium does. */
const statusDelayMs = 100;
const statusIntervalMs = 5000;
const statusJitterMs = 500;
const stopLimitMs = 1000;
/**
 * One change is carried out at once. Of thousands that come one by one many are carried out at a time, the
 * more the longer a run takes: it looks at all there is.
 */
const reconcileIntervalMs = { least: 10, perRun: 4, most: 100 } as const;
/** One change is often two events: a Service comes, and a moment later it is given its address. */
const reconcilesAtOnce = 2;

/** What reconciliations have come to, since the process began, by instance name. */
export type ReconcileCounts = {
  errors: ReadonlyMap<string, number>;
  /** All instances of a node are reconciled in one run, whose time is each one's. */
  durations: ReadonlyMap<string, Histogram>;
};

/**
 * What Cilium's agent does for BGP on one node: it announces the node as a CiliumNode, follows the
 * CiliumBGPNodeConfig that the operator makes for it (or a legacy CiliumBGPPeeringPolicy), runs a
 * speaker for each of its instances and reports their state. With the API server gone, sessions and
 * routes stay as they are.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #resources: NodeResources;
  readonly #reconcile: Coalescer;
  readonly #announce: Coalescer;
  readonly #status: Coalescer;
  readonly #network: { close: () => void };
  readonly #memory = new CompileMemory();
  readonly #speakers = new Map<string, RunningSpeaker>();
  readonly #started = new Set<string>();
  readonly #counts = {
    errors: new Map<string, number>(),
    durations: new Map<string, Histogram>(),
  };
  /** What the status is about: the resource with what auto-discovery found; undefined with a legacy policy. */
  #reported: CiliumBGPNodeConfig | undefined;
  #errors: CompileResult["errors"] = [];
  readonly #warnings = new ToldOnce();
  readonly #selectionError = new ToldOnce();
  #stopping = false;
  #lastRunMs = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { edges, log } = options;
    const { clock, random } = edges;
    const again = (what: string) => (error: Error) =>
      log("warn", `${what}, trying again: ${error.message}`);
    this.#reconcile = new Coalescer(
      clock,
      () => this.#reconcileOnce(),
      again("reconciliation failed"),
      {
        intervalMs: () => {
          const { least, perRun, most } = reconcileIntervalMs;
          return Math.min(Math.max(least, perRun * this.#lastRunMs), most);
        },
        runsAtOnce: reconcilesAtOnce,
      },
    );
    this.#announce = new Coalescer(
      clock,
      () => this.#announceNode(),
      again("CiliumNode not written"),
    );
    this.#status = new Coalescer(clock, () => this.#reportStatus(), again("status not reported"), {
      delayMs: statusDelayMs,
      intervalMs: () => statusIntervalMs + statusJitterMs * (2 * random() - 1),
    });
    this.#resources = new NodeResources(options, edges, log, () => {
      this.#announce.request();
      this.#reconcile.request();
    });
    this.#network = edges.watchNetwork(() => {
      if (this.ready) this.#reconcile.request();
    });
  }

  async start(): Promise<void> {
    await this.#resources.start();
    this.#options.log("info", "agent is running", { node: this.#options.node });
  }

  /** Ends all sessions: without a word to peers that restart gracefully, with a Cease to the others. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const each of [this.#reconcile, this.#announce, this.#status]) each.stop();
    this.#network.close();
    await Promise.all(
      [...this.#speakers.values()].map((host) => host.stop("graceful", stopLimitMs)),
    );
    this.#resources.stop();
  }

  /** Whether it knows its configuration. */
  get ready(): boolean {
    return this.#resources.synced;
  }

  /** Speakers by instance name. */
  get speakers(): ReadonlyMap<string, RunningSpeaker> {
    return this.#speakers;
  }

  /** The speakers' time. */
  nowMs(): number {
    return this.#options.edges.clock.monotonicMs();
  }

  get counts(): ReconcileCounts {
    return this.#counts;
  }

  async #reconcileOnce(): Promise<void> {
    const { clock } = this.#options.edges;
    const startedMs = clock.monotonicMs();
    const ciliumNode = this.#ciliumNode();
    const desired = ciliumNode && this.#desired(ciliumNode);
    if (desired === undefined) {
      await this.#removeAllBut(new Set());
    } else {
      for (const warning of this.#warnings.new(desired.warnings))
        this.#options.log("warn", warning);
      for (const { instance, message } of desired.errors) {
        this.#options.log("error", message, { instance });
        this.#counts.errors.set(instance, (this.#counts.errors.get(instance) ?? 0) + 1);
      }
      this.#errors = desired.errors;
      for (const [index, { name, config: compiled }] of desired.instances.entries()) {
        const config = instanceConfig(compiled, index, this.#options);
        const running = this.#speakers.get(name);
        if (running) running.configure(config);
        else this.#addInstance(name, config);
      }
      // What has an error and does not compile keeps running as it did.
      const { instances, errors } = desired;
      await this.#removeAllBut(
        new Set([...instances.map(({ name }) => name), ...errors.map((e) => e.instance)]),
      );
    }
    this.#lastRunMs = clock.monotonicMs() - startedMs;
    this.#countRun(this.#lastRunMs / 1000);
    this.#status.request();
  }

  #countRun(seconds: number): void {
    const { durations } = this.#counts;
    for (const name of this.#speakers.keys()) {
      let histogram = durations.get(name);
      if (!histogram) durations.set(name, (histogram = new Histogram()));
      histogram.observe(seconds);
    }
  }

  /**
   * The node's CiliumNode, undefined as long as there is none. As the Node has it now: the one stored may be of
   * before this agent's start, and what selected the node then may not select it any more.
   */
  #ciliumNode(): CiliumNode | undefined {
    const { node, ciliumNode: stored } = this.#resources;
    if (stored === undefined || node === undefined) return stored as CiliumNode | undefined;
    const wanted = ciliumNodeOf(node, stored);
    return (jsonEqual(stored, wanted) ? stored : wanted) as CiliumNode;
  }

  /** What the speakers should be; undefined: there should be none. */
  #desired(node: CiliumNode): CompileResult | undefined {
    this.#reported = undefined;
    const network = this.#options.edges.network();
    const legacy = this.#resources.legacy(node);
    if (legacy.found === "error") {
      if (this.#selectionError.new([legacy.message]).length > 0)
        this.#options.log("error", "Policy selection failed", { error: legacy.message });
      return undefined;
    }
    this.#selectionError.new([]);
    if (legacy.found === "policy") {
      const { nodeConfig, ...others } = legacy.resources;
      const input = this.#resources.input(nodeConfig, node, network);
      return compileNode({ ...input, ...others }, this.#memory);
    }
    const { nodeConfig } = this.#resources;
    if (nodeConfig === undefined) return undefined;
    const result = compileNode(this.#resources.input(nodeConfig, node, network), this.#memory);
    const peers = new Map(result.instances.map((one) => [one.name, one.peers]));
    const bgpInstances = nodeConfig.spec.bgpInstances.map((instance) => ({
      ...instance,
      peers: peers.get(instance.name) ?? instance.peers ?? [],
    }));
    this.#reported = { ...nodeConfig, spec: { bgpInstances } };
    return result;
  }

  #addInstance(name: string, config: RunningSpeaker["speaker"]["config"]): void {
    const host = this.#options.edges.newSpeaker(config, {
      // The first OPEN after a start says so, else a peer would not know that routes are kept.
      restarting: !this.#started.has(name),
      softwareVersion: this.#options.softwareVersion,
      log: (level, message, peer) => this.#options.log(level, message, { instance: name, peer }),
      onChanged: () => this.#status.request(),
    });
    this.#started.add(name);
    this.#speakers.set(name, host);
    this.#options.log("info", "registering BGP instance", { instance: name, asn: config.localAsn });
    host.start();
  }

  async #removeAllBut(kept: ReadonlySet<string>): Promise<void> {
    for (const [name, host] of this.#speakers) {
      if (kept.has(name)) continue;
      this.#options.log("info", "removing BGP instance", { instance: name });
      this.#speakers.delete(name);
      await host.stop("cease", stopLimitMs);
    }
  }

  /** Makes the node's CiliumNode, or brings it in line with the Node. */
  async #announceNode(): Promise<void> {
    const { node, ciliumNode: existing } = this.#resources;
    if (node === undefined) return;
    const wanted = ciliumNodeOf(node, existing);
    if (existing === undefined) {
      this.#options.log("info", "creating CiliumNode", { node: node.metadata.name });
      await this.#options.edges.client.create(resources.ciliumNodes, wanted);
    } else if (!jsonEqual(existing, wanted)) {
      await this.#options.edges.client.update(resources.ciliumNodes, wanted);
    }
  }

  async #reportStatus(): Promise<void> {
    const { clock } = this.#options.edges;
    const { nodeConfig } = this.#resources;
    if (!nodeConfig || this.#stopping) return;
    const running = new Map<string, PeerState[]>();
    if (this.#reported !== undefined) {
      for (const [name, host] of this.#speakers) {
        running.set(name, peerStates(host, clock));
      }
    }
    const about = this.#reported ?? nodeConfig;
    const now = timestamp(clock.nowMs());
    const status = this.#options.statusReport
      ? nodeConfigStatus(
          { ...about, ...(nodeConfig.status && { status: nodeConfig.status }) },
          running,
          this.#errors,
          now,
        )
      : {};
    if (jsonEqual(status, nodeConfig.status ?? {})) return;
    await this.#options.edges.client.patch(
      resources.nodeConfigs,
      { name: nodeConfig.metadata.name },
      [{ op: "add", path: "/status", value: status }],
      { type: "json", subresource: "status" },
    );
  }
}

function peerStates({ speaker }: RunningSpeaker, clock: AgentClock): PeerState[] {
  return speaker.peers(clock.monotonicMs()).map(({ establishedAtMs, ...peer }) => ({
    ...peer,
    ...(establishedAtMs === undefined
      ? {}
      : // From the fixed beginning of the process's clock, so that it never wavers by a second.
        { establishedTime: timestamp(clock.unixAtZeroMs + establishedAtMs) }),
  }));
}
