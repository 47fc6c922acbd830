import { timestamp } from "../clock.ts";
import type { Condition, Deployment, Pod, ReplicaSet } from "../kinds.ts";
import { isControlledBy, ownerReference, share, templateHash } from "./pod-template.ts";

export type DeploymentPlan = {
  create: ReplicaSet[];
  /** ReplicaSets with another number of replicas or another revision than they have. */
  change: { name: string; replicas: number; revision: string }[];
  remove: ReplicaSet[];
  status: object;
  /** deployment.kubernetes.io/revision of the Deployment itself. */
  revision: string;
};

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const hashLabel = "pod-template-hash";

/** One ReplicaSet for the template as it is; those of older templates shrink as the new one grows. */
export function reconcileDeployment(
  deployment: Deployment,
  replicaSetsOfNamespace: readonly ReplicaSet[],
  podsOfNamespace: readonly Pod[],
  nowMs: number,
): DeploymentPlan {
  const { spec, metadata } = deployment;
  const replicas = spec.replicas ?? 1;
  const hash = templateHash(spec.template);
  const own = replicaSetsOfNamespace.filter((one) => isControlledBy(one, deployment));
  const current = own.find((one) => one.metadata.labels?.[hashLabel] === hash);
  const old = own.filter((one) => one !== current).sort((a, b) => revisionOf(a) - revisionOf(b));
  const newest = Math.max(0, ...old.map(revisionOf));
  // Going back to an older template makes it the newest revision.
  const revision = String(
    current && revisionOf(current) > newest ? revisionOf(current) : newest + 1,
  );
  const plan: DeploymentPlan = { create: [], change: [], remove: [], status: {}, revision };

  const oldPods = podsOfNamespace.filter((pod) => old.some((one) => isControlledBy(pod, one)));
  const sizes =
    spec.strategy?.type === "Recreate"
      ? recreatedSizes(old, oldPods, replicas)
      : rolledSizes(deployment, current, old, replicas);
  const change = (one: ReplicaSet, size: number, as: string) => {
    if (one.spec.replicas === size && String(revisionOf(one)) === as) return;
    plan.change.push({ name: one.metadata.name, replicas: size, revision: as });
  };
  if (!spec.paused) {
    if (current) change(current, sizes.current, revision);
    else plan.create.push(replicaSetOf(deployment, hash, revision, sizes.current));
    for (const one of old) change(one, sizes.old.get(one) ?? 0, String(revisionOf(one)));
    // Empty ReplicaSets are kept for `kubectl rollout undo`, the newest few.
    const empty = old.filter((one) => one.spec.replicas === 0 && !one.status?.replicas);
    plan.remove = empty.slice(0, Math.max(0, empty.length - (spec.revisionHistoryLimit ?? 10)));
  }

  const sum = (field: "replicas" | "readyReplicas" | "availableReplicas") =>
    own.reduce((total, one) => total + (one.status?.[field] ?? 0), 0);
  const available = sum("availableReplicas");
  const { maxUnavailable } = limitsOf(deployment, replicas);
  const updated = current?.status?.replicas ?? 0;
  const complete = updated === replicas && sum("replicas") === replicas && available === replicas;
  plan.status = {
    observedGeneration: metadata.generation,
    replicas: sum("replicas"),
    updatedReplicas: updated,
    readyReplicas: sum("readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, replicas - available),
    conditions: conditionsOf(deployment, nowMs, [
      available >= replicas - maxUnavailable
        ? ["Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."]
        : [
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
          ],
      complete
        ? [
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            `ReplicaSet "${metadata.name}-${hash}" has successfully progressed.`,
          ]
        : [
            "Progressing",
            "True",
            "ReplicaSetUpdated",
            `ReplicaSet "${metadata.name}-${hash}" is progressing.`,
          ],
    ]),
  };
  return plan;
}

const revisionOf = (one: ReplicaSet) => Number(one.metadata.annotations?.[revisionAnnotation] ?? 0);

/** How far a rollout may go over and under the wanted number; both zero would never move. */
function limitsOf({ spec }: Deployment, replicas: number) {
  const { maxSurge = "25%", maxUnavailable = "25%" } = spec.strategy?.rollingUpdate ?? {};
  const surge = share(maxSurge, replicas, "up");
  const unavailable = share(maxUnavailable, replicas, "down");
  return { maxSurge: surge, maxUnavailable: surge + unavailable === 0 ? 1 : unavailable };
}

type Sizes = { current: number; old: Map<ReplicaSet, number> };

/** Recreate: nothing new before every old pod is gone, those that are ending included. */
function recreatedSizes(
  old: readonly ReplicaSet[],
  oldPods: readonly Pod[],
  replicas: number,
): Sizes {
  const emptied = old.every((one) => one.spec.replicas === 0);
  const ended = oldPods.every(
    ({ status }) => status?.phase === "Succeeded" || status?.phase === "Failed",
  );
  return { current: emptied && ended ? replicas : 0, old: new Map() };
}

/** RollingUpdate: between replicas - maxUnavailable and replicas + maxSurge at any time. */
function rolledSizes(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  replicas: number,
): Sizes {
  const sizeOf = (one: ReplicaSet | undefined) => one?.spec.replicas ?? 0;
  const oldSize = old.reduce((total, one) => total + sizeOf(one), 0);
  // Pods that an old one has still to remove take up room as well.
  const oldTaken = old.reduce(
    (total, one) => total + Math.max(sizeOf(one), one.status?.replicas ?? 0),
    0,
  );
  if (oldSize === 0) return { current: replicas, old: new Map() };
  const { maxSurge, maxUnavailable } = limitsOf(deployment, replicas);
  // 1. The new one grows into the surge.
  const room = replicas + maxSurge - oldTaken - sizeOf(current);
  const grown = Math.min(replicas, sizeOf(current) + Math.max(0, room));
  // 2. The old ones shrink by what is available beyond the least: first what is not available anyway.
  const available = (one: ReplicaSet) => Math.min(sizeOf(one), one.status?.availableReplicas ?? 0);
  const unavailableNew = sizeOf(current) - (current ? available(current) : 0);
  let surplus = oldSize + sizeOf(current) - (replicas - maxUnavailable) - unavailableNew;
  const sizes = new Map<ReplicaSet, number>();
  for (const one of old) {
    const unhealthy = Math.min(sizeOf(one) - available(one), Math.max(0, surplus));
    sizes.set(one, sizeOf(one) - unhealthy);
    surplus -= unhealthy;
  }
  const availableTotal = [...old, ...(current ? [current] : [])].reduce(
    (total, one) => total + available(one),
    0,
  );
  let spare = availableTotal - (replicas - maxUnavailable);
  for (const one of old) {
    const less = Math.max(0, Math.min(sizes.get(one)!, spare));
    sizes.set(one, sizes.get(one)! - less);
    spare -= less;
  }
  return { current: grown, old: sizes };
}

function replicaSetOf(
  deployment: Deployment,
  hash: string,
  revision: string,
  replicas: number,
): ReplicaSet {
  const { metadata, spec } = deployment;
  const labels = { ...spec.template.metadata?.labels, [hashLabel]: hash };
  const { selector, template } = spec;
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels,
      annotations: { [revisionAnnotation]: revision },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Conditions as given, with the time of the last change of each kept where its status is the same. */
function conditionsOf(
  deployment: Deployment,
  nowMs: number,
  wanted: [type: string, status: Condition["status"], reason: string, message: string][],
): Condition[] {
  const now = timestamp(nowMs);
  return wanted.map(([type, status, reason, message]) => {
    const before = deployment.status?.conditions?.find((one) => one.type === type);
    const sameStatus = before?.status === status;
    const same = sameStatus && before.reason === reason && before.message === message;
    return {
      type,
      status,
      reason,
      message,
      lastTransitionTime: (sameStatus ? before.lastTransitionTime : undefined) ?? now,
      lastUpdateTime: (same ? before.lastUpdateTime : undefined) ?? now,
    };
  });
}
