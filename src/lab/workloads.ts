import type { Pod } from "../kube/kinds.ts";
import { isReady } from "../kube/kinds.ts";
import type { KubeObject } from "../kube/object.ts";

/** What is known of a cluster: its API server's own store, or a copy kept up to date. */
export type Workloads = {
  list(resource: "pods" | "daemonsets.apps" | "deployments.apps"): readonly KubeObject[];
};

type Workload = {
  replicas?: number;
  desiredNumberScheduled?: number;
  numberReady?: number;
  readyReplicas?: number;
  observedGeneration?: number;
};

/** Workloads and pods that do not run as asked, each with what is known of the reason. */
export function workloadsNotReady(api: Workloads): string[] {
  const missing: string[] = [];
  for (const { metadata, status } of api.list("daemonsets.apps")) {
    const { desiredNumberScheduled, numberReady, observedGeneration } = (status ?? {}) as Workload;
    if (observedGeneration !== metadata.generation || numberReady !== desiredNumberScheduled) {
      missing.push(
        `DaemonSet ${metadata.name}: ${numberReady ?? 0} of ${desiredNumberScheduled ?? "?"} ready`,
      );
    }
  }
  for (const object of api.list("deployments.apps")) {
    const { readyReplicas = 0 } = (object.status ?? {}) as Workload;
    const { replicas = 1 } = object.spec as Workload;
    if (readyReplicas !== replicas) {
      missing.push(`Deployment ${object.metadata.name}: ${readyReplicas} of ${replicas} ready`);
    }
  }
  for (const object of api.list("pods")) {
    const pod = object as Pod;
    if (pod.metadata.deletionTimestamp !== undefined || isReady(pod)) continue;
    if (pod.status?.phase === "Succeeded") continue;
    missing.push(`Pod ${pod.metadata.name}: ${whyNotReady(pod)}`);
  }
  return missing;
}

/** What is known of the reason. */
export function whyNotReady(pod: Pod): string {
  for (const container of pod.status?.containerStatuses ?? []) {
    const { waiting, terminated } = container.state ?? {};
    if (waiting) return `${waiting.reason}: ${waiting.message ?? ""}`;
    if (terminated) return `${container.name} ended with status ${terminated.exitCode}`;
  }
  const unscheduled = pod.status?.conditions?.find(
    (condition) => condition.type === "PodScheduled" && condition.status === "False",
  );
  return unscheduled?.message ?? pod.status?.phase ?? "Pending";
}
