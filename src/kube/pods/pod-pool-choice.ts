import type { CiliumPodIPPool } from "../../cilium/schema/pod-ip-pool.ts";
import type { Family } from "../../net/address.ts";
import type { Pod } from "../kinds.ts";
import type { KubeObject } from "../object.ts";
import { type LabelSelector, matchesLabels, requirementsOf } from "../selector.ts";

/** The pool of the pods that no other pool is for: here that is the node's podCIDR. */
const defaultPool = "default";
const requireMatch = "ipam.cilium.io/require-pool-match";

/**
 * The CiliumPodIPPool that a pod's address of a family is to be of; undefined: the node's podCIDR. The
 * pod's annotation counts first, `ipam.cilium.io/ipv4-pool` before `ip-pool`, then its namespace's, then
 * the pool whose selectors choose the pod. Throws where several do, or where none does that must.
 */
export function poolOf(
  pod: Pod,
  namespace: KubeObject | undefined,
  pools: readonly CiliumPodIPPool[],
  family: Family,
): string | undefined {
  const chosen =
    annotated(pod, family) ??
    annotated(namespace, family) ??
    selected(pod, namespace, pools, family);
  const isThere = pools.some(({ metadata }) => metadata.name === chosen);
  return chosen === defaultPool && !isThere ? undefined : chosen;
}

function annotated(object: KubeObject | undefined, family: Family): string | undefined {
  const { annotations = {} } = object?.metadata ?? {};
  return annotations[`ipam.cilium.io/${family}-pool`] ?? annotations["ipam.cilium.io/ip-pool"];
}

/** A pool without selectors is for those alone that name it. */
function selected(
  { metadata }: Pod,
  namespace: KubeObject | undefined,
  pools: readonly CiliumPodIPPool[],
  family: Family,
): string | undefined {
  const podLabels = {
    ...metadata.labels,
    "io.kubernetes.pod.namespace": metadata.namespace ?? "",
    "io.kubernetes.pod.name": metadata.name,
  };
  const fits = (selector: LabelSelector | undefined, labels: Record<string, string> | undefined) =>
    selector === undefined || matchesLabels(requirementsOf(selector), labels);
  const matching = pools
    .filter(
      ({ spec }) =>
        spec[family] !== undefined &&
        (spec.podSelector !== undefined || spec.namespaceSelector !== undefined) &&
        fits(spec.podSelector, podLabels) &&
        fits(spec.namespaceSelector, namespace?.metadata.labels),
    )
    .map((pool) => pool.metadata.name)
    .sort();
  const who = `pod ${metadata.namespace}/${metadata.name} (family=${family})`;
  if (matching.length > 1)
    throw new Error(`multiple CiliumPodIPPools match ${who}: ${matching.join(", ")}`);
  if (matching.length === 0) {
    const asking = [metadata, namespace?.metadata].findIndex(
      (each) => each?.annotations?.[requireMatch] === "true",
    );
    if (asking >= 0) {
      const where = asking === 0 ? "pod" : "namespace";
      throw new Error(
        `no matching CiliumPodIPPool found for ${who} and require-pool-match annotation is set on ${where}`,
      );
    }
  }
  return matching[0];
}
