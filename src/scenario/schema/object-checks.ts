import {
  anything,
  boolean,
  integer,
  mistake,
  object,
  optional,
  parsed,
  record,
  refined,
  type Shape,
  text,
} from "../../input/shape.ts";
import { isAlone } from "./absent.ts";
import { nodeName, placeTypes, type Reading, reference } from "./mentions.ts";
import type { CheckBody } from "./types.ts";
import {
  checkedBounds,
  command,
  count,
  fieldPath,
  locationOf,
  matchFields,
  numberBounds,
  oneMatch,
  resourceFields,
  resourceReference,
  textMatch,
} from "./values.ts";

export function resourceCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      ...resourceFields,
      field: optional(fieldPath),
      absent: optional(boolean),
      equals: optional(anything),
      atLeast: optional(count),
      atMost: optional(count),
      contains: matchFields.contains,
      matches: matchFields.matches,
    },
    "'resource'",
  );
  return refined(shape, (fields, at) => {
    const { apiVersion, kind, namespace, name, field = [], absent = false, ...wanted } = fields;
    const given = {
      kind,
      name,
      ...(apiVersion && { apiVersion }),
      ...(namespace && { namespace }),
    };
    const resource = resourceReference(given, at);
    if (!absent) reading.mentions.push({ type: "resource", resource, at: locationOf(at) });
    const { equals, atLeast, atMost, contains, matches } = wanted;
    const bounds = {
      ...(atLeast !== undefined && { atLeast }),
      ...(atMost !== undefined && { atMost }),
    };
    const hasBounds = Object.keys(bounds).length > 0;
    const hasText = contains !== undefined || matches !== undefined;
    const ways = [equals !== undefined, hasBounds, hasText].filter(Boolean).length;
    if (ways > 1 || (contains !== undefined && matches !== undefined)) {
      const message = "'resource' takes one of 'equals', a range, 'contains', 'matches'";
      return mistake(at, "BadValue", message, "write a check for each");
    }
    const about = ["apiVersion", "kind", "namespace", "name", "field"];
    if (absent && !isAlone(fields, about, at)) return undefined;
    if (ways > 0 && field.length === 0) {
      return mistake(at, "MissingField", "'resource' needs 'field': which field to look at");
    }
    if (hasBounds && checkedBounds(bounds, at) === undefined) return undefined;
    const match = hasText
      ? oneMatch({ ...(contains !== undefined && { contains }), ...(matches && { matches }) }, at)
      : undefined;
    return {
      kind: "resource" as const,
      resource,
      field,
      absent,
      ...(equals !== undefined && { equals }),
      ...(hasBounds && { bounds }),
      ...(match && { text: match }),
    };
  });
}

export function conditionCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      ...resourceFields,
      type: text("the type of a condition"),
      status: optional(parsed("one of True, False, Unknown", conditionStatus)),
      reason: optional(text()),
    },
    "'condition'",
  );
  return refined(shape, ({ type, status = "True", reason, ...named }, at) => {
    const resource = resourceReference(named, at);
    reading.mentions.push({ type: "resource", resource, at: locationOf(at) });
    return {
      kind: "condition" as const,
      resource,
      type,
      status,
      ...(reason !== undefined && { reason }),
    };
  });
}

/** Without quotes YAML takes True for a boolean: both are fine. */
function conditionStatus(written: string): "True" | "False" | "Unknown" | undefined {
  return (["True", "False", "Unknown"] as const).find(
    (each) => each.toLowerCase() === written.toLowerCase(),
  );
}

export function metricCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: nodeName(reading, "kubernetes"),
      name: text("the name of a metric"),
      labels: optional(record(text())),
      value: numberBounds,
    },
    "'metric'",
  );
  return refined(shape, ({ labels = {}, ...rest }) => ({
    kind: "metric" as const,
    ...rest,
    labels,
  }));
}

export function logCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: reference(reading, placeTypes),
      of: optional(text("agent, a daemon or a container")),
      absent: optional(boolean),
      contains: matchFields.contains,
      equals: matchFields.equals,
      matches: matchFields.matches,
    },
    "'log'",
  );
  return refined(shape, ({ on, of, absent = false, ...wanted }, at) => {
    const line = oneMatch(wanted, at);
    return line && { kind: "log" as const, on, ...(of !== undefined && { of }), absent, line };
  });
}

export function execCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: reference(reading, placeTypes),
      command,
      exitCode: optional(integer(0, 255, "an exit code")),
      stdout: optional(textMatch),
    },
    "'exec'",
  );
  return refined(shape, ({ on, command: run, exitCode = 0, stdout }) => ({
    kind: "exec" as const,
    on,
    ...run,
    exitCode,
    ...(stdout && { stdout }),
  }));
}
