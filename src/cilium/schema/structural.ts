import { z } from "zod";

/** A node of a structural schema (apiextensions.k8s.io/v1 JSONSchemaProps), as far as Cilium's go. */
export type StructuralSchema = {
  type?: string;
  format?: string;
  properties?: Record<string, StructuralSchema>;
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  required?: string[];
  minimum?: number;
  maximum?: number;
  "x-kubernetes-preserve-unknown-fields"?: true;
  "x-kubernetes-validations"?: { rule: string; message: string }[];
  [keyword: string]: unknown;
};

const int32Max = 2 ** 31 - 1;

/**
 * The schema of a whole resource as its CustomResourceDefinition carries it: types, bounds, enums,
 * defaults; and what the schemas' `meta` says: patterns, formats, list-map keys, CEL rules.
 */
export function structuralSchema(resource: z.ZodType): StructuralSchema {
  const schema = z.toJSONSchema(resource, {
    target: "openapi-3.0",
    io: "input", // A field with a default need not be given.
    reused: "inline",
  });
  const { properties = {}, required = [] } = schema as StructuralSchema;
  const { apiVersion: _, kind: __, metadata: ___, ...own } = properties;
  return {
    type: "object",
    required: required.filter((name) => name in own),
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      // The server checks it by itself, and allows no schema for it.
      metadata: { type: "object" },
      ...Object.fromEntries(Object.entries(own).map(([name, field]) => [name, structural(field)])),
    },
  };
}

/** Without what a structural schema forbids, and with the words that Kubernetes has for the rest. */
function structural(schema: StructuralSchema): StructuralSchema {
  const { type, properties, items, additionalProperties, minimum, maximum, ...rest } = schema;
  const made: StructuralSchema = { ...(type === undefined ? {} : { type }), ...rest };
  if (type === "integer") {
    const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
    const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
    const isInt32 = most !== undefined && most <= int32Max;
    made.format = isInt32 ? "int32" : "int64";
    // int32's own bounds are said by the format.
    if (least !== undefined && least !== -int32Max - 1) made.minimum = least;
    if (most !== undefined && !(most === int32Max && made.minimum === undefined)) {
      made.maximum = most;
    }
  }
  if (properties) {
    made.properties = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, structural(field)]),
    );
    // `false` (strict) is what a structural schema means anyway: what it does not name is dropped.
    if (isOpen(additionalProperties)) made["x-kubernetes-preserve-unknown-fields"] = true;
  } else if (isOpen(additionalProperties)) {
    made["x-kubernetes-preserve-unknown-fields"] = true;
  } else if (typeof additionalProperties === "object") {
    made.additionalProperties = structural(additionalProperties);
  }
  if (items) made.items = structural(items);
  return made;
}

/** A loose object: `additionalProperties: {}`. */
function isOpen(additional: StructuralSchema | boolean | undefined): boolean {
  return typeof additional === "object" && Object.keys(additional).length === 0;
}

/** Without the CEL rules, which servers before Kubernetes 1.25 do not know. */
export function withoutRules(schema: StructuralSchema): StructuralSchema {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) =>
      key === "x-kubernetes-validations" ? undefined : value,
    ),
  ) as StructuralSchema;
}
