import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import type { JsonSchema } from "../../input/shape.ts";
import { checkNames } from "./checks.ts";
import { eventNames } from "./events.ts";
import { scenarioJsonSchema } from "./json-schema.ts";

const file = new URL("../../../docs/scenario.schema.json", import.meta.url);

test("docs/scenario.schema.json is the schema (UPDATE_GOLDEN=1 writes it)", () => {
  const text = `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`;
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
});

test("it has every event and check, and says of each field what it takes", () => {
  const schema = scenarioJsonSchema() as Nested;
  const events = alternatives(schema["$defs"]!["event"]!);
  const step = schema["properties"]!["steps"]!["items"]!["properties"]!;
  const [check] = step["expect"]!["anyOf"] as unknown as [Nested];
  const checks = alternatives(check);
  expect(Object.keys(events)).toEqual(
    [...eventNames, "after", "every", "repeat", "undoAfter"].sort(),
  );
  expect(Object.keys(checks)).toEqual([...checkNames, "warn"].sort());
  const unsaid = [...fieldsWithoutSchema(events), ...fieldsWithoutSchema(checks)];
  // What a field of an object is to equal may be anything.
  expect(unsaid).toEqual(["resource.equals"]);
});

const folder = new URL("../../../scenarios/", import.meta.url);
const asZod = z.fromJSONSchema(scenarioJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);

test.each(
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".yaml"),
  ),
)("an editor finds no mistake in scenarios/%s", (name) => {
  const scenario: unknown = parse(readFileSync(new URL(name, folder), "utf8"));
  expect(asZod.safeParse(scenario).error?.message).toBeUndefined();
});

test.each([
  ["a field that is not there", { name: "x", steps: [{ name: "s", wihtin: "1s" }] }],
  ["a duration without its unit", { name: "x", steps: [{ name: "s", within: "30" }] }],
  ["two events in one", { name: "x", steps: [{ name: "s", do: [{ scale: {}, delete: {} }] }] }],
  [
    "an event of `together` that is none",
    { name: "x", steps: [{ name: "s", do: [{ together: [{ lnik: {} }] }] }] },
  ],
])("it marks %s", (_what, scenario) => {
  expect(asZod.safeParse(scenario).success).toBe(false);
});

function alternatives(schema: Nested): Nested {
  const each = (schema["anyOf"] as unknown as Nested[]).flatMap((one) =>
    Object.entries(one["properties"]!),
  );
  return Object.fromEntries(each.sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Nested = { [key: string]: Nested };

function fieldsWithoutSchema(properties: Nested, path: string[] = []): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const here = [...path, name];
    if (Object.keys(schema as JsonSchema).length === 0) return here.join(".");
    return fieldsWithoutSchema(schema["properties"] ?? {}, here);
  });
}
