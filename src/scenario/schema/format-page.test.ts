import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { filesFor, shown } from "../../input/files.testkit.ts";
import { readScenario } from "./read.ts";
import { scenario, valid } from "./seed-scenario.testkit.ts";

const page = readFileSync(new URL("../../../docs/scenario-format.md", import.meta.url), "utf8");
const [, events, checks] = page.split(/^## (?:Events|Checks|What runs today)$/m);
const examples = [...examplesOf(events!, "do"), ...examplesOf(checks!, "expect")];

/** Mappings in code quotes under each heading, which names the event or check. */
function examplesOf(section: string, key: "do" | "expect"): [string, string, string][] {
  return section.split(/^### /m).flatMap((part) => {
    const name = part.slice(0, part.indexOf("\n"));
    const found = part.matchAll(/`(\{ (?:on|between|isolate|from|kind|probe): [^`]*\})`/g);
    return [...found].map((each): [string, string, string] => [
      key,
      name,
      each[1]!.replaceAll("…", "tor0"),
    ]);
  });
}

test("docs/scenario-format.md begins with a scenario for the seed's lab", () => {
  const example = /```yaml\n(name: [^`]*)```/.exec(page)![1]!;
  expect(scenario(example).steps).toHaveLength(3);
});

test("the page has examples", () => {
  expect(examples.length).toBeGreaterThan(20);
});

test.each(examples)("%s: %s: %s", (key, name, body) => {
  const probe = "probe: { name: cross-rack, from: tor0, to: tor1 }";
  const text = `name: x\nsteps:\n  - name: one\n    ${probe}\n    ${key}: [ { ${name}: ${body} } ]\n`;
  const path = filesFor({ "s.yaml": text })("s.yaml");
  expect(shown(readScenario(path, valid))).toEqual([]);
});
