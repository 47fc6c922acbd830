import type { KubeObject } from "../kube/object.ts";
import type { KubeApi } from "../kube/server/kube-api.ts";
import { type ResourceKey, resourceKey } from "../kube/server/resource.ts";
import type { KubePort } from "../scenario/context.ts";
import { agentClock, SimAgents } from "../sim/kubernetes/agents.ts";
import { localApi } from "../sim/kubernetes/local-api.ts";
import type { SimPods } from "../sim/kubernetes/pods.ts";
import { serviceRules } from "../sim/kubernetes/service-rules.ts";
import type { SimRuntime } from "../sim/runtime.ts";
import type { World } from "../sim/world.ts";
import type { Cluster } from "../topology/fabric.ts";
import type { BuildOptions, LabCluster } from "./backend.ts";
import { errorRecorder } from "./cluster-objects.ts";
import { ControlPlane } from "./control-plane.ts";
import { clusterApi, ServedCluster } from "./served-cluster.ts";
import { StillMissing } from "./until-nothing.ts";
import { version } from "./version.ts";

const lookEveryMs = 10;

/** A Kubernetes cluster in a simulated world: the server's rules, controllers, operator and agents, and no socket. */
export function simulatedKubernetes(
  options: BuildOptions & { cluster: Cluster; runtime: SimRuntime; sandboxes: SimPods },
): LabCluster {
  const { fabric, runtime, cluster, installRoutes, sandboxes } = options;
  const { world } = runtime;
  const api = clusterApi({
    ...{ clock: agentClock(runtime), random: world.random },
    serviceSubnets: cluster.serviceSubnets,
  });
  const controlPlane = new ControlPlane({
    ...{ api, fabric, cluster, onError: errorRecorder(options.record) },
    suspend: () => {},
    resume: async () => {},
  });
  api.subscribe(({ resource }) => {
    if (resource === "pods") options.onPodsChanged();
  });
  const agents = new SimAgents({
    ...{ runtime, installRoutes, version: `spinelab ${version}` },
    api: (run) => localApi({ run, world, api, isUp: () => !controlPlane.isDown }),
  });
  return new ServedCluster({
    ...{ build: options, api, controlPlane, agents, sandboxes },
    port: portOf(api, sandboxes, () => world.wake()),
    forward: async (name, plan) => {
      const node = world.network.node(name);
      node.setPacketRules("inet spinelab-services", serviceRules(node, plan, world.random));
    },
    prepareNode: async () => {},
    untilNothing: (missing, limit) => untilNothingIn(world, missing, limit),
    onClose: () => agents.close(),
  });
}

async function untilNothingIn(
  world: World,
  missing: () => readonly string[],
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<void> {
  const untilMs = world.clock.nowMs + limitMs;
  for (let last: readonly string[]; (last = missing()).length > 0;) {
    if (world.clock.nowMs >= untilMs) throw new StillMissing(last, limitMs);
    await world.sleep(lookEveryMs, signal);
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
    list: async (kind) => {
      const found = api.resources.find((each) => each.kind === kind);
      return found === undefined ? [] : api.list(resourceKey(found));
    },
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
