import {
  anything,
  boolean,
  integer,
  list,
  mistake,
  object,
  oneOf,
  oneOrMore,
  optional,
  parsed,
  record,
  refined,
  type Shape,
  sourceOf,
  text,
} from "../../input/shape.ts";
import {
  defaultOrDestination,
  destination,
  nextHopTypes,
  nodeName,
  placeTypes,
  type Reading,
  reference,
  targetTypes,
} from "./mentions.ts";
import { tagged } from "./tagged.ts";
import type { Check, CheckBody, CheckKind } from "./types.ts";
import {
  checkedBounds,
  command,
  count,
  countBounds,
  duration,
  durationBounds,
  fieldPath,
  locationOf,
  matchFields,
  numberBounds,
  oneMatch,
  percentBounds,
  resourceFields,
  resourceReference,
  textMatch,
} from "./values.ts";

export const checkNames: readonly CheckKind[] = [
  "session",
  "route",
  "routes",
  "fib",
  "ping",
  "path",
  "http",
  "resource",
  "condition",
  "metric",
  "log",
  "exec",
  "outage",
  "converge",
];

/** An item of `expect:`. */
export function checkShape(reading: Reading, eventNames: readonly string[]): Shape<Check> {
  const shapes: Record<CheckKind, Shape<CheckBody>> = {
    session: sessionCheck(reading),
    route: routeCheck(reading),
    routes: routesCheck(reading),
    fib: fibCheck(reading),
    ping: pingCheck(reading),
    path: pathCheck(reading),
    http: httpCheck(reading),
    resource: resourceCheck(reading),
    condition: conditionCheck(reading),
    metric: metricCheck(reading),
    log: logCheck(reading),
    exec: execCheck(reading),
    outage: outageCheck(reading),
    converge: convergeCheck,
  };
  const read = tagged({
    what: "check",
    shapes,
    beside: [],
    hintAt: (name) =>
      eventNames.includes(name) ? `'${name}' is an event: it goes under 'do'` : undefined,
  });
  return (node, at) => {
    const check = read(node, at);
    return check && { ...check.value, source: sourceOf(at) };
  };
}

const families = ["ipv4-unicast", "ipv6-unicast"] as const;

const states = ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"] as const;

/**
 * `absent: true` says that the thing is not there, so nothing can be said about it: reports the
 * other fields. `about` are those that say which thing is meant.
 */
function isAlone(
  fields: object,
  about: readonly string[],
  at: Parameters<typeof mistake>[0],
): boolean {
  const others = Object.keys(fields).filter((name) => name !== "absent" && !about.includes(name));
  if (others.length === 0) return true;
  const message = `'absent' leaves nothing for ${others.map((name) => `'${name}'`).join(", ")} to look at`;
  mistake(at, "BadValue", message, "take one of them out");
  return false;
}

function sessionCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: nodeName(reading),
      to: reference(reading, nextHopTypes),
      absent: optional(boolean),
      state: optional(oneOrMore(oneOf(states), "a list of states")),
      family: optional(oneOf(families)),
      received: optional(countBounds),
      sent: optional(countBounds),
      uptime: optional(durationBounds),
    },
    "'session'",
  );
  return refined(shape, (fields, at) => {
    const { absent = false, state, family = "ipv4-unicast", uptime, ...rest } = fields;
    if (absent && !isAlone(fields, ["on", "to"], at)) return undefined;
    return {
      kind: "session" as const,
      ...rest,
      absent,
      states: state ?? (["Established"] as const).slice(),
      family,
      ...(uptime && { uptimeMs: uptime }),
    };
  });
}

/** AS numbers separated by spaces; empty for routes of the AS itself. */
const asPath = parsed(
  "AS numbers separated by spaces",
  (written) => {
    const words = written
      .trim()
      .split(/\s+/)
      .filter((word) => word !== "");
    return words.every((word) => /^\d+$/.test(word)) ? words.join(" ") : undefined;
  },
  'from the neighbor to the origin, such as "65000 65011"',
);

const wellKnownCommunities = [
  "accept-own",
  "blackhole",
  "graceful-shutdown",
  "internet",
  "llgr-stale",
  "local-as",
  "no-advertise",
  "no-export",
  "no-llgr",
  "no-peer",
];

const community = parsed(
  "a community such as 65000:1 or no-export",
  (written) => {
    const [high, low, third] = written.split(":");
    const isNumbers = [high, low].every(
      (part) => /^\d+$/.test(part ?? "") && Number(part) <= 65_535,
    );
    if (isNumbers && third === undefined) return written;
    return wellKnownCommunities.includes(written) ? written : undefined;
  },
  `well-known ones: ${wellKnownCommunities.join(", ")}`,
);

const largeCommunity = parsed("a large community such as 65000:1:2", (written) =>
  /^\d+:\d+:\d+$/.test(written) ? written : undefined,
);

function routeCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: nodeName(reading),
      prefix: destination(reading),
      absent: optional(boolean),
      via: optional(oneOrMore(reference(reading, nextHopTypes), "a list of next hops")),
      paths: optional(countBounds),
      // `asPath: ""` is empty text, which is not the same as nothing.
      asPath: optional(asPath),
      communities: optional(oneOrMore(community, "a list of communities")),
      largeCommunities: optional(oneOrMore(largeCommunity, "a list of large communities")),
      localPreference: optional(count),
      med: optional(count),
      origin: optional(oneOf(["IGP", "EGP", "incomplete"])),
      best: optional(boolean),
      why: optional(textMatch),
      stale: optional(boolean),
      installed: optional(boolean),
    },
    "'route'",
  );
  return refined(shape, (fields, at) => {
    const { absent = false, ...rest } = fields;
    if (absent && !isAlone(fields, ["on", "prefix"], at)) return undefined;
    return { kind: "route" as const, ...rest, absent };
  });
}

function routesCheck(reading: Reading): Shape<CheckBody> {
  const prefixes = list(destination(reading), "a list of prefixes");
  const shape = object(
    {
      on: nodeName(reading),
      family: optional(oneOf(families)),
      count: optional(countBounds),
      exactly: optional(prefixes),
      includes: optional(prefixes),
      excludes: optional(prefixes),
    },
    "'routes'",
  );
  return refined(shape, ({ family = "ipv4-unicast", ...rest }, at) => {
    if (Object.keys(rest).length > 1) return { kind: "routes" as const, ...rest, family };
    const needed = "'count', 'exactly', 'includes' or 'excludes'";
    return mistake(at, "MissingField", `'routes' needs ${needed}`);
  });
}

function fibCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: reference(reading, placeTypes),
      prefix: defaultOrDestination(reading),
      absent: optional(boolean),
      via: optional(oneOrMore(reference(reading, nextHopTypes), "a list of next hops")),
      dev: optional(text("the name of an interface")),
      metric: optional(count),
      nextHops: optional(countBounds),
      protocol: optional(text("a protocol such as bgp, static or kernel")),
    },
    "'fib'",
  );
  return refined(shape, (fields, at) => {
    const { absent = false, ...rest } = fields;
    if (absent && !isAlone(fields, ["on", "prefix"], at)) return undefined;
    return { kind: "fib" as const, ...rest, absent };
  });
}

function pingCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      from: reference(reading, placeTypes),
      to: reference(reading, targetTypes),
      count: optional(integer(1, 1000, "a number of packets")),
      loss: optional(percentBounds),
      rtt: optional(durationBounds),
    },
    "'ping'",
  );
  return refined(shape, ({ from, to, count: packets = 3, loss, rtt }) => ({
    kind: "ping" as const,
    from,
    to,
    count: packets,
    loss: loss ?? { atLeast: 0, atMost: 0 },
    ...(rtt && { rttMs: rtt }),
  }));
}

function pathCheck(reading: Reading): Shape<CheckBody> {
  const nodes = optional(list(nodeName(reading), "a list of nodes"));
  const shape = object(
    {
      from: reference(reading, placeTypes),
      to: reference(reading, targetTypes),
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

function httpCheck(reading: Reading): Shape<CheckBody> {
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
    },
    "'http'",
  );
  return refined(shape, (fields) => ({
    kind: "http" as const,
    ...fields,
    port: fields.port ?? 80,
    path: fields.path ?? "/",
    status: fields.status ?? 200,
  }));
}

function resourceCheck(reading: Reading): Shape<CheckBody> {
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

function conditionCheck(reading: Reading): Shape<CheckBody> {
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

function metricCheck(reading: Reading): Shape<CheckBody> {
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

function logCheck(reading: Reading): Shape<CheckBody> {
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

function execCheck(reading: Reading): Shape<CheckBody> {
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

function outageCheck(reading: Reading): Shape<CheckBody> {
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
const convergeCheck: Shape<CheckBody> = (node, at) => {
  if (node.type === "scalar") {
    const atMost = duration(node, at);
    return atMost === undefined ? undefined : { kind: "converge", withinMs: { atMost } };
  }
  const withinMs = durationBounds(node, at);
  return withinMs && { kind: "converge", withinMs };
};
