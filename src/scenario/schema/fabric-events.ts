import {
  type At,
  described,
  integer,
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
import type { Impairment } from "../../runtime/impairments.ts";
import { parseReference } from "../../topology/references.ts";
import { fieldsOf } from "./event-fields.ts";
import {
  defaultOrDestination,
  destination,
  gatewayTypes,
  nextHopTypes,
  nodeName,
  type Reading,
  reference,
} from "./mentions.ts";
import type { EventBody, LinkEnd, LinkReference } from "./types.ts";
import { count, duration, durationBounds, family, locationOf, percent, rate } from "./values.ts";

const linkEndSchema = scalarSchema("a node (tor0) or an interface (tor0:net1)");

const linkEnd: Shape<LinkEnd> = described(linkEndSchema, (node, at) => {
  const written = text("a node (tor0) or an interface (tor0:net1)")(node, at);
  if (written === undefined) return undefined;
  const found = parseReference(written, ["node", "interface"]);
  if ("message" in found) return mistake(at, "BadReference", found.message, found.hint);
  const { node: name } = found.reference;
  return found.reference.type === "node"
    ? { node: name }
    : { node: name, interface: found.reference.interface };
});

export function linkEvent(reading: Reading): Shape<EventBody> {
  const noted = (link: LinkReference, at: At): LinkReference => {
    reading.mentions.push({ type: "link", link, at: locationOf(at) });
    return link;
  };
  const listed = list(linkEnd, "a list of two nodes");
  const two = described({ ...schemaOf(listed), minItems: 2, maxItems: 2 }, listed);
  const between = refined(two, ([a, b, third], at) =>
    a !== undefined && b !== undefined && third === undefined
      ? noted({ between: [a, b] }, at)
      : mistake(at, "BadValue", "a link is between two nodes", "such as [tor0, router0]"),
  );
  const on = refined(linkEnd, ({ node, interface: name }, at) => {
    if (name !== undefined) return noted({ on: { node, interface: name } }, at);
    const hint = `such as ${node}:eth1, or \`between: [${node}, OTHER]\``;
    return mistake(at, "BadReference", "'on' names one interface, NODE:INTERFACE", hint);
  });
  const shape = fieldsOf(
    {
      between: optional(between),
      on: optional(on),
      set: optional(oneOf(["up", "down"])),
      impair: optional(impairShape),
      from: optional(nodeName(reading)),
    },
    "'link'",
  );
  return refined(
    shape,
    ({ between: ends, on: end, set, impair, from }, at): EventBody | undefined => {
      if ((ends === undefined) === (end === undefined)) {
        const hint = "`between: [tor0, router0]` or `on: tor0:net0`";
        return mistake(at, "BadValue", "'link' needs either 'between' or 'on'", hint);
      }
      const link = (ends ?? end)!;
      if ((set === undefined) === (impair === undefined)) {
        const hint = "`set: down`, or `impair: { delay: 10ms }`";
        return mistake(at, "BadValue", "'link' needs either 'set' or 'impair'", hint);
      }
      if (set !== undefined) {
        if (from === undefined) return { kind: "link", link, set };
        return mistake(at, "BadValue", "'from' goes with 'impair': a cable is cut both ways");
      }
      const cable: EventBody = { kind: "link", link, set: "impair" };
      if (impair !== "none") cable.impair = impair!;
      if (from !== undefined) {
        cable.from = from;
        reading.mentions.push({ type: "sender", link, node: from, at: locationOf(at) });
      }
      return cable;
    },
  );
}

const impairFields = refined(
  fieldsOf(
    {
      delay: optional(duration),
      jitter: optional(duration),
      loss: optional(percent),
      corrupt: optional(percent),
      rate: optional(rate),
    },
    "'impair'",
  ),
  ({ delay, jitter, loss, corrupt, rate: bits }, at): Impairment | undefined => {
    const impairment: Impairment = {};
    if (delay !== undefined) impairment.delayMs = delay;
    if (jitter !== undefined) impairment.jitterMs = jitter;
    if (loss !== undefined) impairment.lossPercent = loss;
    if (corrupt !== undefined) impairment.corruptPercent = corrupt;
    if (bits !== undefined) impairment.rateBitsPerSecond = bits;
    if (Object.keys(impairment).length > 0) return impairment;
    return mistake(
      at,
      "MissingField",
      "'impair' needs delay, jitter, loss, corrupt or rate",
      "`impair: none` for a cable as new",
    );
  },
);

/** What a cable does from now on; `none`: as new. */
const impairShape: Shape<Impairment | "none"> = described(
  { anyOf: [{ const: "none" }, schemaOf(impairFields)] },
  (node, at) => (node.type === "scalar" && node.text === "none" ? "none" : impairFields(node, at)),
);

export function partitionEvent(reading: Reading): Shape<EventBody> {
  const isolate = list(nodeName(reading), "a list of nodes", false);
  return refined(fieldsOf({ isolate }, "'partition'"), (fields) => ({
    kind: "partition" as const,
    ...fields,
  }));
}
export function chaosEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf(
    {
      faults: integer(1, 1000, "a number"),
      of: list(
        oneOf(["link", "agent", "node", "partition"]),
        "a list of link, agent, node, partition",
        false,
      ),
      over: duration,
      lasting: durationBounds,
      spare: optional(list(nodeName(reading), "a list of nodes")),
    },
    "'chaos'",
  );
  return refined(shape, ({ faults, of, over, lasting, spare = [] }) => ({
    kind: "chaos" as const,
    ...{ faults, of, overMs: over, lastingMs: lasting, spare },
  }));
}

export function metricEvent(reading: Reading): Shape<EventBody> {
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
        const needed = "'asPathPrepend', 'med', 'localPreference', 'ospfCost' or 'route'";
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
        family: optional(family),
        via: optional(reference(reading, gatewayTypes)),
        metric: count,
      },
      "'metric' of a route",
    ),
    (fields) => ({ kind: "metric" as const, of: "route" as const, ...fields }),
  );
  const ofOspf = refined(
    fieldsOf(
      { on: reference(reading, ["interface"]), ospfCost: integer(1, 65_535, "a number") },
      "'metric' of OSPF",
    ),
    ({ on, ospfCost }) => ({ kind: "metric" as const, of: "ospf" as const, on, cost: ospfCost }),
  );
  const schemas = [ofBgp, ofRoute, ofOspf].map((shape) => schemaOf(shape as Shape<unknown>));
  return described({ anyOf: schemas }, (node, at) => {
    if (node.type === "map" && node.entries.has("ospfCost")) return ofOspf(node, at);
    return node.type === "map" && node.entries.has("route") ? ofRoute(node, at) : ofBgp(node, at);
  });
}

export function gatewayEvent(reading: Reading): Shape<EventBody> {
  const shape = fieldsOf(
    {
      on: nodeName(reading),
      do: optional(oneOf(["replace", "add", "delete"])),
      family: optional(family),
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
