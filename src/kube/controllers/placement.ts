import type { NodeObject, NodeSelectorTerm, PodSpec, Taint, Toleration } from "../kinds.ts";
import { matchesLabels, requirementsOf } from "../selector.ts";

/**
 * Why a pod may not run on a node, in the scheduler's words; undefined where it may. `NoSchedule` and
 * `NoExecute` taints count, `PreferNoSchedule` does not; for a pod that runs there already, `effects`
 * is `NoExecute` alone.
 */
export function obstacle(
  spec: PodSpec,
  node: NodeObject,
  extraTolerations: readonly Toleration[] = [],
  effects: readonly string[] = ["NoSchedule", "NoExecute"],
): string | undefined {
  if (!matchesNode(spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  const tolerations = [...(spec.tolerations ?? []), ...extraTolerations];
  const taints = [...(node.spec.taints ?? [])];
  if (node.spec.unschedulable) {
    taints.push({ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" });
  }
  const taint = taints.find(
    (one) => effects.includes(one.effect) && !tolerations.some((by) => tolerates(by, one)),
  );
  return taint && `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
}

/** corev1.Toleration.ToleratesTaint: an empty key with Exists tolerates every taint. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "Exists") return true;
  return key !== "" && value === (taint.value ?? "");
}

/** nodeSelector, and the required terms of nodeAffinity: any term whose requirements all hold. */
function matchesNode(spec: PodSpec, node: NodeObject): boolean {
  const { labels = {} } = node.metadata;
  if (!matchesLabels(requirementsOf({ matchLabels: spec.nodeSelector ?? {} }), labels)) {
    return false;
  }
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return true;
  return (required.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node));
}

/** A term without requirements matches nothing (nodeaffinity.NewNodeSelector). */
function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: NodeObject,
) {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { "metadata.name": node.metadata.name };
  return (
    matchesLabels(requirementsOf({ matchExpressions }), node.metadata.labels) &&
    matchesLabels(requirementsOf({ matchExpressions: matchFields }), fields)
  );
}
