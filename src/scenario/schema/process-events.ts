import {
  boolean,
  described,
  list,
  mistake,
  oneOf,
  optional,
  refined,
  type Shape,
  text,
} from "../../input/shape.ts";
import { fieldsOf } from "./event-fields.ts";
import { nodeName, placeTypes, type Reading, reference } from "./mentions.ts";
import type { EventBody } from "./types.ts";
import { command } from "./values.ts";

export const agentActions = ["restart", "kill", "stop", "start"] as const;

/** `{ on: NODE, do: ACTION }` */
export function action<K extends "agent" | "node", const A extends string>(
  kind: K,
  on: Shape<string>,
  actions: readonly A[],
) {
  return refined(fieldsOf({ on, do: oneOf(actions) }, `'${kind}'`), (fields) => ({
    kind,
    on: fields.on,
    action: fields.do,
  })) as Shape<EventBody>;
}

/** One text with line breaks, or a list. */
const linesSchema = {
  anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
  description: "lines of router configuration",
};

const configLines: Shape<string[]> = described(linesSchema, (node, at) => {
  const all =
    node.type === "scalar"
      ? text()(node, at)?.split("\n")
      : list(text("a line"), "a list of configuration lines")(node, at);
  const filled = all?.filter((line) => line.trim() !== "");
  if (filled === undefined || filled.length > 0) return filled;
  return mistake(at, "MissingValue", "no configuration line");
});

export function configEvent(reading: Reading): Shape<EventBody> {
  return refined(fieldsOf({ on: nodeName(reading), lines: configLines }, "'config'"), (fields) => ({
    kind: "config" as const,
    ...fields,
  }));
}

export function daemonEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf(
    {
      on: nodeName(reading),
      daemon: optional(text("a daemon such as bgpd")),
      do: oneOf(agentActions),
    },
    "'daemon'",
  );
  return refined(shape, ({ on, daemon, do: what }) => ({
    kind: "daemon" as const,
    on,
    ...(daemon !== undefined && { daemon }),
    action: what,
  }));
}

export function execEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf(
    { on: reference(reading, placeTypes), command, allowFailure: optional(boolean) },
    "'exec'",
  );
  return refined(shape, ({ on, command: run, allowFailure = false }) => ({
    kind: "exec" as const,
    on,
    ...run,
    allowFailure,
  }));
}
