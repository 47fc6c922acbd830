import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compare, describeDifference, type Segment } from "./difference.ts";

const joined = (segments: Segment[]) => segments.map((segment) => segment.text).join("");
const different = (segments: Segment[]) =>
  segments.filter((segment) => segment.different).map((segment) => segment.text.trim());

test("the word that differs is marked on both sides", () => {
  const { expected, seen } = compare(
    "Established, received 5, sent 13",
    "Established, received 4, sent 13",
  );
  expect(different(expected)).toEqual(["5,"]);
  expect(different(seen)).toEqual(["4,"]);
});

test("several lines are compared line by line", () => {
  const { expected, seen } = compare("a b\nc d\n", "a b\nc e\n");
  expect(different(expected)).toEqual(["c d"]);
  expect(different(seen)).toEqual(["c e"]);
});

test("equal texts have no difference, and a comma is none", () => {
  expect(different(compare("a, b", "a b").expected)).toEqual([]);
  expect(describeDifference("a b", "a b")).toBeUndefined();
});

test.each([
  ["Established, received 5, sent 13", "Established, received 4, sent 13", "received 5 → 4"],
  ["via tor1, AS path 65011", "via tor1, AS path 65011, stale", "also stale"],
  ["loss 0%", "loss 50%", "loss 0% → 50%"],
  ["tor0, router0, tor1", "tor0, tor1", "missing router0"],
  ["a 1 b 2", "a 3 b 4", "a 1 → 3; b 2 → 4"],
  ["absent", "via tor1", undefined],
  ["one\ntwo", "one\nthree", undefined],
  ["", "something", undefined],
])("%j and %j: %j", (expected, seen, difference) => {
  expect(describeDifference(expected, seen)).toBe(difference);
});

test("the segments are the texts, and the common parts are equal", () => {
  const words = fc.array(fc.constantFrom("a", "b", "c,", "10", "\n"), { maxLength: 12 });
  const text = words.map((parts) => parts.join(" "));
  fc.assert(
    fc.property(text, text, (expected, seen) => {
      const sides = compare(expected, seen);
      expect(joined(sides.expected)).toBe(expected);
      expect(joined(sides.seen)).toBe(seen);
      const common = (segments: Segment[]) =>
        joined(segments.filter((segment) => !segment.different)).match(/[^\s,]+/g);
      expect(common(sides.expected)).toEqual(common(sides.seen));
    }),
  );
});

test("very long texts are not compared", () => {
  const long = "x ".repeat(500);
  expect(compare(long, "x").expected).toEqual([{ text: long, different: true }]);
});
