import type { Container, Pod } from "../kinds.ts";
import type { KubeApi } from "../server/kube-api.ts";
import { fieldAt } from "../server/columns.ts";

/** The container cannot start as configured: a ConfigMap, Secret or field it names is not there. */
export class ContainerConfigError extends Error {
  override readonly name = "CreateContainerConfigError";
}

/** The container's environment and command line, references resolved and `$(NAME)` expanded. */
export function containerProcess(
  api: KubeApi,
  pod: Pod,
  container: Container,
): { argv: string[]; env: Record<string, string> } {
  const env: Record<string, string> = {};
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const source = configMapRef
      ? dataOf(api, pod, "configmaps", configMapRef)
      : secretRef && dataOf(api, pod, "secrets", secretRef);
    for (const [key, value] of Object.entries(source ?? {})) env[prefix + key] = value;
  }
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    const found = valueFrom ? referenced(api, pod, valueFrom) : expand(value, env);
    if (found !== undefined) env[name] = found;
  }
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  return { argv: words.map((word) => expand(word, env)), env };
}

type ValueFrom = NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>;

function referenced(api: KubeApi, pod: Pod, from: ValueFrom): string | undefined {
  if (from.fieldRef) return podField(pod, from.fieldRef.fieldPath);
  const [plural, reference] = from.configMapKeyRef
    ? (["configmaps", from.configMapKeyRef] as const)
    : (["secrets", from.secretKeyRef] as const);
  if (!reference)
    throw new ContainerConfigError("env: valueFrom names no source that is supported");
  const value = dataOf(api, pod, plural, reference)?.[reference.key];
  if (value === undefined && !reference.optional) {
    throw new ContainerConfigError(
      `couldn't find key ${reference.key} in ${plural} ${reference.name}`,
    );
  }
  return value;
}

function dataOf(
  api: KubeApi,
  pod: Pod,
  plural: "configmaps" | "secrets",
  { name, optional }: { name: string; optional?: boolean },
): Record<string, string> | undefined {
  const { namespace } = pod.metadata;
  const object = api.find(plural, { ...(namespace !== undefined && { namespace }), name });
  if (!object) {
    if (optional) return undefined;
    throw new ContainerConfigError(`${plural.slice(0, -1)} "${name}" not found`);
  }
  const data = Object.entries((object.data ?? {}) as Record<string, string>);
  const decoded = data.map(([key, value]): [string, string] => [
    key,
    plural === "secrets" ? Buffer.from(value, "base64").toString() : value,
  ]);
  return Object.fromEntries(decoded);
}

/** The downward API's fields: `metadata.labels['x']`, `spec.nodeName`, `status.podIP`, … */
function podField(pod: Pod, path: string): string {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (subscript) {
    return pod.metadata[subscript[1] as "labels" | "annotations"]?.[subscript[2]!] ?? "";
  }
  const value = fieldAt(pod, path.split("."));
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  throw new ContainerConfigError(`unsupported fieldPath: ${path}`);
}

/** `$(NAME)` of a known variable is its value, of an unknown one stays; `$$` is `$`. */
function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)/g, (match, name?: string) => {
    if (name === undefined) return "$";
    return Object.hasOwn(env, name) ? env[name]! : match;
  });
}
