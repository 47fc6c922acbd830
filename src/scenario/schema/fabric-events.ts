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
import { count, family, locationOf } from "./values.ts";

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
  const between = refined(list(linkEnd, "a list of two nodes"), ([a, b, third], at) =>
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
    { between: optional(between), on: optional(on), set: oneOf(["up", "down"]) },
    "'link'",
  );
  return refined(shape, (fields, at) => {
    const named = [fields.between, fields.on].filter((each) => each !== undefined);
    if (named.length === 1) return { kind: "link" as const, link: named[0]!, set: fields.set };
    const hint = "`between: [tor0, router0]` or `on: tor0:net0`";
    return mistake(at, "BadValue", "'link' needs either 'between' or 'on'", hint);
  });
}

export function partitionEvent(reading: Reading): Shape<EventBody> {
  const isolate = list(nodeName(reading), "a list of nodes", false);
  return refined(fieldsOf({ isolate }, "'partition'"), (fields) => ({
    kind: "partition" as const,
    ...fields,
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
        family: optional(family),
        via: optional(reference(reading, gatewayTypes)),
        metric: count,
      },
      "'metric' of a route",
    ),
    (fields) => ({ kind: "metric" as const, of: "route" as const, ...fields }),
  );
  return described({ anyOf: [schemaOf(ofBgp), schemaOf(ofRoute)] }, (node, at) =>
    node.type === "map" && node.entries.has("route") ? ofRoute(node, at) : ofBgp(node, at),
  );
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
