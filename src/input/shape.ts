import type { Diagnostic } from "./diagnostic.ts";
import { hintAtNames } from "./nearest.ts";
import { type YamlDocument, type YamlNode, yamlValue } from "./yaml-file.ts";

/**
 * A shape turns YAML into a typed value and reports every mistake on the way, each with its line.
 * It returns undefined where there is no value at all; a list, record or object leaves out the parts
 * that were wrong, so that later checks can find further mistakes. Whoever reads a document looks
 * at `diagnostics` at the end.
 */
export type Shape<T> = ((node: YamlNode, at: At) => T | undefined) & {
  /** What an editor is told of it; absent where it can say nothing. */
  readonly schema?: JsonSchema;
};

/** A JSON Schema (draft 2020-12), or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Tells editors what a shape takes. Whoever writes a shape as a function of its own says so. */
export function described<T>(schema: JsonSchema, shape: Shape<T>): Shape<T> {
  return Object.assign((node: YamlNode, at: At) => shape(node, at), { schema });
}

export function schemaOf(shape: Shape<unknown>): JsonSchema {
  return shape.schema ?? {};
}

/** Any scalar: YAML makes a number of `65000` where text is meant. */
export function scalarSchema(description: string): JsonSchema {
  return { type: ["string", "number", "boolean"], description };
}

/** Where in a document a shape is, and where its mistakes go. */
export type At = {
  readonly file: string;
  readonly line: number;
  /** Dotted: `topology.nodes.tor0.exec[2]`. */
  readonly path: string;
  readonly diagnostics: Diagnostic[];
};

/** A place in a file that a later check can still point at. */
export type Location = Pick<At, "file" | "line" | "path">;

/** A value that remembers where it was written. */
export type Located<T> = { value: T; at: Location };

/** Reads a whole document. */
export function readShape<T>(
  shape: Shape<T>,
  document: YamlDocument,
  diagnostics: Diagnostic[],
): T | undefined {
  const { file, root } = document;
  return shape(root, { file, line: root.line, path: "", diagnostics });
}

export function diagnosticAt(
  at: Location,
  code: string,
  message: string,
  hint?: string,
): Diagnostic {
  const { file, line, path } = at;
  return { file, line, code, path, message, ...(hint !== undefined && { hint }) };
}

/** Reports a mistake and stands for the value that could not be had. */
export function mistake(at: At, code: string, message: string, hint?: string): undefined {
  at.diagnostics.push(diagnosticAt(at, code, message, hint));
}

/** `file:line`, as reports print it. */
export function sourceOf(at: Location): string {
  return `${at.file}:${at.line}`;
}

/** `at` for the value of a key. */
export function inside(at: At, key: string, node: YamlNode): At {
  return { ...at, line: node.line, path: at.path === "" ? key : `${at.path}.${key}` };
}

function insideList(at: At, index: number, node: YamlNode): At {
  return { ...at, line: node.line, path: `${at.path}[${index}]` };
}

/** What a node is, for people. */
export function inYaml(node: YamlNode): string {
  if (node.type === "map") return "a mapping (key: value)";
  if (node.type === "list") return "a list";
  if (node.value === null) return "nothing";
  return `'${node.text.length > 60 ? `${node.text.slice(0, 57)}…` : node.text}'`;
}

function wrongType(expected: string, node: YamlNode, at: At, hint?: string): undefined {
  return mistake(at, "WrongType", `expected ${expected}, not ${inYaml(node)}`, hint);
}

/** Left empty: `exec:` and nothing after it. */
export function isNull(node: YamlNode): boolean {
  return node.type === "scalar" && node.value === null;
}

/** Any scalar, as it is written: `no`, `2211:22` and `0123` are text. */
export function text(what = "text"): Shape<string> {
  return described(scalarSchema(what), (node, at) =>
    node.type === "scalar" && !isNull(node) ? node.text : wrongType(what, node, at),
  );
}

/** Text that `parse` turns into a value; undefined from it means that the text is not `expected`. */
export function parsed<T>(
  expected: string,
  parse: (text: string) => T | undefined,
  hint?: string,
  schema: JsonSchema = scalarSchema(expected),
): Shape<T> {
  return described(schema, (node, at) => {
    if (node.type !== "scalar" || isNull(node)) return wrongType(expected, node, at, hint);
    const value = parse(node.text);
    if (value !== undefined) return value;
    return mistake(at, "BadValue", `expected ${expected}, not ${inYaml(node)}`, hint);
  });
}

/** A whole number between the bounds, both included. */
export function integer(min: number, max: number, what = "a whole number"): Shape<number> {
  const expected = `${what} from ${min} to ${max}`;
  return parsed(
    expected,
    (written) => {
      if (!/^[+-]?\d+$/.test(written)) return undefined;
      const value = Number(written);
      return value >= min && value <= max ? value : undefined;
    },
    undefined,
    { type: "integer", minimum: min, maximum: max, description: expected },
  );
}

export const number: Shape<number> = parsed(
  "a number",
  (written) => {
    const value = Number(written);
    return written.trim() === "" || !Number.isFinite(value) ? undefined : value;
  },
  undefined,
  { type: "number" },
);

export const boolean: Shape<boolean> = parsed(
  "true or false",
  (written) => (/^true$/i.test(written) ? true : /^false$/i.test(written) ? false : undefined),
  undefined,
  { type: "boolean" },
);

export function oneOf<const T extends string>(words: readonly T[], code = "BadValue"): Shape<T> {
  const expected = words.length === 1 ? `'${words[0]}'` : `one of ${words.join(", ")}`;
  return described({ enum: [...words] }, (node, at) => {
    if (node.type !== "scalar" || isNull(node)) return wrongType(expected, node, at);
    const word = words.find((candidate) => candidate === node.text);
    if (word !== undefined) return word;
    const message = `expected ${expected}, not ${inYaml(node)}`;
    const hint = hintAtNames(node.text, words);
    return mistake(at, code, message, hint?.startsWith("did") ? hint : undefined);
  });
}

/** `isEmptyFine: false`: a list without items is a mistake. */
export function list<T>(item: Shape<T>, what = "a list", isEmptyFine = true): Shape<T[]> {
  const schema = {
    type: "array",
    items: schemaOf(item),
    ...(isEmptyFine ? {} : { minItems: 1 }),
  };
  return described(schema, (node, at) => {
    if (node.type !== "list") {
      return wrongType(what, node, at, "begin each item with `- ` on a line of its own");
    }
    if (!isEmptyFine && node.items.length === 0) {
      return mistake(at, "MissingValue", `expected ${what}, not an empty list`);
    }
    const read = node.items.map((each, index) => item(each, insideList(at, index, each)));
    return read.filter((value) => value !== undefined);
  });
}

/** A list, or one item without the list around it. */
export function oneOrMore<T>(item: Shape<T>, what = "a list"): Shape<T[]> {
  const many = list(item, what, false);
  return described({ anyOf: [schemaOf(item), schemaOf(many)] }, (node, at) => {
    if (node.type === "list") return many(node, at);
    const one = item(node, at);
    return one === undefined ? undefined : [one];
  });
}

/** A mapping whose keys the user chooses. */
export function record<T>(value: Shape<T>, what = "a mapping"): Shape<Record<string, T>> {
  const schema = { type: "object", additionalProperties: schemaOf(value) };
  return described(schema, (node, at) => {
    if (node.type !== "map") return wrongType(what, node, at);
    const entries = [...node.entries].map(
      ([key, each]) => [key, value(each, inside(at, key, each))] as const,
    );
    return Object.fromEntries(
      entries.filter((entry): entry is [string, T] => entry[1] !== undefined),
    );
  });
}

/** Whatever is there, as a plain value. */
export const anything: Shape<unknown> = (node) => yamlValue(node) ?? undefined;

/** A mapping with whatever in it. */
export const anyMapping: Shape<Record<string, unknown>> = described(
  { type: "object" },
  (node, at) =>
    node.type === "map"
      ? (yamlValue(node) as Record<string, unknown>)
      : wrongType("a mapping", node, at),
);

export function located<T>(shape: Shape<T>): Shape<Located<T>> {
  return described(schemaOf(shape), (node, at) => {
    const value = shape(node, at);
    const { file, line, path } = at;
    return value === undefined ? undefined : { value, at: { file, line, path } };
  });
}

/**
 * A further look at a value: `turn` returns the result, or reports what is wrong. It is not asked
 * where the shape reported something, since it would report what only follows from that.
 */
export function refined<T, U>(
  shape: Shape<T>,
  turn: (value: T, at: At) => U | undefined,
): Shape<U> {
  return described(schemaOf(shape), (node, at) => {
    const before = at.diagnostics.length;
    const value = shape(node, at);
    const isSound = value !== undefined && at.diagnostics.length === before;
    return isSound ? turn(value, at) : undefined;
  });
}

type Optional<T> = { optional: Shape<T> };

/** A field that may be left out; left empty (`exec:` and nothing after it) counts as left out. */
export function optional<T>(shape: Shape<T>): Optional<T> {
  return { optional: shape };
}

type Fields = Record<string, Shape<unknown> | Optional<unknown>>;

type FieldsOf<F extends Fields> = {
  [K in keyof F as F[K] extends Optional<unknown> ? never : K]: F[K] extends Shape<infer T>
    ? T
    : never;
} & {
  [K in keyof F as F[K] extends Optional<unknown> ? K : never]?: F[K] extends Optional<infer T>
    ? T
    : never;
};

export type Of<S> = S extends Shape<infer T> ? T : never;

/**
 * A mapping with exactly these fields. `unknownHint` may say more about a field that is not known
 * than the nearest known name does.
 */
export function object<F extends Fields>(
  fields: F,
  what = "a mapping",
  unknownHint: (field: string) => string | undefined = () => undefined,
): Shape<FieldsOf<F>> {
  const names = Object.keys(fields);
  return described(objectSchema(fields), (node, at) => {
    if (node.type !== "map") return wrongType(`${what} with ${inWords(names)}`, node, at);
    for (const [key, value] of node.entries) {
      if (Object.hasOwn(fields, key)) continue;
      const hint = unknownHint(key) ?? hintAtNames(key, names);
      mistake(inside(at, key, value), "UnknownField", `${what} has no field '${key}'`, hint);
    }
    const read: Record<string, unknown> = {};
    let isUsable = true;
    for (const [name, field] of Object.entries(fields)) {
      const value = node.entries.get(name);
      const isOptional = typeof field !== "function";
      if (value === undefined || isNull(value)) {
        if (isOptional) continue;
        const line = value?.line ?? at.line;
        mistake({ ...at, line }, "MissingField", `${what} needs '${name}'`);
        isUsable = false;
        continue;
      }
      const got = (isOptional ? field.optional : field)(value, inside(at, name, value));
      if (got !== undefined) read[name] = got;
      else if (!isOptional) isUsable = false;
    }
    return isUsable ? (read as FieldsOf<F>) : undefined;
  });
}

function objectSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields);
  const required = entries.flatMap(([name, field]) => (typeof field === "function" ? name : []));
  return {
    type: "object",
    properties: Object.fromEntries(
      entries.map(([name, field]) => [
        name,
        schemaOf(typeof field === "function" ? field : field.optional),
      ]),
    ),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function inWords(names: readonly string[]): string {
  if (names.length > 6) return `fields such as ${names.slice(0, 4).join(", ")}`;
  return `the field${names.length === 1 ? "" : "s"} ${names.join(", ")}`;
}
