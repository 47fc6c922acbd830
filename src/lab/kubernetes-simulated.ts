import type { KubeObject } from "../kube/object.ts";
import { type PodRunner, startPodRunner } from "../kube/pods/pod-runner.ts";
import { builtInResources } from "../kube/server/built-in-resources.ts";
import { ciliumResources } from "../kube/server/cilium-resources.ts";
import { KubeApi } from "../kube/server/kube-api.ts";
import { type ResourceKey, resourceKey } from "../kube/server/resource.ts";
import type { KubePort } from "../scenario/context.ts";
import { agentClock, SimAgents } from "../sim/kubernetes/agents.ts";
import { localApi } from "../sim/kubernetes/local-api.ts";
import { SimPods } from "../sim/kubernetes/pods.ts";
import { serviceRules } from "../sim/kubernetes/service-rules.ts";
import type { SimRuntime } from "../sim/runtime.ts";
import type { Cluster } from "../topology/fabric.ts";
import type { BuildOptions, LabCluster } from "./backend.ts";
import { applyManifest, errorRecorder, registerNode } from "./cluster-objects.ts";
import { ControlPlane } from "./control-plane.ts";
import { DeployError } from "./exec-lines.ts";
import { ServiceForwarding } from "./service-forwarding.ts";
import { version } from "./version.ts";
import { workloadsNotReady } from "./workloads.ts";

const podsLimitMs = 60_000;
const lookEveryMs = 10;

/** A Kubernetes cluster in a simulated world: the server's rules, controllers, operator and agents, and no socket. */
export class SimulatedKubernetes implements LabCluster {
  readonly agents: SimAgents;
  readonly port: KubePort;
  readonly #options: BuildOptions & { cluster: Cluster; runtime: SimRuntime };
  readonly #api: KubeApi;
  readonly #sandboxes: SimPods;
  readonly #controlPlane: ControlPlane;
  #pods: PodRunner | undefined;
  #services: ServiceForwarding | undefined;

  constructor(options: BuildOptions & { cluster: Cluster; runtime: SimRuntime }) {
    const { runtime, cluster, installRoutes } = options;
    this.#options = options;
    this.#api = new KubeApi({
      resources: [...builtInResources, ...ciliumResources],
      clock: agentClock(runtime),
      random: runtime.world.random,
      serviceSubnets: cluster.serviceSubnets,
    });
    this.#controlPlane = new ControlPlane({
      ...{ api: this.#api, fabric: options.fabric, cluster },
      onError: errorRecorder(options.record),
      suspend: () => {},
      resume: async () => {},
    });
    this.#sandboxes = new SimPods(runtime.world);
    this.agents = new SimAgents({
      ...{ runtime, installRoutes, version: `spinelab ${version}` },
      api: (run) =>
        localApi({
          ...{ run, world: runtime.world, api: this.#api },
          isUp: () => !this.#controlPlane.isDown,
        }),
    });
    const port = portOf(this.#api, this.#sandboxes, () => runtime.world.wake());
    this.port = this.#controlPlane.orDown(port);
  }

  async deploy(
    manifests: readonly { object: KubeObject; source: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    const { cluster, fabric, record, runtime } = this.#options;
    const up = cluster.nodes.filter((node) => !this.#controlPlane.isStopped(node));
    for (const name of up) registerNode(this.#api, fabric, name);
    const agents = [
      ...up.slice(0, 1).map((node) => this.agents.startOperator(node)),
      ...up.map((node) => this.agents.start(node)),
    ];
    const onError = errorRecorder(record);
    this.#controlPlane.start();
    this.#services = new ServiceForwarding({
      ...{ api: this.#api, nodes: cluster.nodes, onError },
      forward: async (node, plan) => {
        const { network, random } = runtime.world;
        const simulated = network.node(node);
        simulated.setPacketRules("inet spinelab-services", serviceRules(simulated, plan, random));
      },
    });
    this.#pods = startPodRunner({ api: this.#api, sandboxes: this.#sandboxes, onError });
    for (const { object, source } of manifests) {
      await applyManifest((each) => this.port.apply(each), object, source);
    }
    await runtime.world.during(Promise.all(agents));
    const untilMs = runtime.world.clock.nowMs + podsLimitMs;
    for (let missing: string[]; (missing = workloadsNotReady(this.#api)).length > 0;) {
      if (runtime.world.clock.nowMs >= untilMs) {
        const what = missing.join("\n  ");
        throw new DeployError(`not running after ${podsLimitMs / 1000} s:\n  ${what}`);
      }
      await runtime.world.sleep(lookEveryMs, signal);
    }
  }

  nodeStopping(node: string): void {
    this.agents.nodeStopping(node);
    this.#services?.nodeStopped(node);
    this.#pods?.nodeStopped(node);
    this.#controlPlane.nodeStopping(node);
  }

  async nodeStarted(node: string): Promise<void> {
    await this.#controlPlane.nodeStarting(node);
    if (this.#api.find("nodes", { name: node }) === undefined) {
      registerNode(this.#api, this.#options.fabric, node);
    }
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
    return `${this.#api.list("nodes").length} nodes, ${this.#api.list("pods").length} pods`;
  }

  async close(): Promise<void> {
    this.#controlPlane.stop();
    await this.#pods?.stop();
    await this.#services?.stop();
    await this.agents.close();
  }
}

function portOf(api: KubeApi, sandboxes: SimPods, wake: () => void): KubePort {
  const definitionOf = ({
    apiVersion,
    kind,
  }: {
    apiVersion?: string | undefined;
    kind: string;
  }) => {
    const group = apiVersion?.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    const found = api.resources.find(
      (each) => each.kind === kind && (apiVersion === undefined || each.group === group),
    );
    if (found === undefined) throw new Error(`the API server knows no kind ${kind}`);
    return found;
  };
  type Named = { apiVersion?: string | undefined; kind: string; namespace?: string; name: string };
  const at = (reference: Named): [ResourceKey, { name: string; namespace?: string }] => {
    const definition = definitionOf(reference);
    const { name, namespace = "default" } = reference;
    return [resourceKey(definition), definition.namespaced ? { name, namespace } : { name }];
  };
  const named = ({ apiVersion, kind, metadata }: KubeObject): Named => ({
    ...{ apiVersion, kind, name: metadata.name },
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
  });
  return {
    get: async (reference) => api.find(...at(reference as Named)),
    listPods: async (namespace) => api.list("pods", namespace === undefined ? {} : { namespace }),
    async apply(object) {
      const [key, where] = at(named(object));
      const options = { fieldValidation: "Strict" } as const;
      const metadata = { ...object.metadata, ...where };
      if (api.find(key, where) === undefined) api.create(key, { ...object, metadata }, options);
      else api.patch(key, where, { ...object, metadata }, "apply", options);
      wake();
    },
    async patch(reference, merge) {
      api.patch(...at(reference as Named), merge, "merge");
      wake();
    },
    async delete(reference) {
      api.delete(...at(reference as Named));
      wake();
    },
    onChange: (callback) =>
      api.subscribe(() => {
        wake();
        callback();
      }),
    podLog: () => sandboxes.logs(),
  };
}
