import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { timelineJsonSchema, timelineRecord } from "./schema.ts";

const file = new URL("../../docs/timeline.schema.json", import.meta.url);

test("docs/timeline.schema.json is the schema (UPDATE_GOLDEN=1 writes it)", () => {
  const text = `${JSON.stringify(timelineJsonSchema(), null, 2)}\n`;
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
});

test.each([
  [{ atMs: 0, type: "down", tookMs: 1 }, true],
  [{ atMs: 0, type: "down", tookMs: 1, added: "later" }, true],
  [{ type: "down", tookMs: 1 }, false],
  [{ atMs: 0, type: "down", tookMs: "1" }, false],
  [{ atMs: 0, type: "unknown" }, false],
  [{ atMs: 0, type: "step", index: 0, name: "s", state: "end" }, false],
])("%j: %s", (record, valid) => {
  expect(timelineRecord.safeParse(record).success).toBe(valid);
});
