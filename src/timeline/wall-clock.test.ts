import fc from "fast-check";
import { expect, test } from "vitest";
import { unixMsOf, wallClockText } from "./wall-clock.ts";

test("to the microsecond", () => {
  expect(wallClockText(1_763_716_815_000 + 123.4567)).toBe("2025-11-21T09:20:15.123457Z");
  expect(wallClockText(1_763_716_815_000 + 999.9999)).toBe("2025-11-21T09:20:16.000000Z");
  expect(unixMsOf("2025-11-21T09:20:15Z")).toBe(1_763_716_815_000);
});

/** A double has a quarter of a microsecond left beside so many milliseconds. */
test("and back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e15 }), (microseconds) => {
      expect(unixMsOf(wallClockText(microseconds / 1000))).toBeCloseTo(microseconds / 1000, 2);
    }),
  );
});
