import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { KubeClient } from "../kube/client/kube-client.ts";
import { systemClock } from "../kube/clock.ts";
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
import { ControlPlane } from "./control-plane.ts";
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
  #pods: PodRunner | undefined;
  #services: ServiceForwarding | undefined;
  readonly #controlPlane: ControlPlane;

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
    this.#controlPlane = new ControlPlane({
      ...{ api, fabric: options.fabric, cluster: options.cluster },
      onError: errorRecorder(options.record),
      // Connections are reset before this returns; `resume` waits for the rest.
      suspend: () => void server.suspend(),
      resume: () => server.resume(),
    });
    const port = kubePort(client, options.runtime.pods, (callback) => api.subscribe(callback));
    this.port = this.#controlPlane.orDown(port);
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
    const up = cluster.nodes.filter((node) => !this.#controlPlane.isStopped(node));
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
    this.#controlPlane.start();
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
    this.agents.nodeStopping(node);
    this.#services?.nodeStopped(node);
    this.#pods?.nodeStopped(node);
    this.#controlPlane.nodeStopping(node);
  }

  async nodeStarted(node: string): Promise<void> {
    await this.#controlPlane.nodeStarting(node);
    await this.#options.runtime.writeFile(node, kubeconfigInNode, this.#nodeKubeconfig, 0o600);
    if (this.#api.find("nodes", { name: node }) === undefined)
      registerNode(this.#api, this.#options.fabric, node);
    this.#services?.nodeStarted(node);
    this.#pods?.nodeStarted(node);
    this.#controlPlane.heard(node);
    await this.agents.nodeStarted(node);
  }

  nodePaused(node: string): void {
    this.#controlPlane.nodePaused(node);
  }

  nodeUnpaused(node: string): void {
    this.#controlPlane.heard(node);
    this.#pods?.nodeUnpaused(node);
  }

  summary(): string {
    const nodes = this.#api.list("nodes").length;
    const pods = this.#api.list("pods").length;
    return `${nodes} nodes, ${pods} pods`;
  }

  async close(): Promise<void> {
    this.#stopWatching();
    this.#controlPlane.stop();
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
