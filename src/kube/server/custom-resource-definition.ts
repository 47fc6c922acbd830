import type { KubeObject } from "../object.ts";
import { resourceKey, type ResourceDefinition } from "./resource.ts";

/** The CustomResourceDefinition of a resource that is served: without schemas, which are code here. */
export function customResourceDefinition(of: ResourceDefinition): KubeObject {
  const names = {
    plural: of.plural,
    singular: of.singular,
    kind: of.kind,
    listKind: `${of.kind}List`,
    ...(of.shortNames.length > 0 && { shortNames: of.shortNames }),
    ...(of.categories.length > 0 && { categories: of.categories }),
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: resourceKey(of) },
    spec: {
      group: of.group,
      names,
      scope: of.namespaced ? "Namespaced" : "Cluster",
      conversion: { strategy: "None" },
      versions: of.versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        ...(of.deprecatedVersions.includes(name) && { deprecated: true }),
        ...(of.subresources.includes("status") && { subresources: { status: {} } }),
        schema: {
          openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      })),
    },
    status: {
      acceptedNames: names,
      storedVersions: [of.versions[0]],
      conditions: ["NamesAccepted", "Established"].map((type) => ({ type, status: "True" })),
    },
  };
}
