import { type JsonSchema, schemaOf } from "../input/shape.ts";
import { labShape } from "./lab-file.ts";

/** JSON Schema (draft 2020-12) of `lab.yaml`, made of the shapes that read it. */
export function labJsonSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A Spinelab lab",
    ...schemaOf(labShape),
  };
}
