import { expect, test } from "vitest";
import { rowsMaxOf, stateChanges } from "./state-changes.ts";

const changes = Array.from({ length: 400 }, (_, n) => ({
  node: "tor0",
  table: "rib" as const,
  key: `10.0.${n >> 8}.${n & 255}/32`,
  after: "via router0",
}));
const rows = (text: string) => text.split("<tr>").length - 2;

test("a few steps show much of what each changed, many steps less, and say what they leave out", () => {
  expect(rows(stateChanges(changes, rowsMaxOf(5)).text)).toBe(300);
  expect(rows(stateChanges(changes, rowsMaxOf(100)).text)).toBe(60);
  const { text } = stateChanges(changes, rowsMaxOf(5_000));
  expect(rows(text)).toBe(10);
  expect(text).toContain("… and 390 more");
  expect(text).toContain("400 differences");
});
