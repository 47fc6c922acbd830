import fc from "fast-check";
import { expect, test } from "vitest";
import { addedText } from "./added-text.ts";

test.each([
  ["", "one\n", "one\n"],
  ["one\n", "one\n", ""],
  ["one\nt", "one\ntwo\n", "wo\n"],
  // Its beginning is gone.
  ["one\ntwo\n", "two\nthree\n", "three\n"],
  ["a\nb\na\nc\n", "a\nc\nd\n", "d\n"],
  ["one\ntwo\n", "", ""],
  // Begun anew.
  ["one\ntwo\n", "three\n", "three\n"],
  ["one\ntwo\n", "one\n", "one\n"],
])("%j, then %j: %j", (before, now, added) => {
  expect(addedText(before, now)).toBe(added);
});

test("whatever is dropped of a log's beginning, what was added is told", () => {
  const lines = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => `line ${from + i}\n`);
  const count = fc.nat(20);
  fc.assert(
    fc.property(count, count, count, (was, more, dropped) => {
      const [before, added] = [lines(was, 0), lines(more, was)];
      const now = [...before, ...added].slice(Math.min(dropped, was)).join("");
      expect(addedText(before.join(""), now)).toBe(added.join(""));
    }),
  );
});
