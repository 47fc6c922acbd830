import { type CiliumResource, ciliumResources } from "./resources.ts";
import { structuralSchema, withoutRules } from "./structural.ts";

/** Tells the definitions that Spinelab installs from Cilium's own. */
export const partOfSpinelab = { "app.kubernetes.io/part-of": "spinelab" } as const;

/** Cilium's operator puts it on every definition of its own. */
export const ciliumSchemaVersionLabel = "io.cilium.k8s.crd.schema.version";

/** First server that evaluates `x-kubernetes-validations` by itself (beta, on by default). */
export const rulesSince = { major: 1, minor: 25 } as const;

/**
 * The CustomResourceDefinitions (apiextensions.k8s.io/v1) of every resource that the BGP control plane
 * uses. `rules`: with CEL rules, for servers that know them.
 */
export function customResourceDefinitions(options: { rules: boolean }) {
  return ciliumResources.map((resource) => definition(resource, options.rules));
}

function definition(resource: CiliumResource, rules: boolean) {
  const { group, kind, plural, singular, shortNames, categories, scope } = resource;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels: { ...partOfSpinelab } },
    spec: {
      group,
      scope,
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories },
      versions: resource.versions.map((version) => {
        const { name, served, storage, deprecated, deprecationWarning, schema } = version;
        const structural = structuralSchema(schema);
        return {
          name,
          served,
          storage,
          ...(deprecated && { deprecated }),
          ...(deprecationWarning !== undefined && { deprecationWarning }),
          ...(resource.statusSubresource && { subresources: { status: {} } }),
          additionalPrinterColumns: resource.printerColumns.map((column) => ({ ...column })),
          schema: { openAPIV3Schema: rules ? structural : withoutRules(structural) },
        };
      }),
    },
  };
}
