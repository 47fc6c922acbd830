import type { JsonSchema } from "../input/shape.ts";

/**
 * TypeScript types of the JSON Schema of scenarios, so that what is written in code is checked as
 * what is written in a file is completed. Only the kinds of schema that shapes make.
 */
export function typesOfSchema(schema: JsonSchema): string {
  const { properties, $defs } = schema as Nested;
  const step = (properties!["steps"] as Nested).items!;
  const expect = (step.properties!["expect"]!.anyOf as Nested[])[0]!;
  return [
    "// Made of the shapes that read scenario files, see scenario-types.test.ts. Do not edit.",
    "",
    "/** An item of `do:`. */",
    `export type EventInput = ${typeOf($defs!["event"]!)};`,
    "",
    "/** An item of `expect:`. */",
    `export type CheckInput = ${typeOf(expect)};`,
    "",
    "/** A step as a scenario file has it; its name may be left out. */",
    `export type StepInput = { name?: string } & Omit<${stepType(step, expect)}, "name">;`,
    "",
  ].join("\n");
}

type Nested = JsonSchema & {
  type?: string | string[];
  properties?: Record<string, Nested>;
  $defs?: Record<string, Nested>;
  items?: Nested;
  anyOf?: Nested[];
  const?: string;
  enum?: string[];
  required?: string[];
  additionalProperties?: boolean | Nested;
  $ref?: string;
  description?: string;
};

/** Checks by their name where they are the same. */
function stepType(step: Nested, check: Nested): string {
  const text = typeOf(step);
  return text.replaceAll(typeOf(check), "CheckInput");
}

function typeOf(schema: Nested): string {
  if (schema.$ref !== undefined) return "EventInput";
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(" | ");
  if (schema.type === undefined) return "unknown";
  const types = [schema.type].flat().map((type) => ofType(type, schema));
  return [...new Set(types)].join(" | ");
}

function ofType(type: string, schema: Nested): string {
  switch (type) {
    case "integer":
    case "number":
      return "number";
    case "boolean":
    case "string":
      return type;
    case "array":
      return `(${typeOf(schema.items ?? {})})[]`;
    case "object":
      return objectType(schema);
    default:
      throw new Error(`no TypeScript for the type ${type}`);
  }
}

function objectType({ properties, required = [], additionalProperties }: Nested): string {
  if (properties === undefined) {
    const value =
      typeof additionalProperties === "object" ? typeOf(additionalProperties) : "unknown";
    return `Record<string, ${value}>`;
  }
  const fields = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? "" : "?";
    const about = schema.description === undefined ? "" : `/** ${schema.description} */\n`;
    return `${about}${name}${optional}: ${typeOf(schema)};`;
  });
  return `{\n${fields.join("\n")}\n}`;
}
