import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { scenarioJsonSchema } from "../scenario/schema/json-schema.ts";
import { typesOfSchema } from "./schema-types.testkit.ts";

const file = new URL("scenario-types.ts", import.meta.url);
const formatter = new URL("../../node_modules/.bin/oxfmt", import.meta.url).pathname;

test("scenario-types.ts is made of the shapes (UPDATE_GOLDEN=1 writes it)", () => {
  const made = typesOfSchema(scenarioJsonSchema());
  const text = execFileSync(formatter, ["--stdin-filepath", "scenario-types.ts"], {
    input: made,
    encoding: "utf8",
  });
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
});
