import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { badInput, rules } from "./rules.ts";

/** That the list says what is there: the tests themselves run where they stand. */
const root = fileURLToPath(new URL("../../", import.meta.url));

test.for(
  [...rules, ...badInput].flatMap(({ rule, tests }) =>
    tests.map(([file, title]) => ({ rule, file, title })),
  ),
)("$rule: $file", ({ file, title }) => {
  expect(readFileSync(`${root}${file}`, "utf8")).toContain(title);
});

test.for([rules, badInput])("each is there once", (list) => {
  const names = list.map(({ rule }) => rule);
  expect(new Set(names).size).toBe(names.length);
});
