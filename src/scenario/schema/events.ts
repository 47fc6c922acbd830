import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  anyMapping,
  boolean,
  inside,
  integer,
  list,
  mistake,
  object,
  oneOf,
  oneOrMore,
  optional,
  refined,
  type Shape,
  sourceOf,
  text,
} from "../../input/shape.ts";
import { type Manifest, readManifest, readManifests } from "../../topology/manifests.ts";
import { parseReference } from "../../topology/references.ts";
import {
  defaultOrDestination,
  destination,
  gatewayTypes,
  nextHopTypes,
  nodeName,
  placeTypes,
  type Reading,
  reference,
} from "./mentions.ts";
import { tagged } from "./tagged.ts";
import type {
  EventBody,
  EventKind,
  LinkEnd,
  LinkReference,
  ResourceReference,
  ScenarioEvent,
} from "./types.ts";
import {
  command,
  count,
  duration,
  locationOf,
  resourceFields,
  resourceReference,
} from "./values.ts";

/** Events that leave something to take back. */
const undoable: ReadonlySet<EventKind> = new Set<EventKind>([
  "link",
  "metric",
  "gateway",
  "scale",
  "partition",
  "apply",
  "patch",
]);
/** Of these kinds: the actions that do. */
const undoableActions: ReadonlySet<string> = new Set(["stop", "pause"]);

/** An item of `do:`. */
export function eventShape(reading: Reading, checkNames: readonly string[]): Shape<ScenarioEvent> {
  const shapes: Record<EventKind, Shape<EventBody>> = {
    link: linkEvent(reading),
    agent: action("agent", nodeName(reading, "kubernetes"), agentActions),
    metric: metricEvent(reading),
    config: configEvent(reading),
    daemon: daemonEvent(reading),
    node: action("node", nodeName(reading), ["stop", "start", "restart", "pause", "unpause"]),
    gateway: gatewayEvent(reading),
    apply: applyEvent(reading),
    patch: patchEvent(reading),
    delete: refined(resource(reading, {}, "'delete'"), (fields) => ({
      kind: "delete" as const,
      resource: fields.resource,
    })),
    exec: execEvent(reading),
    scale: scaleEvent(reading),
    partition: partitionEvent(reading),
    together: (node, at) => {
      const events = list(eventShape(reading, checkNames), "a list of events", false)(node, at);
      return events && { kind: "together", events };
    },
  };
  const read = tagged({
    what: "event",
    shapes,
    beside: ["after", "undoAfter"],
    hintAt: (name) =>
      checkNames.includes(name) ? `'${name}' is a check: it goes under 'expect'` : undefined,
  });
  return (node, at) => {
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
    };
    if (undoAfterMs !== undefined) made.undoAfterMs = undoAfterMs;
    return made;
  };
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
  "together",
];

function isUndoable(event: EventBody): boolean {
  if (undoable.has(event.kind)) return true;
  return "action" in event && undoableActions.has(event.action);
}

/** `after` and `undoAfter` inside the braces are a likely slip. */
function timingHint(field: string): string | undefined {
  if (field !== "after" && field !== "undoAfter") return undefined;
  return `'${field}' stands beside the event's name, not inside it`;
}

function fieldsOf<F extends Parameters<typeof object>[0]>(fields: F, what: string) {
  return object(fields, what, timingHint);
}

const agentActions = ["restart", "kill", "stop", "start"] as const;

function action<K extends "agent" | "node", const A extends string>(
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

const linkEnd: Shape<LinkEnd> = (node, at) => {
  const written = text("a node (tor0) or an interface (tor0:net1)")(node, at);
  if (written === undefined) return undefined;
  const found = parseReference(written, ["node", "interface"]);
  if ("message" in found) return mistake(at, "BadReference", found.message, found.hint);
  const { node: name } = found.reference;
  return found.reference.type === "node"
    ? { node: name }
    : { node: name, interface: found.reference.interface };
};

function linkEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf(
    {
      between: optional(list(linkEnd, "a list of two nodes")),
      on: optional(linkEnd),
      set: oneOf(["up", "down"]),
    },
    "'link'",
  );
  return refined(shape, ({ between, on, set }, at) => {
    const [a, b, third] = between ?? [];
    let link: LinkReference;
    if (on !== undefined && between === undefined) {
      const { node, interface: name } = on;
      if (name === undefined) {
        const hint = `such as ${node}:eth1, or \`between: [${node}, OTHER]\``;
        return mistake(at, "BadReference", "'on' names one interface, NODE:INTERFACE", hint);
      }
      link = { on: { node, interface: name } };
    } else if (on === undefined && a !== undefined && b !== undefined && third === undefined) {
      link = { between: [a, b] };
    } else {
      const hint = "`between: [tor0, router0]` or `on: tor0:net0`";
      return mistake(at, "BadValue", "'link' needs 'between' with two nodes, or 'on'", hint);
    }
    reading.mentions.push({ type: "link", link, at: locationOf(at) });
    return { kind: "link" as const, link, set };
  });
}

function metricEvent(reading: Reading): Shape<EventBody> {
  const ofBgp = refined(
    fieldsOf(
      {
        on: nodeName(reading),
        neighbor: optional(reference(reading, nextHopTypes)),
        prefix: optional(destination(reading)),
        // 0 takes an earlier prepend away.
        asPathPrepend: optional(integer(0, 32, "a number")),
        med: optional(count),
        localPreference: optional(count),
      },
      "'metric'",
    ),
    (fields, at): EventBody | undefined => {
      const { asPathPrepend, med, localPreference } = fields;
      if ([asPathPrepend, med, localPreference].every((each) => each === undefined)) {
        const needed = "'asPathPrepend', 'med', 'localPreference' or 'route'";
        return mistake(at, "MissingField", `'metric' needs ${needed}`);
      }
      return { kind: "metric", of: "bgp", ...fields };
    },
  );
  const ofRoute = refined(
    fieldsOf(
      {
        on: nodeName(reading),
        route: defaultOrDestination(reading),
        via: optional(reference(reading, gatewayTypes)),
        metric: count,
      },
      "'metric' of a route",
    ),
    (fields) => ({ kind: "metric" as const, of: "route" as const, ...fields }),
  );
  return (node, at) =>
    node.type === "map" && node.entries.has("route") ? ofRoute(node, at) : ofBgp(node, at);
}

/** One text with line breaks, or a list. */
const configLines: Shape<string[]> = (node, at) => {
  const all =
    node.type === "scalar"
      ? text()(node, at)?.split("\n")
      : list(text("a line"), "a list of configuration lines")(node, at);
  const filled = all?.filter((line) => line.trim() !== "");
  if (filled === undefined || filled.length > 0) return filled;
  return mistake(at, "MissingValue", "no configuration line");
};

function configEvent(reading: Reading): Shape<EventBody> {
  return refined(fieldsOf({ on: nodeName(reading), lines: configLines }, "'config'"), (fields) => ({
    kind: "config" as const,
    ...fields,
  }));
}

function daemonEvent(reading: Reading): Shape<EventBody> {
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

function gatewayEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf(
    {
      on: nodeName(reading),
      do: optional(oneOf(["replace", "add", "delete"])),
      via: reference(reading, gatewayTypes),
      metric: optional(count),
    },
    "'gateway'",
  );
  return refined(shape, ({ do: what, ...fields }) => ({
    kind: "gateway" as const,
    action: what ?? "replace",
    ...fields,
  }));
}

/** Files and objects, in order; a file's path is relative to the scenario. */
function applyEvent(reading: Reading): Shape<EventBody> {
  const item: Shape<Manifest[]> = (node, at) => {
    if (node.type === "map") return readManifest(node, at, reading.validate, at.diagnostics);
    const written = text("a manifest file or an object")(node, at);
    if (written === undefined) return undefined;
    const file = resolve(dirname(at.file), written);
    if (!existsSync(file)) {
      const hint = "paths are relative to the scenario file";
      return mistake(at, "MissingFile", `no file '${written}'`, hint);
    }
    return readManifests([file], reading.validate, at.diagnostics);
  };
  const noted: typeof item = (node, at) => {
    const manifests = item(node, at);
    reading.applied.push(...(manifests ?? []));
    return manifests;
  };
  return refined(oneOrMore(noted, "a list of files and objects"), (read) => ({
    kind: "apply" as const,
    manifests: read.flat(),
  }));
}

/** Fields that name an object, and those of the event beside them. */
function resource<F extends Parameters<typeof object>[0]>(
  reading: Reading,
  more: F,
  what: string,
): Shape<{ resource: ResourceReference; fields: Record<string, unknown> }> {
  return refined(fieldsOf({ ...resourceFields, ...more }, what), (fields, at) => {
    const { apiVersion, kind, namespace, name } = fields as Parameters<typeof resourceReference>[0];
    const named = resourceReference(
      {
        kind,
        name,
        ...(apiVersion !== undefined && { apiVersion }),
        ...(namespace !== undefined && { namespace }),
      },
      at,
    );
    reading.mentions.push({ type: "resource", resource: named, at: locationOf(at) });
    return { resource: named, fields: fields as Record<string, unknown> };
  });
}

function patchEvent(reading: Reading): Shape<EventBody> {
  const shape = resource(reading, { merge: anyMapping }, "'patch'");
  return refined(shape, (read) => ({
    kind: "patch" as const,
    resource: read.resource,
    merge: read.fields["merge"] as Record<string, unknown>,
  }));
}

function scaleEvent(reading: Reading): Shape<EventBody> {
  const replicas = integer(0, 10_000, "a number of pods");
  return refined(resource(reading, { replicas }, "'scale'"), (read) => ({
    kind: "scale" as const,
    resource: read.resource,
    replicas: read.fields["replicas"] as number,
  }));
}

function execEvent(reading: Reading): Shape<EventBody> {
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

function partitionEvent(reading: Reading): Shape<EventBody> {
  const isolate = list(nodeName(reading), "a list of nodes", false);
  return refined(fieldsOf({ isolate }, "'partition'"), (fields) => ({
    kind: "partition" as const,
    ...fields,
  }));
}
