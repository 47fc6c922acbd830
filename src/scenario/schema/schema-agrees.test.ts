import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { Diagnostic } from "../../input/diagnostic.ts";
import { scenarioJsonSchema } from "./json-schema.ts";
import { readScenario } from "./read.ts";

/**
 * An editor, which has the schema, and `spinelab validate` find the same mistakes of form, whatever is changed in a
 * scenario. But for fields that are left empty: `exec:` and nothing after it is fine for validate, not for the schema.
 */
const scenarios = new URL("../../../scenarios/", import.meta.url);
const schema = z.fromJSONSchema(scenarioJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);

type Scenario = { steps: unknown[] } & Record<string, unknown>;
/** Each with one step of those that come with Spinelab. */
const seeds: Scenario[] = readdirSync(scenarios, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => parse(readFileSync(new URL(name, scenarios), "utf8")) as Scenario)
  .flatMap((scenario) => scenario.steps.map((step) => ({ ...scenario, steps: [step] })));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "spinelab-schema-agrees-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const values = [true, 7, -1, 1.5, "x", "", "5s", "50%", "tor0", [], ["x"], {}, { x: 1 }, [{}]];
const change = fc.record({
  seed: fc.nat(),
  at: fc.nat(),
  how: fc.constantFrom("delete", "rename", "add", "replace"),
  value: fc.constantFrom(...values),
});

type Change = typeof change extends fc.Arbitrary<infer Drawn> ? Drawn : never;
type Spot = { parent: Record<string, unknown> | unknown[]; key: string };

function spotsOf(value: unknown): Spot[] {
  if (typeof value !== "object" || value === null) return [];
  const parent = value as Record<string, unknown>;
  return Object.entries(parent).flatMap(([key, each]) => [{ parent, key }, ...spotsOf(each)]);
}

function changed({ seed, at, how, value }: Change): unknown {
  const scenario = structuredClone(seeds[seed % seeds.length]!);
  const spots = spotsOf(scenario);
  const { parent, key } = spots[at % spots.length]!;
  if (Array.isArray(parent)) {
    if (how === "delete") parent.splice(Number(key), 1);
    else if (how === "add") parent.push(value);
    else parent[Number(key)] = value;
  } else if (how === "add") parent["extra"] = value;
  else {
    const old = parent[key];
    delete parent[key];
    if (how === "rename") parent[`${key}x`] = old;
    if (how === "replace") parent[key] = value;
  }
  return scenario;
}

function found(scenario: unknown): { bySchema: boolean; byValidate: readonly Diagnostic[] } {
  const yaml = stringify(scenario);
  const file = join(folder, "s.yaml");
  writeFileSync(file, yaml);
  const read = readScenario(file, () => ({ problems: [] }));
  return {
    bySchema: !schema.safeParse(parse(yaml)).success,
    byValidate: "diagnostics" in read ? read.diagnostics : [],
  };
}

test("what the schema refuses validate refuses, of any mistake that is drawn", () => {
  fc.assert(
    fc.property(change, (drawn) => {
      const { bySchema, byValidate } = found(changed(drawn));
      fc.pre(bySchema);
      expect(byValidate).not.toEqual([]);
    }),
    { numRuns: 100, maxSkipsPerRun: 20 },
  );
});

/** Mistakes of form alone; a schema knows neither names nor what one field says of another. */
const ofForm = new Set(["UnknownField", "UnknownEvent", "UnknownCheck", "WrongType"]);

test("what validate refuses for its form the schema refuses", () => {
  fc.assert(
    fc.property(change, (drawn) => {
      const { bySchema, byValidate } = found(changed(drawn));
      // Of Kubernetes objects a scenario's schema says nothing.
      const mistakes = byValidate.filter(
        ({ code, path }) => ofForm.has(code) && !/\.(apply|patch)\b/.test(path),
      );
      fc.pre(mistakes.length > 0);
      expect({ bySchema, mistakes }).toMatchObject({ bySchema: true });
    }),
    { numRuns: 100, maxSkipsPerRun: 20 },
  );
});

test.each([
  "config: { on: tor0, lines: [router bgp 65000, 7] }",
  "config: { on: tor0, lines: 7 }",
  "exec: { on: tor0, command: 7 }",
])("a number is text where text is meant: %s", (event) => {
  const scenario: unknown = parse(`name: x\nsteps: [ { name: one, do: [ { ${event} } ] } ]`);
  expect(found(scenario)).toEqual({ bySchema: false, byValidate: [] });
});

test("a link is between two nodes", () => {
  const event = "link: { between: [tor0], set: up }";
  const scenario: unknown = parse(`name: x\nsteps: [ { name: one, do: [ { ${event} } ] } ]`);
  expect(found(scenario)).toMatchObject({ bySchema: true, byValidate: [{ code: "BadValue" }] });
});
