import {
  type At,
  described,
  inside,
  integer,
  list,
  mistake,
  schemaOf,
  type Shape,
  sourceOf,
} from "../../input/shape.ts";
import type { YamlNode } from "../../input/yaml-file.ts";
import {
  chaosEvent,
  gatewayEvent,
  linkEvent,
  metricEvent,
  partitionEvent,
} from "./fabric-events.ts";
import type { Reading } from "./mentions.ts";
import { applyEvent, deleteEvent, patchEvent, scaleEvent } from "./object-events.ts";
import { agentEvent, configEvent, daemonEvent, execEvent, nodeEvent } from "./process-events.ts";
import { tagged, taggedSchema } from "./tagged.ts";
import type { EventBody, EventKind, ScenarioEvent } from "./types.ts";
import { duration } from "./values.ts";

/** Events that leave nothing to take back, or nothing that is known. `together`: its events each can. */
const notUndoable: ReadonlySet<EventKind> = new Set<EventKind>([
  "chaos",
  "config",
  "exec",
  "together",
]);

/** Where the schema of a scenario keeps that of an event, since events hold events. */
export const eventReference = { $ref: "#/$defs/event" };
const eventsSchema = { type: "array", items: eventReference, minItems: 1 };

/** An item of `do:`. */
export function eventShape(reading: Reading, checkNames: readonly string[]): Shape<ScenarioEvent> {
  const shapes: Record<EventKind, Shape<EventBody>> = {
    link: linkEvent(reading),
    agent: agentEvent(reading),
    metric: metricEvent(reading),
    config: configEvent(reading),
    daemon: daemonEvent(reading),
    node: nodeEvent(reading),
    gateway: gatewayEvent(reading),
    apply: applyEvent(reading),
    patch: patchEvent(reading),
    delete: deleteEvent(reading),
    exec: execEvent(reading),
    scale: scaleEvent(reading),
    partition: partitionEvent(reading),
    chaos: chaosEvent(reading),
    together: described(eventsSchema, (node, at) => {
      const events = list(eventShape(reading, checkNames), "a list of events", false)(node, at);
      return events && { kind: "together", events };
    }),
  };
  const timing = {
    after: schemaOf(duration),
    undoAfter: schemaOf(duration),
    repeat: schemaOf(times),
    every: schemaOf(duration),
  };
  const read = tagged({
    what: "event",
    shapes,
    beside: Object.keys(timing),
    hintAt: (name) =>
      checkNames.includes(name) ? `'${name}' is a check: it goes under 'expect'` : undefined,
  });
  return described(taggedSchema(shapes, timing), (node, at) => {
    const event = read(node, at);
    if (event === undefined) return undefined;
    const time = (name: string) => {
      const value = event.entries.get(name);
      return value && duration(value, inside(at, name, value));
    };
    const undoAfterMs = time("undoAfter");
    if (undoAfterMs !== undefined && !isUndoable(event.value)) {
      const place = inside(at, "undoAfter", event.entries.get("undoAfter")!);
      const hint = "write a second event that sets things right";
      mistake(place, "NotUndoable", `'${event.value.kind}' cannot be taken back`, hint);
    }
    const made: ScenarioEvent = {
      ...event.value,
      source: sourceOf(at),
      afterMs: time("after") ?? 0,
      times: timesOf(event.entries.get("repeat"), at),
    };
    const everyMs = time("every");
    if (everyMs !== undefined && made.times === 1) {
      const place = inside(at, "every", event.entries.get("every")!);
      mistake(place, "MissingField", "'every' goes with 'repeat'", "such as `repeat: 5`");
    }
    if (everyMs !== undefined) made.everyMs = everyMs;
    if (undoAfterMs !== undefined) made.undoAfterMs = undoAfterMs;
    return made;
  });
}

export const eventNames: readonly EventKind[] = [
  "link",
  "agent",
  "metric",
  "config",
  "daemon",
  "node",
  "gateway",
  "apply",
  "patch",
  "delete",
  "exec",
  "scale",
  "partition",
  "chaos",
  "together",
];

const times = integer(2, 10_000, "a number");

function timesOf(node: YamlNode | undefined, at: At): number {
  return (node && times(node, inside(at, "repeat", node))) ?? 1;
}

function isUndoable(event: EventBody): boolean {
  if (notUndoable.has(event.kind)) return false;
  return !("action" in event && ["restart", "upgrade"].includes(event.action));
}
