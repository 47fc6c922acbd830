import {
  boolean,
  described,
  list,
  mistake,
  object,
  oneOf,
  oneOrMore,
  optional,
  parsed,
  refined,
  schemaOf,
  type Shape,
  text,
} from "../../input/shape.ts";
import { isAlone } from "./absent.ts";
import {
  defaultOrDestination,
  destination,
  nextHopTypes,
  nodeName,
  placeTypes,
  type Reading,
  reference,
} from "./mentions.ts";
import type { Carried, CheckBody } from "./types.ts";
import { count, countBounds, durationBounds, family, textMatch } from "./values.ts";

const families = ["ipv4-unicast", "ipv6-unicast"] as const;

const states = ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"] as const;

export function sessionCheck(reading: Reading): Shape<CheckBody> {
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
    const { absent = false, state, family: of = "ipv4-unicast", uptime, ...rest } = fields;
    if (absent && !isAlone(fields, ["on", "to"], at)) return undefined;
    return {
      kind: "session" as const,
      ...rest,
      absent,
      states: state ?? (["Established"] as const).slice(),
      family: of,
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

/** A list of which each must be there, or `{ exactly: […] }`: these and no others. */
function carried(one: Shape<string>, what: string): Shape<Carried> {
  const includes = oneOrMore(one, what);
  const exactly = object({ exactly: list(one, what) }, what);
  return described({ anyOf: [schemaOf(includes), schemaOf(exactly)] }, (node, at) => {
    if (node.type === "map") return exactly(node, at);
    const names = includes(node, at);
    return names && { includes: names };
  });
}

export function routeCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: nodeName(reading),
      prefix: destination(reading),
      family: optional(oneOf(families)),
      absent: optional(boolean),
      via: optional(oneOrMore(reference(reading, nextHopTypes), "a list of next hops")),
      paths: optional(countBounds),
      // `asPath: ""` is empty text, which is not the same as nothing.
      asPath: optional(asPath),
      communities: optional(carried(community, "a list of communities")),
      largeCommunities: optional(carried(largeCommunity, "a list of large communities")),
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
    if (absent && !isAlone(fields, ["on", "prefix", "family"], at)) return undefined;
    return { kind: "route" as const, ...rest, absent };
  });
}

export function routesCheck(reading: Reading): Shape<CheckBody> {
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
  return refined(shape, ({ family: of = "ipv4-unicast", ...rest }, at) => {
    if (Object.keys(rest).length > 1) return { kind: "routes" as const, ...rest, family: of };
    const needed = "'count', 'exactly', 'includes' or 'excludes'";
    return mistake(at, "MissingField", `'routes' needs ${needed}`);
  });
}

export function fibCheck(reading: Reading): Shape<CheckBody> {
  const shape = object(
    {
      on: reference(reading, placeTypes),
      prefix: defaultOrDestination(reading),
      family: optional(family),
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
    if (absent && !isAlone(fields, ["on", "prefix", "family"], at)) return undefined;
    return { kind: "fib" as const, ...rest, absent };
  });
}
