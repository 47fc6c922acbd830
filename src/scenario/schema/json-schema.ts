import { type JsonSchema, schemaOf } from "../../input/shape.ts";
import { checkNames } from "./checks.ts";
import { eventShape } from "./events.ts";
import type { Reading } from "./mentions.ts";
import { scenarioShape } from "./read.ts";

/**
 * JSON Schema (draft 2020-12) of a scenario file, made of the shapes that read it. It knows the form
 * alone: whether a node is there, only `spinelab validate` can tell.
 */
export function scenarioJsonSchema(): JsonSchema {
  const reading: Reading = {
    mentions: [],
    applied: [],
    validate: () => ({ problems: [] }),
    step: -1,
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A Spinelab scenario",
    ...schemaOf(scenarioShape(reading)),
    $defs: { event: schemaOf(eventShape(reading, checkNames)) },
  };
}
