import { hintAtNames, nearest } from "../../input/nearest.ts";
import {
  type At,
  inside,
  type JsonSchema,
  mistake,
  schemaOf,
  type Shape,
} from "../../input/shape.ts";
import type { YamlMap } from "../../input/yaml-file.ts";

/**
 * A mapping with one key that says what it is: `- ping: { … }`. `beside` are keys that may stand
 * beside it.
 */
export function tagged<T>(options: {
  what: "event" | "check";
  shapes: Readonly<Record<string, Shape<T>>>;
  beside: readonly string[];
  hintAt: (name: string) => string | undefined;
}): (
  node: Parameters<Shape<T>>[0],
  at: At,
) => { value: T; entries: YamlMap["entries"] } | undefined {
  const { what, shapes, beside, hintAt } = options;
  const names = Object.keys(shapes);
  const code = what === "event" ? "UnknownEvent" : "UnknownCheck";
  return (node, at) => {
    if (node.type === "scalar" && node.value !== null && Object.hasOwn(shapes, node.text)) {
      return mistake(
        at,
        "WrongType",
        `${what} '${node.text}' needs its fields`,
        `write \`${node.text}: { … }\``,
      );
    }
    if (node.type !== "map") {
      return mistake(at, "WrongType", `expected a ${what} such as \`${names[0]!}: { … }\``);
    }
    const keys = [...node.entries.keys()].filter((key) => !beside.includes(key));
    const known = keys.filter((key) => Object.hasOwn(shapes, key));
    for (const key of keys) {
      if (known.includes(key)) continue;
      const place = inside(at, key, node.entries.get(key)!);
      const hint =
        hintAt(key) ?? (nearest(key, beside) ? hintAtNames(key, beside) : hintAtNames(key, names));
      mistake(place, code, `no ${what} '${key}'`, hint);
    }
    const [tag, second] = known;
    if (tag === undefined) {
      if (keys.length === 0) mistake(at, code, `expected a ${what}`, hintAtNames("", names));
      return undefined;
    }
    if (second !== undefined) {
      const place = inside(at, second, node.entries.get(second)!);
      const hint = `begin a line of its own: \`- ${second}:\``;
      mistake(place, "BadValue", `one ${what} an item: '${tag}' is here already`, hint);
    }
    const body = node.entries.get(tag)!;
    const value = shapes[tag]!(body, inside(at, tag, body));
    return value === undefined ? undefined : { value, entries: node.entries };
  };
}

/** What `tagged` takes, for editors. `beside`: the schemas of the keys that may stand beside it. */
export function taggedSchema(
  shapes: Readonly<Record<string, Shape<unknown>>>,
  beside: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return {
    anyOf: Object.entries(shapes).map(([name, shape]) => ({
      type: "object",
      properties: { [name]: schemaOf(shape), ...beside },
      required: [name],
      additionalProperties: false,
    })),
  };
}
