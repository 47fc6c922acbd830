import { expect, test } from "vitest";
import { formatDuration, formatElapsed } from "./duration.ts";

test.each([
  [0, "0 ms"],
  [0.14, "0.14 ms"],
  [0.999, "1 ms"],
  [2.54, "2.5 ms"],
  [9.99, "10 ms"],
  [214.4, "214 ms"],
  [999.4, "999 ms"],
  [999.6, "1.00 s"],
  [3120, "3.12 s"],
  [59_994, "59.99 s"],
  [59_996, "1 min 00 s"],
  [125_000, "2 min 05 s"],
  [3_725_000, "1 h 02 min"],
])("%d ms is %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, "0.00s"],
  [12_345, "12.35s"],
  [59_999, "1:00.00"],
  [185_204, "3:05.20"],
  [3_599_994, "59:59.99"],
  [3_725_204, "1:02:05.20"],
])("at %d ms: %s", (ms, text) => {
  expect(formatElapsed(ms)).toBe(text);
});
