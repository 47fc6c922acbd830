import type { KubeObject } from "../object.ts";
import {
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
} from "../selector.ts";
import { badRequest } from "./api-error.ts";
import { isObject } from "./merge-patch.ts";
import type { ResourcePath } from "./request-path.ts";

/** What label and field selector and the path's namespace choose. */
export function chooser(
  path: ResourcePath,
  query: URLSearchParams,
): (object: KubeObject) => boolean {
  try {
    const labels = parseLabelSelector(query.get("labelSelector") ?? "");
    const fields = parseFieldSelector(query.get("fieldSelector") ?? "");
    const known = ["metadata.name", "metadata.namespace", ...(path.definition.fieldLabels ?? [])];
    for (const field of fields) {
      const label = field.path.join(".");
      if (known.includes(label)) continue;
      throw badRequest(
        `field label not supported: ${label}: of ${path.definition.plural} there are ${known.join(", ")}`,
      );
    }
    return (object) =>
      (path.namespace === undefined || object.metadata.namespace === path.namespace) &&
      matchesLabels(labels, object.metadata.labels) &&
      matchesFields(fields, object);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

export function versionOf(query: URLSearchParams): number | undefined {
  const text = query.get("resourceVersion");
  if (text === null || text === "") return undefined;
  if (!/^\d+$/.test(text)) {
    throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}`);
  }
  return Number(text);
}

export function dryRunOf(query: URLSearchParams, body: unknown): boolean {
  const inBody = isObject(body) && Array.isArray(body.dryRun) ? body.dryRun : [];
  const asked = [...query.getAll("dryRun"), ...(inBody as unknown[])].filter((one) => one !== "");
  if (asked.some((one) => one !== "All")) {
    throw badRequest(`dryRun: Unsupported value: supported values: "All"`);
  }
  return asked.length > 0;
}

export function fieldValidationOf(query: URLSearchParams): "Strict" | "Warn" | "Ignore" {
  const asked = query.get("fieldValidation") || "Warn";
  if (asked === "Strict" || asked === "Warn" || asked === "Ignore") return asked;
  throw badRequest(
    `fieldValidation: Unsupported value: ${JSON.stringify(asked)}: supported values: "", "Ignore", "Strict", "Warn"`,
  );
}
