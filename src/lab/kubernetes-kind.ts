import type { KubeClient } from "../kube/client/kube-client.ts";
import type { KubeObject } from "../kube/object.ts";
import type { PodName } from "../kube/pod-sandbox.ts";
import type { KindCluster } from "../runtime/docker/kind.ts";
import type { Progress, Runtime } from "../runtime/port.ts";
import type { KubePort } from "../scenario/context.ts";
import type { Cluster, Fabric } from "../topology/fabric.ts";
import { Agents, type AgentsOptions } from "./agents.ts";
import { applyManifest, type ClusterAgents, startAgents } from "./cluster-objects.ts";
import { DeployError } from "./exec-lines.ts";
import { kubePort } from "./kube-port.ts";
import { apiServerOf, reachCluster } from "./kubernetes-kind-access.ts";
import { DaemonSetAgents } from "./kubernetes-kind-agents.ts";
import { copyAgent, copyCurrentProgram } from "./kubernetes-kind-copied.ts";
import { imagesOf, imagesOfEngine, withLoadedImages } from "./kubernetes-kind-images.ts";
import {
  installDefinitions,
  installed,
  installSpeakers,
  refuseCilium,
} from "./kubernetes-kind-install.ts";
import { givePodCidrs } from "./kubernetes-kind-network.ts";
import { ClusterWatch } from "./kubernetes-kind-watch.ts";
import { kubeconfigFile } from "./state-folder.ts";
import { StillMissing } from "./until-nothing.ts";
import { version } from "./version.ts";
import { workloadsNotReady } from "./workloads.ts";

export type KubernetesInKindOptions = {
  lab: string;
  fabric: Fabric;
  cluster: Cluster;
  /** Its nodes are up, the cluster's containers among them, with their CNI configuration. */
  runtime: Runtime;
  kind: KindCluster;
  progress: Progress;
  installRoutes: boolean;
  onDeath: AgentsOptions["onDeath"];
  onPodsChanged: () => void;
  /**
   * How the speaker comes into the nodes: as a DaemonSet whose image is loaded into kind, or copied
   * from this machine and run there, for development.
   */
  inject: "image" | "copy";
  /** Image of agent and operator, which the engine has. */
  speakerImage: string;
  /** The same of the sources as they are now. */
  currentImage: () => Promise<string>;
  /** Whether the engine has an image: then the cluster gets it from there. */
  hasImage: (image: string) => Promise<boolean>;
  /**
   * Where the engine is on another machine: leads to a port on that machine's loopback, where kind
   * publishes the API server. Resolves with the local port.
   */
  forwardPort?: ((port: number) => Promise<number>) | undefined;
  signal: AbortSignal;
};

const softwareVersion = `spinelab ${version}`;
const kubeconfigInNode = "/etc/spinelab/kubeconfig";
const podsLimitMs = 180_000;

/** A Kubernetes cluster that kind has made, with the speaker in its nodes. */
export class KubernetesInKind {
  readonly agents: ClusterAgents;
  /** What scenarios use of the API. */
  readonly port: KubePort;
  readonly #options: KubernetesInKindOptions;
  readonly #client: KubeClient;
  readonly #watch: ClusterWatch;
  /** As containers of kind's network use it. */
  readonly #internalKubeconfig: string;
  /** Of the two one is there, as the speaker is injected. */
  readonly #copied: Agents | undefined;
  readonly #daemonSet: DaemonSetAgents | undefined;
  #injected = false;

  private constructor(
    options: KubernetesInKindOptions,
    client: KubeClient,
    internalKubeconfig: string,
  ) {
    const { lab, runtime, onDeath } = options;
    this.#options = options;
    this.#client = client;
    this.#internalKubeconfig = internalKubeconfig;
    const watch = new ClusterWatch(client);
    this.#watch = watch;
    const logs = { logs: (pod: PodName, container: string) => client.podLog(pod, container) };
    this.port = kubePort(client, logs, (callback) => watch.subscribe(callback));
    this.#watch.subscribe(options.onPodsChanged);
    if (options.inject === "copy") {
      this.#copied = new Agents({
        ...{ lab, runtime, onDeath },
        ...{ kubeconfigInNode, version: softwareVersion, installRoutes: options.installRoutes },
        currentProgram: (node) => copyCurrentProgram(options.kind, node),
      });
      this.agents = this.#copied;
    } else {
      const currentImage = async () => {
        const image = await options.currentImage();
        await options.kind.loadImages([image], options.signal);
        return image;
      };
      this.#daemonSet = new DaemonSetAgents({ client, watch, runtime, currentImage, onDeath });
      this.agents = this.#daemonSet;
    }
  }

  /** Resolves when the cluster's API server answers, with the lab's kubeconfig written. */
  static async create(options: KubernetesInKindOptions): Promise<KubernetesInKind> {
    const { lab, fabric, cluster, kind, forwardPort, signal } = options;
    const first = fabric.clusters[0] === cluster;
    const file = kubeconfigFile(lab, first ? undefined : cluster.name);
    const client = await reachCluster(kind, { file, forwardPort, signal });
    return new KubernetesInKind(options, client, await kind.kubeconfig(true));
  }

  /**
   * Definitions and speakers: all that can be done while kind's nodes still join, whose agents come up
   * as they do. Where the image is what they run from, every node has it. Fine to be done again.
   */
  async inject(signal: AbortSignal): Promise<void> {
    await refuseCilium(this.#client);
    await Promise.all([this.#watch.start(), installDefinitions(this.#client, signal)]);
    signal.throwIfAborted();
    const { cluster, runtime, kind, speakerImage, installRoutes } = this.#options;
    if (this.#copied) {
      await copyAgent(kind, runtime, cluster.nodes);
    } else {
      await installSpeakers((object, source) => this.#apply(object, source), {
        image: speakerImage,
        apiServer: apiServerOf(this.#internalKubeconfig),
        version: softwareVersion,
        installRoutes,
        egressGateway: true,
      });
    }
    this.#injected = true;
  }

  /** podCIDRs, speakers, manifests; resolves when every pod that they make is running. */
  async deploy(
    manifests: readonly { object: KubeObject; source: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    const { fabric, cluster } = this.#options;
    const objects = manifests.map(({ object }) => object);
    const [loaded] = await Promise.all([
      this.#loadImages(objects, signal),
      givePodCidrs(this.#client, fabric, cluster),
    ]);
    if (!this.#injected) await this.inject(signal);
    const speakers = this.#startSpeakers(signal);
    // Its failure is waited for below; until then it must not count as unhandled.
    speakers.catch(() => {});
    for (const { object, source } of manifests) {
      await this.#apply(withLoadedImages(object, loaded), source);
    }
    await speakers;
    // A Secret for the agents in kube-system makes nobody wait for what else is there.
    const withPods = objects.filter((object) => imagesOf(object).length > 0);
    const namespaces = new Set([
      installed.namespace,
      ...withPods.map(({ metadata }) => metadata.namespace ?? "default"),
    ]);
    await this.#running(namespaces, signal);
  }

  nodeStopping(node: string): void {
    this.agents.nodeStopping(node);
  }

  /** kubelet registers the node anew where it had left: then without podCIDRs. The rest is its own. */
  async nodeStarted(node: string): Promise<void> {
    await this.agents.nodeStarted(node);
    const { fabric, cluster } = this.#options;
    await givePodCidrs(this.#client, fabric, cluster, [node]);
  }

  /** kubelet itself stands still. */
  nodePaused(): void {}

  nodeUnpaused(): void {}

  summary(): string {
    const { cluster } = this.#options;
    return `${cluster.nodes.length} nodes, ${this.#watch.list("pods").length} pods`;
  }

  /** Lets go of the cluster. Deleting it is KindCluster's. */
  async close(): Promise<void> {
    this.#watch.stop();
    this.#client.close();
  }

  /** Pods of the cluster with their nodes, as they are now. */
  pods(): { namespace: string; name: string; node: string | undefined }[] {
    return this.#watch.list("pods").map(({ metadata, spec }) => ({
      namespace: metadata.namespace ?? "default",
      name: metadata.name,
      node: (spec as { nodeName?: string }).nodeName,
    }));
  }

  /** Resolves with the images of the manifests that the engine had and the cluster now has. */
  async #loadImages(objects: readonly KubeObject[], signal: AbortSignal): Promise<Set<string>> {
    const { kind, hasImage, speakerImage, inject } = this.#options;
    const ofManifests = await imagesOfEngine(objects, hasImage);
    const own = inject === "image" ? [speakerImage] : [];
    await kind.loadImages([...own, ...ofManifests], signal);
    return new Set(ofManifests);
  }

  /** Resolves when the agent of every node is ready. */
  async #startSpeakers(signal: AbortSignal): Promise<void> {
    const { cluster, runtime, kind, progress } = this.#options;
    const stage = `agents of ${kind.name}`;
    progress(stage, "begin");
    if (this.#copied) {
      await startAgents(this.#copied, cluster.nodes, (node) =>
        runtime.writeFile(node, kubeconfigInNode, this.#internalKubeconfig, 0o600),
      );
    } else {
      await this.#running(new Set([installed.namespace]), signal);
    }
    progress(stage, "end", `${cluster.nodes.length} agents`);
  }

  #apply(object: KubeObject, source: string): Promise<void> {
    return applyManifest((each) => this.#client.apply(each), object, source);
  }

  /** Of what is the cluster's own, such as its DNS, nothing is asked. */
  async #running(namespaces: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { nodes } = this.#options.cluster;
    const missing = () => [
      ...(this.#daemonSet?.withoutPod(nodes) ?? []).map((node) => `${node}: no agent's pod`),
      ...workloadsNotReady({
        list: (resource) =>
          this.#watch
            .list(resource)
            .filter(({ metadata }) => namespaces.has(metadata.namespace ?? "default")),
      }),
    ];
    try {
      await this.#watch.untilNothing(missing, { limitMs: podsLimitMs, signal });
    } catch (error) {
      if (!(error instanceof StillMissing)) throw error;
      throw new DeployError(`not running ${error.message}`, { cause: error });
    }
  }
}
