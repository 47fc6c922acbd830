import * as fc from "fast-check";
import { expect, test } from "vitest";
import { clean, lineWidth, printLine, span, textWidth, truncateLine, wrapLine } from "./text.ts";

const look = { color: false, unicode: true };
const text = fc.string({ unit: fc.constantFrom("a", " ", "→", "寛", "\u0301", "é", "😀", "-") });

test.each([
  ["abc", 3],
  ["→ ✓ │", 5],
  ["寛", 2],
  ["😀", 2],
  ["e\u0301", 1],
])("%j takes %d cells", (value, cells) => {
  expect(textWidth(value)).toBe(cells);
});

test("a cut line fits, and only a cut one has an ellipsis", () => {
  fc.assert(
    fc.property(text, fc.nat(30), (value, columns) => {
      const cut = truncateLine([span(value)], columns, look);
      expect(lineWidth(cut, look)).toBeLessThanOrEqual(columns);
      const fits = textWidth(value) <= columns;
      expect(printLine(cut, look) === printLine([span(value)], look) || !fits).toBe(true);
    }),
  );
});

test("a wrapped line fits and keeps all but space", () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 30 }), fc.nat(8), (value, columns, indent) => {
      const rows = wrapLine([span(value, "red"), span(value)], columns, indent, look);
      for (const row of rows) expect(lineWidth(row, look)).toBeLessThanOrEqual(columns);
      const joined = rows.flatMap((row) => row.map((piece) => piece.text)).join("");
      expect(joined.replaceAll(" ", "")).toBe((value + value).replaceAll(" ", ""));
    }),
  );
});

test("rows after the first are indented", () => {
  const rows = wrapLine([span("aa bb cc")], 5, 2, look);
  expect(rows.map((row) => printLine(row, look))).toEqual(["aa bb", "  cc"]);
});

test("foreign text is harmless", () => {
  expect(clean("a\u001b[31mb\u001b[0m\u0007\u009b\r\nc\td\u202e", look)).toBe(
    "ab\u2407\ufffd c d\ufffd",
  );
  expect(clean("→ – … ✓", { color: false, unicode: false })).toBe("-> - ... ?");
});

test("colour surrounds the text and nothing else", () => {
  expect(printLine([span("a", "red"), span(" b")], { color: true, unicode: true })).toBe(
    "\u001b[31ma\u001b[39m b",
  );
});
