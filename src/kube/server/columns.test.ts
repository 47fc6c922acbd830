import { expect, test } from "vitest";
import { age } from "./columns.ts";
import { jsonPath } from "./json-path.ts";

test.each([
  [0, "0s"],
  [119, "119s"],
  [120, "2m"],
  [200, "3m20s"],
  [3600, "60m"],
  [3 * 3600, "3h"],
  [3 * 3600 + 60, "3h1m"],
  [9 * 3600 + 60, "9h"],
  [49 * 3600, "2d1h"],
  [10 * 86_400, "10d"],
  [800 * 86_400, "2y70d"],
  [-5, "0s"],
])("an age of %i s is %s", (seconds, text) => {
  const since = "2026-11-20T10:00:00Z";
  expect(age(since, Date.parse(since) + seconds * 1000)).toBe(text);
});

test("an age of nothing is unknown", () => {
  expect(age(undefined, 0)).toBe("<unknown>");
  expect(age("soon", 0)).toBe("<unknown>");
});

test("JSONPath of printer columns", () => {
  const object = {
    spec: {
      list: [
        { type: "A", ip: "1" },
        { type: "B", ip: "2" },
      ],
      "a.b": "dotted",
      n: 0,
    },
  };
  expect(jsonPath('.spec.list[?(@.type=="B")].ip')(object)).toEqual(["2"]);
  expect(jsonPath(".spec.list[0].ip")(object)).toEqual(["1"]);
  expect(jsonPath(".spec.list[*].ip")(object)).toEqual(["1", "2"]);
  expect(jsonPath(".spec.a\\.b")(object)).toEqual(["dotted"]);
  expect(jsonPath(".spec.n")(object)).toEqual([0]);
  expect(jsonPath(".nope.x[3]")(object)).toEqual([]);
  expect(() => jsonPath("..spec")).toThrow(SyntaxError);
});
