import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { checkNames } from "../../src/scenario/schema/checks.ts";
import { eventNames } from "../../src/scenario/schema/events.ts";
import { checks, events, type Shown } from "./shown.ts";

/** That the list names everything, and says what is there: the tests themselves run where they stand. */
const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/scenario-format.md`, "utf8");
const [, eventsOfPage, checksOfPage] = page.split(/^## (?:Events|Checks|What runs today)$/m);

/** The headings below one: `### apply, patch, delete, scale` are four. */
function headings(section: string): string[] {
  return [...section.matchAll(/^### (.*)$/gm)].flatMap(([, names]) => names!.split(", "));
}

describe.each([
  ["events", events, eventNames, eventsOfPage!],
  ["checks", checks, checkNames, checksOfPage!],
] as const)("%s", (_, list, ofSchema, section) => {
  test("the list, the schema and the page have the same", () => {
    expect(Object.keys(list).toSorted()).toEqual([...ofSchema].toSorted());
    expect(headings(section).toSorted()).toEqual([...ofSchema].toSorted());
  });

  test.for(Object.entries<Shown>(list))("%s: its tests are there", ([, { passes, fails }]) => {
    expect(Math.min(passes.length, fails.length)).toBeGreaterThan(0);
    for (const [file, title] of [...passes, ...fails]) {
      expect(readFileSync(`${root}${file}`, "utf8")).toContain(title);
    }
  });
});
