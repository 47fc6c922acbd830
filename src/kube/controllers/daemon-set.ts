import {
  type DaemonSet,
  isActive,
  isReady,
  type NodeObject,
  type Pod,
  type Toleration,
} from "../kinds.ts";
import { obstacle } from "./placement.ts";
import { isControlledBy, podFrom, share, templateHash } from "./pod-template.ts";

/** What a DaemonSet's reconciliation asks for. */
export type DaemonSetPlan = { create: Pod[]; remove: Pod[]; status: object };

/** What the DaemonSet controller adds to its pods (docs: "Taints and tolerations" of DaemonSets). */
const daemonTolerations: Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const hostNetworkToleration: Toleration = {
  key: "node.kubernetes.io/network-unavailable",
  operator: "Exists",
  effect: "NoSchedule",
};

/** One pod on every node that takes it; old pods replaced as updateStrategy says. */
export function reconcileDaemonSet(
  daemonSet: DaemonSet,
  nodes: readonly NodeObject[],
  podsOfNamespace: readonly Pod[],
): DaemonSetPlan {
  const { spec, metadata } = daemonSet;
  const hash = templateHash(spec.template);
  const own = podsOfNamespace.filter((pod) => isControlledBy(pod, daemonSet));
  const added = spec.template.spec.hostNetwork
    ? [...daemonTolerations, hostNetworkToleration]
    : daemonTolerations;
  const tolerations = withTolerations(spec.template.spec.tolerations ?? [], added);
  const wanted = new Set(
    nodes
      .filter((node) => obstacle(spec.template.spec, node, added) === undefined)
      .map((node) => node.metadata.name),
  );
  const mayStay = (name: string) => {
    const node = nodes.find((each) => each.metadata.name === name);
    return node && obstacle(spec.template.spec, node, added, ["NoExecute"]) === undefined;
  };
  const plan: DaemonSetPlan = { create: [], remove: [], status: {} };
  const isCurrent = (pod: Pod) => pod.metadata.labels?.["controller-revision-hash"] === hash;

  // 1. On each node: one pod where one is wanted; ended ones make way, surplus ones go, newest first.
  const kept: Pod[] = [];
  for (const [nodeName, pods] of Map.groupBy(own, (pod) => pod.spec.nodeName ?? "")) {
    const alive = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const active = alive.filter(isActive).sort(oldestFirst);
    plan.remove.push(...alive.filter((pod) => !isActive(pod)));
    if (wanted.has(nodeName)) {
      kept.push(...active.slice(0, 1));
      plan.remove.push(...active.slice(1));
    } else if (!mayStay(nodeName)) plan.remove.push(...active);
  }
  const occupied = new Set(own.map((pod) => pod.spec.nodeName));
  const labels = {
    "controller-revision-hash": hash,
    "pod-template-generation": String(metadata.generation ?? 1),
  };
  for (const nodeName of wanted) {
    // A node whose old pod is still ending waits for it.
    if (occupied.has(nodeName)) continue;
    plan.create.push(podFrom(spec.template, daemonSet, { labels, nodeName, tolerations }));
  }

  // 2. RollingUpdate: old pods go, no more than maxUnavailable nodes without a ready pod at a time.
  if (spec.updateStrategy?.type !== "OnDelete") {
    const { maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
    const most = Math.max(1, share(maxUnavailable, wanted.size, "up"));
    const old = kept.filter((pod) => !isCurrent(pod));
    const ready = kept.filter(isReady).length;
    let allowed = most - (wanted.size - ready);
    for (const pod of [...old].sort((a, b) => Number(isReady(a)) - Number(isReady(b)))) {
      // One that is not ready costs nothing to replace.
      if (isReady(pod) && allowed-- <= 0) continue;
      plan.remove.push(pod);
    }
  }

  // 3. Status.
  const onNodes = new Set(own.filter(isActive).map((pod) => pod.spec.nodeName!));
  const ready = kept.filter(isReady);
  plan.status = {
    currentNumberScheduled: [...wanted].filter((name) => onNodes.has(name)).length,
    desiredNumberScheduled: wanted.size,
    numberMisscheduled: [...onNodes].filter((name) => !wanted.has(name)).length,
    numberReady: ready.length,
    numberAvailable: ready.length,
    numberUnavailable: wanted.size - ready.length,
    updatedNumberScheduled: kept.filter(isCurrent).length,
    observedGeneration: metadata.generation,
  };
  return plan;
}

function withTolerations(given: readonly Toleration[], added: readonly Toleration[]) {
  const has = (one: Toleration) =>
    given.some((by) => by.key === one.key && by.effect === one.effect && by.operator === "Exists");
  return [...given, ...added.filter((one) => !has(one))];
}

function oldestFirst(a: Pod, b: Pod): number {
  const time = (a.metadata.creationTimestamp ?? "").localeCompare(
    b.metadata.creationTimestamp ?? "",
  );
  return time || a.metadata.name.localeCompare(b.metadata.name);
}
