import { isActive, isReady, type Pod, type ReplicaSet } from "../kinds.ts";
import { isControlledBy, podFrom } from "./pod-template.ts";

export type ReplicaSetPlan = { create: Pod[]; remove: Pod[]; status: object };

/** As many active pods of the template as spec.replicas asks for. */
export function reconcileReplicaSet(
  replicaSet: ReplicaSet,
  podsOfNamespace: readonly Pod[],
): ReplicaSetPlan {
  const { spec, metadata } = replicaSet;
  const own = podsOfNamespace.filter((pod) => isControlledBy(pod, replicaSet));
  const active = own.filter(isActive);
  const missing = (spec.replicas ?? 1) - active.length;
  const ready = active.filter(isReady).length;
  return {
    create: Array.from({ length: Math.max(0, missing) }, () => podFrom(spec.template, replicaSet)),
    remove: missing < 0 ? [...active].sort(leastMissedFirst).slice(0, -missing) : [],
    status: {
      replicas: active.length,
      fullyLabeledReplicas: active.length,
      readyReplicas: ready,
      availableReplicas: ready,
      observedGeneration: metadata.generation,
    },
  };
}

/** controller.ActivePods: those without a node first, then those not ready, then the newest. */
function leastMissedFirst(a: Pod, b: Pod): number {
  return (
    Number(a.spec.nodeName !== undefined) - Number(b.spec.nodeName !== undefined) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? "") ||
    b.metadata.name.localeCompare(a.metadata.name)
  );
}
