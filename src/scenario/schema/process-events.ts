import {
  boolean,
  described,
  inside,
  list,
  mistake,
  oneOf,
  optional,
  refined,
  scalarSchema,
  schemaOf,
  type Shape,
  text,
} from "../../input/shape.ts";
import { fieldsOf } from "./event-fields.ts";
import { nodeName, placeTypes, type Reading, reference } from "./mentions.ts";
import type { EventBody } from "./types.ts";
import { command } from "./values.ts";

const daemonActions = ["restart", "kill", "stop", "start"] as const;
const agentActions = [...daemonActions, "upgrade"] as const;
const nodeActions = ["stop", "start", "restart", "pause", "unpause", "leave"] as const;

export function agentEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf(
    { on: nodeName(reading, "kubernetes"), do: oneOf(agentActions) },
    "'agent'",
  );
  return refined(shape, ({ on, do: action }) => ({ kind: "agent" as const, on, action }));
}

export function nodeEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf({ on: nodeName(reading), do: oneOf(nodeActions) }, "'node'");
  return described(schemaOf(shape), (node, at) => {
    const fields = shape(node, at);
    // Only a member can leave.
    if (fields?.do === "leave" && node.type === "map") {
      const on = node.entries.get("on")!;
      nodeName(reading, "kubernetes")(on, inside(at, "on", on));
    }
    return fields && { kind: "node", on: fields.on, action: fields.do };
  });
}

/** One text with line breaks, or a list. */
const linesSchema = {
  anyOf: [scalarSchema("lines"), { type: "array", items: scalarSchema("a line") }],
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
      do: oneOf(daemonActions),
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
