import { networkInterfaces } from "node:os";
import { jsonEqual } from "../cilium/json-equal.ts";
import { compileNode } from "../cilium/compile.ts";
import type { CiliumBGPAdvertisement } from "../cilium/schema/advertisement.ts";
import type { CiliumNode } from "../cilium/schema/cilium-node.ts";
import type { CiliumBGPNodeConfig } from "../cilium/schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "../cilium/schema/peer-config.ts";
import { nodeConfigStatus, type PeerState } from "../cilium/status.ts";
import type { KubeClient } from "../kube/client/kube-client.ts";
import { timestamp } from "../kube/clock.ts";
import type { KubeObject } from "../kube/object.ts";
import { ciliumNodeOf } from "./cilium-node.ts";
import { Coalescer } from "./coalesce.ts";
import { InformerSet, resources, secretsNamespace } from "./informers.ts";
import { installing } from "./install-routes.ts";
import { KernelView } from "./kernel-view.ts";
import type { Log } from "./log.ts";
import { SpeakerHost } from "./speaker-host.ts";

export type AgentOptions = {
  /** Name of the Kubernetes node that this agent is for. */
  node: string;
  client: KubeClient;
  softwareVersion: string;
  log: Log;
  /** Routes learned are used, and put into the kernel's; Cilium's agent does neither. */
  installRoutes: boolean;
};

const statusDelayMs = 100;
const stopLimitMs = 1000;

/**
 * What Cilium's agent does for BGP on one node: it announces the node as a CiliumNode, follows the
 * CiliumBGPNodeConfig that the operator makes for it, runs a speaker for each of its instances and
 * reports their state. With the API server gone, sessions and routes stay as they are.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #informers: InformerSet;
  readonly #reconcile: Coalescer;
  readonly #status: Coalescer;
  readonly #speakers = new Map<string, SpeakerHost>();
  readonly #started = new Set<string>();
  readonly #kernel = new KernelView();
  #errors: { instance: string; message: string }[] = [];
  #warned = new Set<string>();
  #stopping = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { log } = options;
    this.#reconcile = new Coalescer(
      () => this.#reconcileOnce(),
      (error) => log("warn", `reconciliation failed, trying again: ${error.message}`),
    );
    this.#status = new Coalescer(
      () => this.#reportStatus(),
      (error) => log("warn", `status not reported, trying again: ${error.message}`),
      statusDelayMs,
    );
    this.#informers = new InformerSet(options.client, log, () => this.#reconcile.request());
  }

  async start(): Promise<void> {
    const own = { fieldSelector: `metadata.name=${this.#options.node}` };
    this.#informers.add("nodes", own);
    this.#informers.add("ciliumNodes", own);
    this.#informers.add("nodeConfigs", own);
    this.#informers.add("peerConfigs");
    this.#informers.add("advertisements");
    this.#informers.add("secrets", { namespace: secretsNamespace });
    await this.#informers.start();
    this.#options.log("info", "agent is running", { node: this.#options.node });
  }

  /** Ends all sessions: without a word to peers that restart gracefully, with a Cease to the others. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#reconcile.stop();
    this.#status.stop();
    await Promise.all(
      [...this.#speakers.values()].map((host) => host.stop("graceful", stopLimitMs)),
    );
    this.#informers.stop();
  }

  /** Whether it knows its configuration. */
  get ready(): boolean {
    return this.#informers.synced;
  }

  /** Speakers by instance name. */
  get speakers(): ReadonlyMap<string, SpeakerHost> {
    return this.#speakers;
  }

  async #reconcileOnce(): Promise<void> {
    const [node] = this.#informers.list("nodes");
    if (node) await this.#announceNode(node);

    const [nodeConfig] = this.#informers.list<CiliumBGPNodeConfig>("nodeConfigs");
    const [ciliumNode] = this.#informers.list<CiliumNode>("ciliumNodes");
    if (!nodeConfig || !ciliumNode) {
      for (const name of this.#speakers.keys()) await this.#removeInstance(name);
      return;
    }
    const mac = networkInterfaces()["cilium_host"]?.[0]?.mac;
    const { instances, errors, warnings } = compileNode({
      nodeConfig,
      node: ciliumNode,
      peerConfigs: this.#informers.list<CiliumBGPPeerConfig>("peerConfigs"),
      advertisements: this.#informers.list<CiliumBGPAdvertisement>("advertisements"),
      secrets: new Map(
        this.#informers.list("secrets").map((each) => [each.metadata.name, decodeSecret(each)]),
      ),
      hostname: this.#options.node,
      ...(mac === undefined ? {} : { mac }),
    });
    for (const warning of warnings) {
      if (!this.#warned.has(warning)) this.#options.log("warn", warning);
    }
    this.#warned = new Set(warnings);
    for (const { instance, message } of errors) this.#options.log("error", message, { instance });
    this.#errors = errors;

    for (const [index, { name, config: compiled }] of instances.entries()) {
      const config = this.#options.installRoutes ? installing(compiled, index) : compiled;
      const running = this.#speakers.get(name);
      if (running) running.configure(config);
      else this.#addInstance(name, config);
    }
    // What has an error and does not compile keeps running as it did.
    const kept = new Set([...instances.map((each) => each.name), ...errors.map((e) => e.instance)]);
    for (const name of this.#speakers.keys()) {
      if (!kept.has(name)) await this.#removeInstance(name);
    }
    this.#status.request();
  }

  #addInstance(name: string, config: SpeakerHost["speaker"]["config"]): void {
    const host = new SpeakerHost(config, {
      // The first OPEN after a start says so, else a peer would not know that routes are kept.
      restarting: !this.#started.has(name),
      softwareVersion: this.#options.softwareVersion,
      log: (level, message, peer) => this.#options.log(level, message, { instance: name, peer }),
      onChanged: () => this.#status.request(),
      kernel: this.#kernel,
    });
    this.#started.add(name);
    this.#speakers.set(name, host);
    this.#options.log("info", "registering BGP instance", { instance: name, asn: config.localAsn });
    host.start();
  }

  async #removeInstance(name: string): Promise<void> {
    this.#options.log("info", "removing BGP instance", { instance: name });
    const host = this.#speakers.get(name)!;
    this.#speakers.delete(name);
    await host.stop("cease", stopLimitMs);
  }

  /** Makes the node's CiliumNode, or brings it in line with the Node. */
  async #announceNode(node: KubeObject): Promise<void> {
    const [existing] = this.#informers.list("ciliumNodes");
    const wanted = ciliumNodeOf(node, existing);
    if (existing === undefined) {
      this.#options.log("info", "creating CiliumNode", { node: node.metadata.name });
      await this.#client.create(resources.ciliumNodes, wanted);
    } else if (!jsonEqual(existing, wanted)) {
      await this.#client.update(resources.ciliumNodes, wanted);
    }
  }

  async #reportStatus(): Promise<void> {
    const [nodeConfig] = this.#informers.list<CiliumBGPNodeConfig>("nodeConfigs");
    if (!nodeConfig || this.#stopping) return;
    const nowMs = performance.now();
    const running = new Map<string, PeerState[]>();
    for (const [name, { speaker }] of this.#speakers) {
      running.set(
        name,
        speaker.peers(nowMs).map(({ establishedAtMs, ...peer }) => ({
          ...peer,
          ...(establishedAtMs === undefined
            ? {}
            : // From the fixed beginning of the process's clock, so that it never wavers by a second.
              { establishedTime: timestamp(performance.timeOrigin + establishedAtMs) }),
        })),
      );
    }
    const status = nodeConfigStatus(nodeConfig, running, this.#errors, timestamp(Date.now()));
    if (jsonEqual(status, nodeConfig.status)) return;
    await this.#client.patch(
      resources.nodeConfigs,
      { name: nodeConfig.metadata.name },
      [{ op: "add", path: "/status", value: status }],
      { type: "json", subresource: "status" },
    );
  }

  get #client(): KubeClient {
    return this.#options.client;
  }
}

function decodeSecret(secret: KubeObject): Record<string, string> {
  const data = (secret["data"] ?? {}) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}
