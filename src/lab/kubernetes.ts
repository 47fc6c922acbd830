import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { KubeClient } from "../kube/client/kube-client.ts";
import { systemClock } from "../kube/clock.ts";
import { type Controllers, startControllers } from "../kube/controllers/controllers.ts";
import { kubeconfigText } from "../kube/kubeconfig.ts";
import type { KubeObject } from "../kube/object.ts";
import { type PodRunner, startPodRunner } from "../kube/pods/pod-runner.ts";
import { type ApiServer, startApiServer } from "../kube/server/api-server.ts";
import { builtInResources } from "../kube/server/built-in-resources.ts";
import { ciliumResources } from "../kube/server/cilium-resources.ts";
import { KubeApi } from "../kube/server/kube-api.ts";
import { selfSignedCertificate } from "../kube/server/self-signed.ts";
import type { ForwardingPlan } from "../kube/services/forwarding.ts";
import { forwardingRules } from "../kube/services/forwarding-rules.ts";
import type { NetnsRuntime } from "../runtime/netns/netns-runtime.ts";
import type { KubePort } from "../scenario/context.ts";
import { type Cluster, type Fabric, findNode } from "../topology/fabric.ts";
import { agentBundle, bundleInNode } from "./agent-bundle.ts";
import { Agents } from "./agents.ts";
import type { BuildOptions, LabCluster } from "./backend.ts";
import { applyManifest, errorRecorder, registerNode } from "./cluster-objects.ts";
import { DeployError } from "./exec-lines.ts";
import { kubePort } from "./kube-port.ts";
import { ServiceForwarding } from "./service-forwarding.ts";
import { kubeconfigFile } from "./state-folder.ts";
import { version } from "./version.ts";
import { workloadsNotReady } from "./workloads.ts";

export type KubernetesOptions = BuildOptions & { cluster: Cluster; runtime: NetnsRuntime };

const apiPort = 6443;
const kubeconfigInNode = "/etc/spinelab/kubeconfig";
const podsLimitMs = 60_000;

/**
 * A Kubernetes cluster whose nodes are sandboxes: API server, controllers and pod runner in this
 * process, operator and agents as processes of their own in the nodes.
 */
export class KubernetesInNamespaces implements LabCluster {
  readonly agents: Agents;
  /** What scenarios use of the API. */
  readonly port: KubePort;
  readonly #options: KubernetesOptions;
  readonly #api: KubeApi;
  readonly #server: ApiServer;
  readonly #client: KubeClient;
  readonly #nodeKubeconfig: string;
  readonly #stopWatching: () => void;
  #controllers: Controllers | undefined;
  #pods: PodRunner | undefined;
  #services: ServiceForwarding | undefined;
  /** Nodes without power. */
  readonly #stopped = new Set<string>();
  readonly #paused = new Set<string>();
  readonly #controlPlanes: string[];
  /** The control plane is down with its nodes: no API server, no controllers. */
  #isDown = false;

  private constructor(
    options: KubernetesOptions,
    api: KubeApi,
    server: ApiServer,
    client: KubeClient,
    nodeKubeconfig: string,
  ) {
    this.#options = options;
    this.#api = api;
    this.#server = server;
    this.#client = client;
    this.#nodeKubeconfig = nodeKubeconfig;
    const { nodes } = options.cluster;
    const roleOf = (node: string) => findNode(options.fabric, node)?.kubernetes?.role;
    this.#controlPlanes = nodes.filter((node) => roleOf(node) === "control-plane");
    const port = kubePort(client, options.runtime.pods, (callback) => api.subscribe(callback));
    this.port = this.#orDown(port);
    this.agents = new Agents({
      lab: options.lab,
      runtime: options.runtime,
      kubeconfigInNode,
      version: `spinelab ${version}`,
      installRoutes: options.installRoutes,
      currentProgram: async () => bundleInNode(await agentBundle()),
      onDeath: options.onDeath,
    });
    // The running pods are in the state folder, for commands that enter them.
    this.#stopWatching = api.subscribe((event) => {
      if (event.resource === "pods") options.onPodsChanged();
    });
  }

  /** Serves the API: to the host on loopback with TLS, to the nodes on their management network. */
  static async create(options: KubernetesOptions): Promise<KubernetesInNamespaces> {
    const { lab, fabric, cluster, runtime } = options;
    const network = managementNetworkOf(fabric, cluster);
    const tls = selfSignedCertificate(["127.0.0.1", "localhost"], Date.now());
    const token = randomBytes(24).toString("base64url");
    const api = new KubeApi({
      resources: [...builtInResources, ...ciliumResources],
      clock: systemClock,
      serviceSubnets: cluster.serviceSubnets,
    });
    const server = await startApiServer({
      api,
      listeners: [
        { host: "127.0.0.1", port: 0, tls, token },
        { fd: () => runtime.listenInManagement(network.ipv4Gateway, apiPort), token },
      ],
      sandboxes: runtime.pods,
      onError: (error) => errorRecorder(options.record)("API server", error),
    });
    const [url] = server.urls as [string, string];
    const first = fabric.clusters[0] === cluster;
    const access = { name: cluster.name, server: url, token, certificateAuthority: tls.cert };
    writeFileSync(
      kubeconfigFile(lab, first ? undefined : cluster.name),
      kubeconfigText({ ...access, name: `spinelab-${lab}` }),
      { mode: 0o600 },
    );
    return new KubernetesInNamespaces(
      options,
      api,
      server,
      new KubeClient({
        server: url,
        token: () => token,
        certificateAuthority: tls.cert,
        namespace: "default",
      }),
      kubeconfigText({
        name: cluster.name,
        server: `http://${network.ipv4Gateway}:${apiPort}`,
        token,
      }),
    );
  }

  /** Nodes, manifests, agents; resolves when every pod that the manifests make is running. */
  async deploy(
    manifests: readonly { object: KubeObject; source: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    const { cluster, fabric, record, runtime } = this.#options;
    const up = cluster.nodes.filter((node) => !this.#stopped.has(node));
    for (const name of up) registerNode(this.#api, fabric, name);
    const agents = Promise.all(
      up.map(async (node, n) => {
        await runtime.writeFile(node, kubeconfigInNode, this.#nodeKubeconfig, 0o600);
        if (n === 0) this.agents.startOperator(node);
        await this.agents.start(node);
      }),
    );
    // Its failure is waited for below; until then it must not count as unhandled.
    agents.catch(() => {});
    const onError = errorRecorder(record);
    this.#controllers = this.#startControllers();
    this.#services = new ServiceForwarding({
      ...{ api: this.#api, nodes: cluster.nodes, onError },
      forward: (node, plan) => applyRules(runtime, node, plan),
    });
    this.#pods = startPodRunner({ api: this.#api, sandboxes: runtime.pods, onError });
    for (const { object, source } of manifests) {
      await applyManifest((each) => this.#client.apply(each), object, source);
    }
    await agents;
    await this.#podsRunning(signal);
    await this.#services.settled();
  }

  nodeStopping(node: string): void {
    this.#stopped.add(node);
    this.agents.nodeStopping(node);
    this.#services?.nodeStopped(node);
    this.#pods?.nodeStopped(node);
    this.#controllers?.nodes.silent(node);
    if (this.#isDown || this.#hasQuorum) return;
    this.#isDown = true;
    this.#controllers?.stop();
    this.#controllers = undefined;
    // Connections are reset before this returns; `resume` waits for the rest.
    void this.#server.suspend();
  }

  async nodeStarted(node: string): Promise<void> {
    this.#stopped.delete(node);
    if (this.#isDown && this.#hasQuorum) {
      await this.#server.resume();
      this.#isDown = false;
      this.#controllers = this.#startControllers();
    }
    await this.#options.runtime.writeFile(node, kubeconfigInNode, this.#nodeKubeconfig, 0o600);
    if (this.#api.find("nodes", { name: node }) === undefined)
      registerNode(this.#api, this.#options.fabric, node);
    this.#services?.nodeStarted(node);
    this.#pods?.nodeStarted(node);
    this.#controllers?.nodes.heard(node);
    await this.agents.nodeStarted(node);
  }

  /** As etcd has it: more than half of the control plane is up. */
  get #hasQuorum(): boolean {
    const up = this.#controlPlanes.filter((each) => !this.#stopped.has(each));
    return up.length * 2 > this.#controlPlanes.length;
  }

  #startControllers(): Controllers {
    const { record, cluster } = this.#options;
    const controllers = startControllers(this.#api, errorRecorder(record), cluster);
    for (const node of cluster.nodes) {
      const isSilent = this.#stopped.has(node) || this.#paused.has(node);
      controllers.nodes[isSilent ? "silent" : "heard"](node);
    }
    return controllers;
  }

  /** Where a pod is a lab knows by itself: it can be pinged without the API. All else is refused. */
  #orDown(port: KubePort): KubePort {
    const down = () => {
      const nodes = this.#controlPlanes.filter((each) => this.#stopped.has(each)).join(", ");
      return Promise.reject(new Error(`the API server does not answer: ${nodes} is stopped`));
    };
    const pods = async (namespace?: string) =>
      this.#api.list("pods", namespace === undefined ? {} : { namespace });
    return {
      ...port,
      get: (...of) => (this.#isDown ? down() : port.get(...of)),
      apply: (...of) => (this.#isDown ? down() : port.apply(...of)),
      patch: (...of) => (this.#isDown ? down() : port.patch(...of)),
      delete: (...of) => (this.#isDown ? down() : port.delete(...of)),
      listPods: (...of) => (this.#isDown ? pods(...of) : port.listPods(...of)),
    };
  }

  nodePaused(node: string): void {
    this.#paused.add(node);
    this.#controllers?.nodes.silent(node);
  }

  nodeUnpaused(node: string): void {
    this.#paused.delete(node);
    this.#controllers?.nodes.heard(node);
    this.#pods?.nodeUnpaused(node);
  }

  summary(): string {
    const nodes = this.#api.list("nodes").length;
    const pods = this.#api.list("pods").length;
    return `${nodes} nodes, ${pods} pods`;
  }

  async close(): Promise<void> {
    this.#stopWatching();
    this.#controllers?.stop();
    await this.#pods?.stop();
    await this.#services?.stop();
    this.#client.close();
    await this.#server.close();
  }

  /** Looks at once and then at every change. On time-out says which workloads are not ready, and why. */
  #podsRunning(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (workloadsNotReady(this.#api).length === 0) finish(resolve);
      };
      const onAbort = () => finish(() => reject(signal.reason as Error));
      const timer = setTimeout(() => {
        const missing = workloadsNotReady(this.#api).join("\n  ");
        finish(() => {
          reject(new DeployError(`not running after ${podsLimitMs / 1000} s:\n  ${missing}`));
        });
      }, podsLimitMs);
      const unsubscribe = this.#api.subscribe(look);
      const finish = (then: () => void) => {
        clearTimeout(timer);
        unsubscribe();
        signal.removeEventListener("abort", onAbort);
        then();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      else look();
    });
  }
}

async function applyRules(runtime: NetnsRuntime, node: string, plan: ForwardingPlan) {
  const stdin = forwardingRules(plan);
  const { exitCode, stderr } = await runtime.exec({ node }, ["nft", "-f", "-"], { stdin });
  if (exitCode !== 0) throw new Error(`nft: ${stderr.trim()}`);
}

function managementNetworkOf(fabric: Fabric, cluster: Cluster) {
  const name = findNode(fabric, cluster.nodes[0]!)?.managementNetwork;
  const network = fabric.management.find((each) => each.name === name);
  if (!network) throw new DeployError(`cluster ${cluster.name} has no management network`);
  return network;
}
