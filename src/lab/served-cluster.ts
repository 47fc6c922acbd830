import type { KubeObject } from "../kube/object.ts";
import type { PodSandboxes } from "../kube/pod-sandbox.ts";
import { type PodRunner, startPodRunner } from "../kube/pods/pod-runner.ts";
import { builtInResources } from "../kube/server/built-in-resources.ts";
import { ciliumResources } from "../kube/server/cilium-resources.ts";
import { KubeApi, type KubeApiOptions } from "../kube/server/kube-api.ts";
import type { ForwardingPlan } from "../kube/services/forwarding.ts";
import type { KubePort } from "../scenario/context.ts";
import type { Cluster } from "../topology/fabric.ts";
import type { BuildOptions, LabCluster } from "./backend.ts";
import {
  applyManifest,
  errorRecorder,
  registerNode,
  startAgents,
  type StartedAgents,
} from "./cluster-objects.ts";
import type { ControlPlane } from "./control-plane.ts";
import { DeployError } from "./exec-lines.ts";
import { ServiceForwarding } from "./service-forwarding.ts";
import { StillMissing } from "./until-nothing.ts";
import { workloadsNotReady } from "./workloads.ts";

const podsLimitMs = 60_000;

export type ServedClusterOptions = {
  build: BuildOptions & { cluster: Cluster };
  api: KubeApi;
  controlPlane: ControlPlane;
  /** The API as scenarios use it while it is up. */
  port: KubePort;
  agents: StartedAgents;
  sandboxes: PodSandboxes;
  /** Makes a node forward to services so, in place of what it did before. */
  forward: (node: string, plan: ForwardingPlan) => Promise<void>;
  /** A node has just got its power: what its agent needs before it starts. */
  prepareNode: (node: string) => Promise<void>;
  /** Resolves once nothing is missing; rejects with StillMissing, or with the signal's reason. */
  untilNothing: (
    missing: () => readonly string[],
    limit: { limitMs: number; signal: AbortSignal },
  ) => Promise<void>;
  /** After pods and services are not looked after any more. */
  onClose: () => Promise<void>;
};

/** A Kubernetes cluster whose API server, controllers, kubelets and kube-proxies are in this process. */
export class ServedCluster implements LabCluster {
  readonly agents: StartedAgents;
  readonly port: KubePort;
  readonly #options: ServedClusterOptions;
  #pods: PodRunner | undefined;
  #services: ServiceForwarding | undefined;

  constructor(options: ServedClusterOptions) {
    this.#options = options;
    this.agents = options.agents;
    this.port = options.controlPlane.orDown(options.port);
  }

  async deploy(
    manifests: readonly { object: KubeObject; source: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    const { build, api, controlPlane, sandboxes, forward, prepareNode } = this.#options;
    const { cluster, fabric } = build;
    const up = cluster.nodes.filter((node) => !controlPlane.isStopped(node));
    for (const name of up) registerNode(api, fabric, name);
    const applied = Promise.withResolvers<void>();
    const agents = startAgents(this.agents, up, prepareNode, applied.promise);
    const onError = errorRecorder(build.record);
    controlPlane.start();
    this.#services = new ServiceForwarding({ api, nodes: cluster.nodes, onError, forward });
    this.#pods = startPodRunner({ api, sandboxes, onError });
    for (const { object, source } of manifests) {
      await applyManifest((each) => this.port.apply(each), object, source);
    }
    applied.resolve();
    await agents;
    await this.#podsRunning(signal);
    await this.#services.settled();
  }

  nodeStopping(node: string): void {
    this.agents.nodeStopping(node);
    this.#services?.nodeStopped(node);
    this.#pods?.nodeStopped(node);
    this.#options.controlPlane.nodeStopping(node);
  }

  async nodeStarted(node: string): Promise<void> {
    const { build, api, controlPlane, prepareNode } = this.#options;
    await controlPlane.nodeStarting(node);
    await prepareNode(node);
    if (api.find("nodes", { name: node }) === undefined) registerNode(api, build.fabric, node);
    this.#services?.nodeStarted(node);
    this.#pods?.nodeStarted(node);
    controlPlane.heard(node);
    await this.agents.nodeStarted(node);
  }

  nodePaused(node: string): void {
    this.#options.controlPlane.nodePaused(node);
  }

  nodeUnpaused(node: string): void {
    this.#options.controlPlane.heard(node);
    this.#pods?.nodeUnpaused(node);
  }

  summary(): string {
    const { api } = this.#options;
    return `${api.list("nodes").length} nodes, ${api.list("pods").length} pods`;
  }

  async close(): Promise<void> {
    this.#options.controlPlane.stop();
    await this.#pods?.stop();
    await this.#services?.stop();
    await this.#options.onClose();
  }

  async #podsRunning(signal: AbortSignal): Promise<void> {
    const { api, untilNothing } = this.#options;
    const missing = () => workloadsNotReady(api);
    try {
      await untilNothing(missing, { limitMs: podsLimitMs, signal });
    } catch (error) {
      if (!(error instanceof StillMissing)) throw error;
      throw new DeployError(`not running ${error.message}`, { cause: error });
    }
  }
}

/** An API server's rules and objects, of all kinds that labs use. */
export function clusterApi(options: Omit<KubeApiOptions, "resources">): KubeApi {
  return new KubeApi({ ...options, resources: [...builtInResources, ...ciliumResources] });
}
