import type { Diagnostic } from "../input/diagnostic.ts";
import { hintAtNames } from "../input/nearest.ts";
import { diagnosticAt, inYaml, type Location } from "../input/shape.ts";
import { lineOfPath, readYamlFile, type YamlNode, yamlValue } from "../input/yaml-file.ts";
import { builtInKinds, isClusterScoped, knownKinds } from "./manifest-kinds.ts";
import { workloadProblems } from "./workload-checks.ts";

/** A Kubernetes object as a manifest file writes it. */
export type Manifest = {
  object: ManifestObject;
  /** file:line of the object's first line. */
  source: string;
};

/** JSON, with what every object must have. */
export type ManifestObject = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    /** Set on every object of a namespaced kind that is known: `default` where the file has none. */
    namespace?: string;
    labels?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
};

/** A mistake in an object; `path` from its top: `spec.peers[0].peerASN`. */
export type ManifestProblem = { path: string; message: string; code: string; hint?: string };

/** Checks an object of group cilium.io or metallb.io against its kind's schema. */
export type ValidateResource = (object: object) => { problems: readonly ManifestProblem[] };

/** Reads manifest files in order; mistakes go to `diagnostics`. */
export function readManifests(
  files: readonly string[],
  validate: ValidateResource,
  diagnostics: Diagnostic[],
): Manifest[] {
  const manifests: Manifest[] = [];
  for (const file of files) {
    const content = readYamlFile(file);
    if ("diagnostics" in content) {
      diagnostics.push(...content.diagnostics);
      continue;
    }
    for (const { root } of content.documents) {
      const at = { file, line: root.line, path: "" };
      manifests.push(...readManifest(root, at, validate, diagnostics));
    }
  }
  reportDuplicates(manifests, diagnostics);
  return manifests;
}

/** One YAML document, or an object inside a scenario: an object or a `List` of them. */
export function readManifest(
  node: YamlNode,
  at: Location,
  validate: ValidateResource,
  diagnostics: Diagnostic[],
): Manifest[] {
  const within = (path: string): Location => ({
    file: at.file,
    line: lineOfPath(node, path),
    path: [at.path, path].filter((part) => part !== "").join("."),
  });
  const report = ({ path, code, message, hint }: ManifestProblem) => {
    diagnostics.push(diagnosticAt(within(path), code, message, hint));
  };
  if (node.type !== "map") {
    const hint = "it begins with apiVersion, kind and metadata";
    report({ path: "", code: "WrongType", message: "expected a Kubernetes object", hint });
    return [];
  }
  const items = node.entries.get("items");
  if (textOf(node, "kind")?.endsWith("List") && items?.type === "list") {
    return items.items.flatMap((item, index) => {
      const place = { file: at.file, line: item.line, path: `${within("items").path}[${index}]` };
      return readManifest(item, place, validate, diagnostics);
    });
  }

  const metadata = node.entries.get("metadata");
  const missing = [
    ...["apiVersion", "kind"].filter((field) => !textOf(node, field)),
    ...(metadata?.type === "map" && textOf(metadata, "name") ? [] : ["metadata.name"]),
  ];
  for (const field of missing) {
    const hint = field === "metadata.name" ? "every object has a name" : undefined;
    const message = `a Kubernetes object needs '${field}'`;
    report({ path: field, code: "MissingField", message, ...(hint && { hint }) });
  }
  // YAML makes a number of `apiVersion: 1`.
  const noText = ["apiVersion", "kind"].filter(
    (field) => !missing.includes(field) && typeof yamlValue(node.entries.get(field)!) !== "string",
  );
  for (const path of noText) {
    const message = `expected text, not ${inYaml(node.entries.get(path)!)}`;
    report({ path, code: "WrongType", message });
  }
  if (missing.length + noText.length > 0) return [];

  const object = yamlValue(node) as ManifestObject;
  object.metadata.name = String(object.metadata.name);
  const group = object.apiVersion.split("/")[0];
  const isCilium = group === "cilium.io";
  const problems = [
    ...nameProblems(object),
    ...(isCilium || group === "metallb.io"
      ? validate(object).problems
      : [...kindProblems(object), ...workloadProblems(object)]),
  ];
  problems.forEach(report);
  if (isClusterScoped(object.kind)) delete object.metadata.namespace;
  else if (isCilium || builtInKinds.has(object.kind)) object.metadata.namespace ??= "default";
  return [{ object, source: `${at.file}:${at.line}` }];
}

/** `Kind namespace/name`, or `Kind name` of a cluster-wide kind. */
export function objectName({ kind, metadata }: ManifestObject): string {
  const { namespace, name } = metadata;
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

function textOf(node: YamlNode, field: string): string | undefined {
  const value = node.type === "map" ? node.entries.get(field) : undefined;
  return value?.type === "scalar" && value.value !== null ? value.text : undefined;
}

function nameProblems({ metadata }: ManifestObject): ManifestProblem[] {
  const problems: ManifestProblem[] = [];
  for (const field of ["name", "namespace"] as const) {
    const value = metadata[field];
    if (value === undefined) continue;
    if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(String(value)) && String(value).length <= 253)
      continue;
    problems.push({
      path: `metadata.${field}`,
      code: "BadValue",
      message: `'${String(value)}' is no name Kubernetes takes`,
      hint: "lower case letters, digits, '-' and '.', at most 253 of them",
    });
  }
  return problems;
}

/** A misspelled kind, or one of another apiVersion. Kinds of other groups may be custom resources. */
function kindProblems({ apiVersion, kind }: ManifestObject): ManifestProblem[] {
  const right = builtInKinds.get(kind);
  if (right?.includes(apiVersion)) return [];
  if (right) {
    const message = `${kind} is not of apiVersion '${apiVersion}'`;
    return [{ path: "apiVersion", code: "UnknownKind", message, hint: `write \`${right[0]!}\`` }];
  }
  const isBuiltInGroup = [...builtInKinds.values()].flat().includes(apiVersion);
  if (!isBuiltInGroup) return [];
  const hint = hintAtNames(kind, knownKinds());
  const message = `no kind '${kind}' of apiVersion '${apiVersion}'`;
  return [{ path: "kind", code: "UnknownKind", message, ...(hint?.startsWith("did") && { hint }) }];
}

function reportDuplicates(manifests: readonly Manifest[], diagnostics: Diagnostic[]): void {
  const first = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const name = objectName(manifest.object);
    const group = manifest.object.apiVersion.split("/").slice(0, -1).join("/");
    const key = `${group} ${name}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, manifest);
    else {
      const line = Number(manifest.source.slice(manifest.source.lastIndexOf(":") + 1));
      const file = manifest.source.slice(0, manifest.source.lastIndexOf(":"));
      const message = `${name} is there twice: also ${other.source}`;
      diagnostics.push(
        diagnosticAt({ file, line, path: "metadata.name" }, "DuplicateObject", message),
      );
    }
  }
}
