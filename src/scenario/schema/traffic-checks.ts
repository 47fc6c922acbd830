import {
  described,
  integer,
  list,
  mistake,
  object,
  oneOf,
  optional,
  parsed,
  refined,
  schemaOf,
  type Shape,
  text,
} from "../../input/shape.ts";
import { nodeName, placeTypes, type Reading, reference, targetTypes } from "./mentions.ts";
import type { CheckBody } from "./types.ts";
import {
  checkedBounds,
  countBounds,
  duration,
  durationBounds,
  family,
  percentBounds,
  textMatch,
} from "./values.ts";

export function pingCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      from: reference(reading, placeTypes),
      to: reference(reading, targetTypes),
      family: optional(family),
      count: optional(integer(1, 1000, "a number of packets")),
      loss: optional(percentBounds),
      rtt: optional(durationBounds),
    },
    "'ping'",
  );
  return refined(shape, ({ from, to, family: of, count: packets = 3, loss, rtt }) => ({
    kind: "ping" as const,
    from,
    to,
    ...(of && { family: of }),
    count: packets,
    loss: loss ?? { atLeast: 0, atMost: 0 },
    ...(rtt && { rttMs: rtt }),
  }));
}

export function pathCheck(reading: Reading): Shape<CheckBody> {
  const nodes = optional(list(nodeName(reading), "a list of nodes"));
  const shape = object(
    {
      from: reference(reading, placeTypes),
      to: reference(reading, targetTypes),
      family: optional(family),
      through: nodes,
      avoids: nodes,
    },
    "'path'",
  );
  return refined(shape, (fields, at) => {
    if (fields.through !== undefined || fields.avoids !== undefined) {
      return { kind: "path" as const, ...fields };
    }
    return mistake(at, "MissingField", "'path' needs 'through' or 'avoids'");
  });
}

export function httpCheck(reading: Reading): Shape<CheckBody> {
  const path = parsed("a path that begins with '/'", (written) =>
    written.startsWith("/") ? written : undefined,
  );
  const shape = object(
    {
      from: reference(reading, placeTypes),
      to: reference(reading, targetTypes),
      port: optional(integer(1, 65_535, "a port")),
      path: optional(path),
      status: optional(integer(100, 599, "an HTTP status")),
      body: optional(textMatch),
      fails: optional(oneOf(["refused", "unreachable", "timeout"])),
    },
    "'http'",
  );
  return refined(shape, (fields, at) => {
    const { fails, status, body } = fields;
    if (fails !== undefined && (status !== undefined || body !== undefined)) {
      return mistake(at, "BadValue", "where 'fails' holds there is no 'status' and no 'body'");
    }
    return {
      kind: "http" as const,
      ...fields,
      port: fields.port ?? 80,
      path: fields.path ?? "/",
      status: status ?? 200,
    };
  });
}

export function outageCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      probe: text("the name of a probe"),
      atLeast: optional(duration),
      atMost: optional(duration),
      lost: optional(countBounds),
    },
    "'outage'",
  );
  return refined(shape, ({ probe, atLeast, atMost, lost }, at) => {
    const { file, line, path } = at;
    const place = { file, line, path: `${path}.probe` };
    reading.mentions.push({ type: "probe", probe, step: reading.step, at: place });
    const bounds = {
      ...(atLeast !== undefined && { atLeast }),
      ...(atMost !== undefined && { atMost }),
    };
    const hasBounds = Object.keys(bounds).length > 0;
    if (!hasBounds && lost === undefined) {
      return mistake(at, "MissingField", "'outage' needs 'atMost', 'atLeast' or 'lost'");
    }
    if (hasBounds && checkedBounds(bounds, at) === undefined) return undefined;
    return {
      kind: "outage" as const,
      probe,
      ...(hasBounds && { durationMs: bounds }),
      ...(lost && { lost }),
    };
  });
}

/** `2s` means at most. */
export const convergeCheck: Shape<CheckBody> = described(
  { anyOf: [schemaOf(duration), schemaOf(durationBounds)] },
  (node, at) => {
    if (node.type === "scalar") {
      const atMost = duration(node, at);
      return atMost === undefined ? undefined : { kind: "converge", withinMs: { atMost } };
    }
    const withinMs = durationBounds(node, at);
    return withinMs && { kind: "converge", withinMs };
  },
);
