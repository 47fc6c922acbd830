import { isActive, type NodeObject, type Pod } from "../kinds.ts";
import { obstacle } from "./placement.ts";

export type Placement = { node: string } | { why: string };

/**
 * The node for a pod that has none: among those that take it, the one with the fewest pods of the
 * same owner, then with the fewest pods, then the first by name. Otherwise why there is none.
 */
export function place(pod: Pod, nodes: readonly NodeObject[], pods: readonly Pod[]): Placement {
  const obstacles = new Map<string, number>();
  const fit = nodes.filter((node) => {
    const why = obstacle(pod.spec, node) ?? notReady(node);
    if (why !== undefined) obstacles.set(why, (obstacles.get(why) ?? 0) + 1);
    return why === undefined;
  });
  if (fit.length === 0) {
    const told = [...obstacles].map(([why, count]) => `${count} ${why}`);
    const list = told.length === 0 ? "" : `: ${told.join(", ")}`;
    return { why: `0/${nodes.length} nodes are available${list}.` };
  }
  const owner = ownerOf(pod);
  const siblings = new Map<string, number>();
  const all = new Map<string, number>();
  for (const other of pods) {
    const { nodeName } = other.spec;
    if (nodeName === undefined || !isActive(other)) continue;
    all.set(nodeName, (all.get(nodeName) ?? 0) + 1);
    if (owner !== undefined && ownerOf(other) === owner) {
      siblings.set(nodeName, (siblings.get(nodeName) ?? 0) + 1);
    }
  }
  const names = fit.map((node) => node.metadata.name);
  const [best] = names.sort(
    (a, b) =>
      (siblings.get(a) ?? 0) - (siblings.get(b) ?? 0) ||
      (all.get(a) ?? 0) - (all.get(b) ?? 0) ||
      (a < b ? -1 : 1),
  );
  return { node: best! };
}

/** A real cluster's node controller taints nodes that are not ready; here readiness itself counts. */
function notReady(node: NodeObject): string | undefined {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
  return ready?.status === "True" ? undefined : "node(s) were not ready";
}

const ownerOf = (pod: Pod) =>
  pod.metadata.ownerReferences?.find((reference) => reference.controller)?.uid;
