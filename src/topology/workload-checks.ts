import type { ManifestObject, ManifestProblem } from "./manifests.ts";

/** Workloads that make pods of a template which their selector must match. */
const templatedKinds = new Set(["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]);

/**
 * What the API server would refuse, or what would make no pod, in objects that run pods. Only the
 * essentials: full validation is the API server's.
 */
export function workloadProblems(object: ManifestObject): ManifestProblem[] {
  if (object.kind === "Pod") return podProblems(object["spec"], "spec");
  if (!templatedKinds.has(object.kind)) return [];
  const spec = mapping(object["spec"]);
  if (spec === undefined) return [missing("spec", `a ${object.kind} needs 'spec'`)];
  const template = mapping(spec["template"]);
  const problems: ManifestProblem[] = [];
  const selector = mapping(spec["selector"]);
  if (selector === undefined) {
    const hint = "add `selector: {matchLabels: {app: NAME}}`";
    problems.push(missing("spec.selector", `a ${object.kind} needs a selector`, hint));
  }
  if (template === undefined) {
    return [...problems, missing("spec.template", `a ${object.kind} needs a template of its pods`)];
  }
  const labels = mapping(mapping(template["metadata"])?.["labels"]) ?? {};
  for (const [key, value] of Object.entries(mapping(selector?.["matchLabels"]) ?? {})) {
    if (labels[key] === value) continue;
    const has = Object.hasOwn(labels, key)
      ? `has ${key}=${String(labels[key])}`
      : `has no label '${key}'`;
    problems.push({
      path: `spec.selector.matchLabels.${key}`,
      code: "SelectorMismatch",
      message: `the selector wants ${key}=${String(value)}, but the template ${has}`,
      hint: "selector.matchLabels and template.metadata.labels are the same",
    });
  }
  return [...problems, ...podProblems(template["spec"], "spec.template.spec")];
}

function podProblems(spec: unknown, path: string): ManifestProblem[] {
  const containers = mapping(spec)?.["containers"];
  if (!Array.isArray(containers) || containers.length === 0) {
    return [missing(`${path}.containers`, "a pod needs at least one container")];
  }
  const names = new Set<unknown>();
  return containers.flatMap((each: unknown, index) => {
    const at = `${path}.containers[${index}]`;
    const container = mapping(each);
    if (container === undefined) {
      return [{ path: at, code: "WrongType", message: "a container has name and image" }];
    }
    const problems = ["name", "image"]
      .filter((field) => typeof container[field] !== "string" || container[field] === "")
      .map((field) => missing(`${at}.${field}`, `a container needs '${field}'`));
    for (const field of ["command", "args"]) {
      const value = container[field];
      const isTexts = Array.isArray(value) && value.every((word) => typeof word === "string");
      if (value === undefined || value === null || isTexts) continue;
      const message = `'${field}' is a list of texts`;
      const hint = 'such as ["sleep", "infinity"]; put numbers in quotes';
      problems.push({ path: `${at}.${field}`, code: "WrongType", message, hint });
    }
    if (typeof container["name"] === "string" && names.has(container["name"])) {
      const message = `another container is called '${container["name"]}'`;
      problems.push({ path: `${at}.name`, code: "DuplicateName", message });
    }
    names.add(container["name"]);
    return problems;
  });
}

function missing(path: string, message: string, hint?: string): ManifestProblem {
  return { path, code: "MissingField", message, ...(hint !== undefined && { hint }) };
}

function mapping(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
