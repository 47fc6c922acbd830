import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "../manual-clock.ts";
import type { KubeObject } from "../object.ts";
import { ApiError } from "./api-error.ts";
import { builtInResources } from "./built-in-resources.ts";
import { ciliumResources } from "./cilium-resources.ts";
import { KubeApi } from "./kube-api.ts";
import { patchTypes } from "./patch.ts";
import { Representation } from "./representation.ts";
import { apiVersionOf, resourceKey } from "./resource.ts";

const resources = [...builtInResources, ...ciliumResources];
const names = [
  ...["name", "labels", "annotations", "finalizers", "ownerReferences", "generateName", "uid"],
  ...["selector", "matchLabels", "template", "metadata", "spec", "containers", "image", "env"],
  ...["ports", "tolerations", "replicas", "updateStrategy", "status", "conditions", "type", "data"],
  ...["advertisements", "bgpInstances", "$patch", "__proto__", "endpoints", "subsets", "taints"],
];
/** JSON that looks like an object of Kubernetes here and there. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, 0, -1, 1.5, "", "a", "A_", "x".repeat(300), "matchLabels"),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom(...names), tie("value")), { maxLength: 6 })
    .map(
      (entries) =>
        JSON.parse(
          `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`,
        ) as object,
    ),
}));

/** Whether it worked or was refused as the client's fault; anything else is a defect and thrown. */
function answered(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code < 500) return true;
    throw error;
  }
}

test("whatever is sent is stored or refused, and what is stored can be listed", () => {
  const clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
  const api = new KubeApi({ resources, clock });
  fc.assert(
    fc.property(
      fc.constantFrom(...resources),
      json.object as fc.Arbitrary<object>,
      json.value,
      json.value,
      fc.constantFrom(...Object.values(patchTypes)),
      (definition, metadata, spec, patch, type) => {
        const key = resourceKey(definition);
        const sent = { metadata: { name: "a", ...metadata }, spec, ...(patch as object) };
        const named = { metadata: { name: "a" }, spec } as unknown as KubeObject;
        answered(() => api.create(key, sent as unknown as KubeObject));
        answered(() => api.create(key, named));
        answered(() => api.update(key, sent as unknown as KubeObject));
        const at = definition.namespaced ? { namespace: "default", name: "a" } : { name: "a" };
        answered(() => api.patch(key, at, patch, type));
        answered(() => api.patch(key, at, { spec: patch }, type));
        const table = new Representation({
          definition,
          version: definition.versions[0]!,
          form: "table",
          includeObject: null,
          nowMs: () => clock.nowMs(),
        });
        const listed = table.list(api.list(key), api.version) as { rows: unknown[] };
        expect(listed.rows).toHaveLength(api.list(key).length);
        for (const object of api.list(key)) {
          expect(object.apiVersion).toBe(apiVersionOf(definition));
          if (object.metadata.name === "a") answered(() => api.delete(key, object.metadata));
        }
      },
    ),
    { numRuns: 300 },
  );
});
