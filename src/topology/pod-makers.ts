import type { FabricNode, KubernetesMember } from "./fabric.ts";
import type { Manifest } from "./manifests.ts";

/** A manifest that makes pods, and where they can run. */
export type PodMaker = {
  kind: string;
  namespace: string;
  /** What a reference may call its pods: the owner's name and the `app` labels. */
  names: string[];
  /** `file:line` of the manifest. */
  source: string;
  spec: PodSpec;
};

type PodSpec = {
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  tolerations?: { key?: string; operator?: string; value?: string; effect?: string }[];
};

const templatedKinds = new Set(["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet", "Job"]);

export function podMakers(manifests: readonly Manifest[]): PodMaker[] {
  return manifests.flatMap(({ object, source }) => {
    const spec = mapping(object["spec"]);
    const template = mapping(spec["template"]);
    const isPod = object.kind === "Pod";
    if (!isPod && !templatedKinds.has(object.kind)) return [];
    const metadata = isPod ? object.metadata : mapping(template["metadata"]);
    const labels = mapping(metadata["labels"]);
    const apps = [labels["app"], labels["app.kubernetes.io/name"], labels["k8s-app"]];
    const names = [object.metadata.name, ...apps].filter((name) => typeof name === "string");
    return {
      kind: object.kind,
      namespace: object.metadata.namespace ?? "default",
      names: [...new Set(names)],
      source,
      spec: (isPod ? spec : mapping(template["spec"])) as PodSpec,
    };
  });
}

/** Why no pod of the maker runs on the node, or undefined where one can. Affinity is not looked at. */
export function whyNotOn({ spec }: PodMaker, node: FabricNode): string | undefined {
  const { kubernetes } = node;
  if (kubernetes === undefined) return `'${node.name}' is no Kubernetes node`;
  if (spec.nodeName !== undefined && spec.nodeName !== node.name) {
    return `it runs on '${spec.nodeName}' only`;
  }
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    if (kubernetes.labels[key] !== value)
      return `it runs on nodes with the label ${key}=${value} only`;
  }
  // A pod bound to its node by name has passed the scheduler, which minds NoSchedule.
  const minded = spec.nodeName === undefined ? ["NoSchedule", "NoExecute"] : ["NoExecute"];
  const taint = kubernetes.taints
    .filter(({ effect }) => minded.includes(effect))
    .find((each) => !(spec.tolerations ?? []).some((toleration) => tolerates(toleration, each)));
  if (taint === undefined) return undefined;
  return `it does not tolerate the node's taint ${taint.key}:${taint.effect}`;
}

/** Kubernetes' own rule: an empty key with Exists tolerates all, an empty effect every effect. */
function tolerates(
  toleration: NonNullable<PodSpec["tolerations"]>[number],
  taint: KubernetesMember["taints"][number],
): boolean {
  const { key, operator = "Equal", value = "", effect } = toleration;
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === "Exists";
  if (key !== taint.key) return false;
  return operator === "Exists" || value === (taint.value ?? "");
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
