import {
  type At,
  described,
  inside,
  integer,
  type Location,
  mistake,
  number,
  object,
  oneOf,
  optional,
  parsed,
  refined,
  scalarSchema,
  schemaOf,
  type Shape,
  text,
} from "../../input/shape.ts";
import { hintAtNames } from "../../input/nearest.ts";
import { isClusterScoped, knownKinds } from "../../topology/manifest-kinds.ts";
import { splitShellWords } from "../../topology/shell-words.ts";
import type { Bounds, ResourceReference, TextMatch } from "./types.ts";

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `10ms`, `2s`, `1.5m`: milliseconds. */
export const duration: Shape<number> = parsed(
  "a duration such as 10ms, 2s or 1m",
  (written) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(written);
    return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : undefined;
  },
  "write the unit: ms, s, m or h",
  {
    type: "string",
    description: "a duration such as 10ms, 2s or 1m",
    pattern: "^\\d+(\\.\\d+)?(ms|s|m|h)$",
  },
);

/** `5%`: a number from 0 to 100. */
export const percent: Shape<number> = parsed(
  "a percentage from 0% to 100%",
  (written) => {
    const match = /^(\d+(?:\.\d+)?)%$/.exec(written);
    return match && Number(match[1]) <= 100 ? Number(match[1]) : undefined;
  },
  "write the % sign",
  { type: "string", description: "a percentage from 0% to 100%", pattern: "^\\d+(\\.\\d+)?%$" },
);

const bitsPerSecond = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

/** `10mbit`: as tc(8) writes it, in bits per second. */
export const rate: Shape<number> = parsed(
  "a rate such as 500kbit, 10mbit or 1gbit",
  (written) => {
    const match = /^(\d+(?:\.\d+)?)([kmg]?bit)$/.exec(written);
    const value = match && Number(match[1]) * bitsPerSecond[match[2] as keyof typeof bitsPerSecond];
    return value ? Math.round(value) : undefined;
  },
  "write the unit: bit, kbit, mbit or gbit, and more than 0",
  {
    type: "string",
    description: "a rate such as 500kbit, 10mbit or 1gbit",
    pattern: "^\\d+(\\.\\d+)?[kmg]?bit$",
  },
);

/** Of IP, where a thing has addresses of both. */
export const family = oneOf(["ipv4", "ipv6"] as const);

export const count: Shape<number> = integer(0, 4_294_967_295, "a number");

function betweenBounds(unit: Shape<number>): Shape<Bounds> {
  return refined(
    object({ atLeast: optional(unit), atMost: optional(unit) }, "a range"),
    (bounds, at) => checkedBounds(bounds, at),
  );
}

/** At least one end, and the lower not above the upper. */
export function checkedBounds(bounds: Bounds, at: At): Bounds | undefined {
  const { atLeast, atMost } = bounds;
  if (atLeast === undefined && atMost === undefined) {
    return mistake(at, "MissingField", "a range needs 'atLeast', 'atMost' or both");
  }
  if (atLeast !== undefined && atMost !== undefined && atLeast > atMost) {
    return mistake(at, "BadValue", "'atLeast' is above 'atMost': nothing lies between");
  }
  return bounds;
}

/** `5`, or `{ atLeast: 3, atMost: 5 }`. */
function exactlyOrBetween(unit: Shape<number>): Shape<Bounds> {
  const between = betweenBounds(unit);
  return described({ anyOf: [schemaOf(unit), schemaOf(between)] }, (node, at) => {
    if (node.type === "map") return between(node, at);
    const value = unit(node, at);
    return value === undefined ? undefined : { atLeast: value, atMost: value };
  });
}

export const countBounds = exactlyOrBetween(count);
export const percentBounds = exactlyOrBetween(percent);
export const numberBounds = exactlyOrBetween(number);
/** A time is never met exactly: always with atLeast or atMost. */
export const durationBounds = betweenBounds(duration);

const matchFields = {
  contains: optional(text()),
  equals: optional(text()),
  matches: optional(
    refined(text("a regular expression"), (source, at) => {
      try {
        return new RegExp(source, "m");
      } catch (error) {
        return mistake(at, "BadValue", (error as Error).message);
      }
    }),
  ),
};

/** Text to be contained, or a mapping with one of contains, equals, matches. */
export const textMatch: Shape<TextMatch> = described(
  { anyOf: [scalarSchema("text that is contained"), schemaOf(object(matchFields))] },
  (node, at) => {
    if (node.type === "scalar" && node.value !== null) return { contains: node.text };
    const shape = refined(object(matchFields, "a text to look for"), oneMatch);
    return shape(node, at);
  },
);

type MatchFields = { contains?: string; equals?: string; matches?: RegExp };

/** Exactly one of the three. */
export function oneMatch(fields: MatchFields, at: At): TextMatch | undefined {
  const { contains, equals, matches } = fields;
  const given = [
    contains !== undefined && { contains },
    equals !== undefined && { equals },
    matches !== undefined && { matches },
  ].filter((each) => each !== false);
  if (given.length === 1) return given[0];
  return mistake(at, "BadValue", "needs exactly one of 'contains', 'equals', 'matches'");
}

export { matchFields };

/** A command as one text, split as a shell would, or as a list of words. */
const commandSchema = {
  anyOf: [scalarSchema("a command"), { type: "array", items: scalarSchema("a word") }],
  description: "a command: one text, split as a shell would without a shell, or a list of words",
};

export const command = described<{ command: string; argv: string[] }>(commandSchema, (node, at) => {
  if (node.type === "list") {
    const argv = node.items.map((item, i) => text()(item, inside(at, String(i), item)) ?? "");
    if (argv.length === 0) return mistake(at, "BadCommand", "the command is empty");
    return { command: argv.join(" "), argv };
  }
  const written = text("a command")(node, at);
  if (written === undefined) return undefined;
  const split = splitShellWords(written);
  if ("unfinished" in split) {
    return mistake(at, "BadCommand", `the command has ${split.unfinished}`);
  }
  if (split.words.length === 0) return mistake(at, "BadCommand", "the command is empty");
  return { command: written, argv: split.words };
});

export const resourceFields = {
  apiVersion: optional(text()),
  kind: text("a kind such as DaemonSet"),
  namespace: optional(text()),
  name: text("the object's name"),
};

type ResourceFields = { apiVersion?: string; kind: string; namespace?: string; name: string };

/** The object meant, with the namespace it is in. */
export function resourceReference(
  { apiVersion, kind, namespace, name }: ResourceFields,
  at: At,
): ResourceReference {
  if (apiVersion === undefined && !knownKinds().includes(kind)) {
    const hint = hintAtNames(kind, knownKinds()) ?? "give its apiVersion as well";
    mistake({ ...at, path: `${at.path}.kind` }, "UnknownKind", `no kind '${kind}'`, hint);
  }
  const reference: ResourceReference = { kind, name };
  if (apiVersion !== undefined) reference.apiVersion = apiVersion;
  if (!isClusterScoped(kind)) reference.namespace = namespace ?? "default";
  return reference;
}

/** `status.conditions[0].reason`, `metadata.labels['app.kubernetes.io/name']`. */
export const fieldPath: Shape<(string | number)[]> = parsed(
  "a field such as status.numberReady or status.conditions[0].reason",
  (written) => {
    const part = /\.?([A-Za-z_$][\w$-]*)|\[(\d+)\]|\['([^']+)'\]/y;
    const path: (string | number)[] = [];
    while (part.lastIndex < written.length) {
      const match = part.exec(written);
      if (!match) return undefined;
      path.push(match[2] === undefined ? (match[1] ?? match[3]!) : Number(match[2]));
    }
    return path.length > 0 ? path : undefined;
  },
  "a key with dots or slashes is written ['like.this']",
);

/** `at` without where its mistakes go. */
export function locationOf({ file, line, path }: At): Location {
  return { file, line, path };
}
