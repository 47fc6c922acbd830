import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { labJsonSchema } from "./lab-schema.ts";

const file = new URL("../../docs/lab.schema.json", import.meta.url);

test("docs/lab.schema.json is the schema (UPDATE_GOLDEN=1 writes it)", () => {
  const text = `${JSON.stringify(labJsonSchema(), null, 2)}\n`;
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
});
