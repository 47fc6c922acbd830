import { isDeepStrictEqual } from "node:util";
import { recordEvent } from "../events.ts";
import type { Condition, DaemonSet, Deployment, NodeObject, Pod, ReplicaSet } from "../kinds.ts";
import type { KubeObject } from "../object.ts";
import { notFound } from "../server/api-error.ts";
import type { KubeApi } from "../server/kube-api.ts";
import type { StoreEvent } from "../server/object-store.ts";
import { timestamp } from "../clock.ts";
import { reconcileDaemonSet } from "./daemon-set.ts";
import { reconcileDeployment, revisionAnnotation } from "./deployment.ts";
import { finalizeNamespaces, GarbageCollector } from "./garbage-collector.ts";
import { type Service, serviceNameLabel } from "../services/service.ts";
import { endpointSlicesOf } from "./endpoint-slices.ts";
import { NodeLifecycle } from "./node-lifecycle.ts";
import { isControlledBy } from "./pod-template.ts";
import { reconcileReplicaSet } from "./replica-set.ts";
import { place } from "./scheduler.ts";

/** A reconciliation that failed is tried again after so long. */
const retryMs = 1000;

export type Controllers = {
  /** What is done about nodes whose kubelet falls silent. */
  readonly nodes: NodeLifecycle;
  stop(): void;
};

/**
 * What kube-controller-manager and kube-scheduler do, for the kinds Spinelab serves. Runs beside the
 * store: a change marks what it concerns, and marked work is done in the next turn of the event loop
 * until none is left.
 */
export function startControllers(
  api: KubeApi,
  onError: (what: string, error: unknown) => void,
  options: { nodeMonitorGracePeriodMs?: number } = {},
): Controllers {
  /** Work to do, in order, each once: `daemonsets.apps default/netshoot`, `scheduler`, `garbage`. */
  const work = new Map<string, () => void>();
  const cancelRetries = new Set<() => void>();
  let turn: NodeJS.Immediate | undefined;

  const add = (name: string, run: () => void) => {
    work.set(name, run);
    turn ??= setImmediate(drain);
  };
  const drain = () => {
    turn = undefined;
    const todo = [...work];
    work.clear();
    for (const [name, run] of todo) {
      try {
        run();
      } catch (error) {
        onError(name, error);
        const cancel = api.clock.setTimer(retryMs, () => {
          cancelRetries.delete(cancel);
          add(name, run);
        });
        cancelRetries.add(cancel);
      }
    }
  };

  const workloads = {
    "daemonsets.apps": syncDaemonSet,
    "replicasets.apps": syncReplicaSet,
    "deployments.apps": syncDeployment,
  } as const;
  type Workload = keyof typeof workloads;
  const addWorkload = (key: Workload, namespace: string, name: string) =>
    add(`${key} ${namespace}/${name}`, () => {
      const object = api.find(key, { namespace, name });
      if (!object || object.metadata.deletionTimestamp !== undefined) return;
      if (isTerminating(api, namespace)) return;
      workloads[key](api, object as never);
    });
  const addOwners = (object: KubeObject) => {
    for (const { kind, name } of object.metadata.ownerReferences ?? []) {
      const key = `${kind.toLowerCase()}s.apps`;
      if (key in workloads) addWorkload(key as Workload, object.metadata.namespace ?? "", name);
    }
  };

  const addServices = (namespace: string) => {
    for (const { metadata } of api.list("services", { namespace })) addService(metadata);
  };
  const addService = ({ namespace = "", name }: KubeObject["metadata"]) =>
    add(`services ${namespace}/${name}`, () => {
      const service = api.find("services", { namespace, name }) as Service | undefined;
      if (service && !isTerminating(api, namespace)) syncService(api, service);
    });

  // Each pod is work of its own: one that cannot be placed holds up no other.
  const schedule = () => {
    for (const { metadata } of (api.list("pods") as Pod[]).filter(isPending)) {
      add(`scheduler ${metadata.namespace}/${metadata.name}`, () => {
        const pod = api.find("pods", metadata) as Pod | undefined;
        if (pod && isPending(pod)) schedulePod(api, pod);
      });
    }
  };

  const garbage = new GarbageCollector(api);
  const collect = () => {
    if (garbage.hasWork) add("garbage", () => garbage.collect());
  };
  const react = (event: StoreEvent) => {
    const { type, resource, object } = event;
    const { namespace = "", name, deletionTimestamp, ownerReferences } = object.metadata;
    garbage.note(event);
    collect();
    if (
      type === "DELETED" ||
      deletionTimestamp !== undefined ||
      (type === "ADDED" && ownerReferences)
    ) {
      add("namespaces", () => finalizeNamespaces(api));
    }
    if (resource === "pods" || resource === "replicasets.apps") addOwners(object);
    if (resource === "pods" && type === "DELETED") {
      // Recreate waits for the last old pod, which no ReplicaSet counts any more.
      for (const owner of ownerReferences ?? []) {
        const replicaSet = api.find("replicasets.apps", { namespace, name: owner.name });
        if (replicaSet) addOwners(replicaSet);
      }
    }
    if (resource === "services" && type !== "DELETED") addService(object.metadata);
    if (resource === "pods") addServices(namespace);
    if (resource === "endpointslices.discovery.k8s.io" && type === "DELETED") {
      const service = object.metadata.labels?.[serviceNameLabel];
      if (service !== undefined) addService({ namespace, name: service });
    }
    if (resource in workloads) addWorkload(resource as Workload, namespace, name);
    if (resource === "nodes") {
      for (const { metadata } of api.list("daemonsets.apps")) {
        addWorkload("daemonsets.apps", metadata.namespace ?? "", metadata.name);
      }
    }
    if (resource === "nodes" || resource === "pods") add("scheduler", schedule);
  };

  const unsubscribe = api.subscribe(react);
  for (const resource of ["nodes", "pods", "services", ...Object.keys(workloads), "namespaces"]) {
    for (const object of api.list(resource)) react({ type: "ADDED", resource, object, version: 0 });
  }
  const nodes = new NodeLifecycle(api, onError, options.nodeMonitorGracePeriodMs);
  return {
    nodes,
    stop() {
      nodes.stop();
      unsubscribe();
      clearImmediate(turn);
      for (const cancel of cancelRetries) cancel();
    },
  };
}

function isTerminating(api: KubeApi, namespace: string): boolean {
  return api.find("namespaces", { name: namespace })?.metadata.deletionTimestamp !== undefined;
}

function syncDaemonSet(api: KubeApi, daemonSet: DaemonSet): void {
  const { namespace = "" } = daemonSet.metadata;
  const nodes = api.list("nodes") as NodeObject[];
  const plan = reconcileDaemonSet(daemonSet, nodes, api.list("pods", { namespace }) as Pod[]);
  changePods(api, daemonSet, "daemonset-controller", plan);
  writeStatus(api, "daemonsets.apps", daemonSet, plan.status);
}

function syncReplicaSet(api: KubeApi, replicaSet: ReplicaSet): void {
  const { namespace = "" } = replicaSet.metadata;
  const plan = reconcileReplicaSet(replicaSet, api.list("pods", { namespace }) as Pod[]);
  changePods(api, replicaSet, "replicaset-controller", plan);
  writeStatus(api, "replicasets.apps", replicaSet, plan.status);
}

function syncService(api: KubeApi, service: Service): void {
  const key = "endpointslices.discovery.k8s.io";
  const { namespace = "", name } = service.metadata;
  const wanted = endpointSlicesOf(service, api.list("pods", { namespace }) as Pod[]);
  const labelSelector = `${serviceNameLabel}=${name}`;
  const present = api
    .list(key, { namespace, labelSelector })
    .filter((slice) => isControlledBy(slice, service));
  for (const slice of present) {
    if (!wanted.some(({ metadata }) => metadata.name === slice.metadata.name)) {
      api.delete(key, slice.metadata);
    }
  }
  for (const slice of wanted) {
    if (api.find(key, slice.metadata)) api.update(key, slice);
    else api.create(key, slice);
  }
}

function syncDeployment(api: KubeApi, deployment: Deployment): void {
  const { namespace = "", name, annotations } = deployment.metadata;
  const key = "replicasets.apps";
  const replicaSets = api.list(key, { namespace }) as ReplicaSet[];
  const pods = api.list("pods", { namespace }) as Pod[];
  const plan = reconcileDeployment(deployment, replicaSets, pods, api.clock.nowMs());
  for (const one of plan.create) api.create(key, one);
  for (const one of plan.change) {
    const metadata = { annotations: { [revisionAnnotation]: one.revision } };
    const patch = { metadata, spec: { replicas: one.replicas } };
    api.patch(key, { namespace, name: one.name }, patch, "merge");
  }
  for (const one of plan.remove) api.delete(key, one.metadata);
  if (annotations?.[revisionAnnotation] !== plan.revision) {
    const metadata = { annotations: { [revisionAnnotation]: plan.revision } };
    api.patch("deployments.apps", { namespace, name }, { metadata }, "merge");
  }
  writeStatus(api, "deployments.apps", deployment, plan.status);
}

function changePods(
  api: KubeApi,
  owner: KubeObject,
  component: string,
  plan: { create: Pod[]; remove: Pod[] },
): void {
  for (const pod of plan.remove) {
    api.delete("pods", pod.metadata);
    const message = `Deleted pod: ${pod.metadata.name}`;
    recordEvent(api, owner, { type: "Normal", reason: "SuccessfulDelete", message, component });
  }
  for (const pod of plan.create) {
    const { metadata } = api.create("pods", pod);
    const message = `Created pod: ${metadata.name}`;
    recordEvent(api, owner, { type: "Normal", reason: "SuccessfulCreate", message, component });
  }
}

function writeStatus(api: KubeApi, key: string, object: KubeObject, status: object): void {
  if (isDeepStrictEqual(object.status, status)) return;
  const current = api.find(key, object.metadata);
  if (!current) throw notFound(api.definition(key), object.metadata.name);
  api.update(key, { ...current, status }, { subresource: "status" });
}

function isPending({ metadata, spec }: Pod): boolean {
  return (
    spec.nodeName === undefined &&
    metadata.deletionTimestamp === undefined &&
    (spec.schedulingGates ?? []).length === 0
  );
}

function schedulePod(api: KubeApi, pod: Pod): void {
  const placement = place(pod, api.list("nodes") as NodeObject[], api.list("pods") as Pod[]);
  const component = "default-scheduler";
  if ("node" in placement) {
    const spec = { nodeName: placement.node };
    const bound = api.patch("pods", pod.metadata, { spec }, "merge") as Pod;
    setScheduled(api, bound, { type: "PodScheduled", status: "True" });
    const { namespace, name } = pod.metadata;
    const message = `Successfully assigned ${namespace}/${name} to ${placement.node}`;
    recordEvent(api, pod, { type: "Normal", reason: "Scheduled", message, component });
    return;
  }
  const message = placement.why;
  const before = pod.status?.conditions?.find((one) => one.type === "PodScheduled");
  if (before?.message === message) return;
  setScheduled(api, pod, {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message,
  });
  recordEvent(api, pod, { type: "Warning", reason: "FailedScheduling", message, component });
}

function setScheduled(api: KubeApi, pod: Pod, condition: Condition): void {
  const others = (pod.status?.conditions ?? []).filter((one) => one.type !== condition.type);
  const lastTransitionTime = timestamp(api.clock.nowMs());
  const conditions = [...others, { ...condition, lastTransitionTime }];
  api.update("pods", { ...pod, status: { ...pod.status, conditions } }, { subresource: "status" });
}
