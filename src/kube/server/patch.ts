import type { KubeObject } from "../object.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";
import { ApiError } from "./api-error.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";

/** By media type of the request's body. */
export const patchTypes: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/**
 * The object with the patch applied. Server-side apply is a merge without ownership of fields: what
 * an applier leaves out stays. `custom`: of a custom resource, whose lists know no merge keys.
 */
export function applyPatch(
  before: KubeObject,
  patch: unknown,
  type: PatchType,
  custom: boolean,
): unknown {
  switch (type) {
    case "json":
      return jsonPatch(before, patch);
    case "merge":
      return mergePatch(before, patch);
    case "strategic":
      if (custom) {
        throw new ApiError(
          415,
          "UnsupportedMediaType",
          "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        );
      }
      return strategicMergePatch(before, patch);
    case "apply":
      return custom ? mergePatch(before, patch) : strategicMergePatch(before, patch);
  }
}
