import { expect, it } from "vitest";
import { randomText, randomUid } from "./random-text.ts";

it("makes a UUID of version 4, another each time, and the same of the same numbers", () => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const made = Array.from({ length: 100 }, () => randomUid(Math.random));
  for (const uid of made) expect(uid).toMatch(pattern);
  expect(new Set(made).size).toBe(100);
  const counted = () => {
    let count = 0;
    return () => (count++ % 16) / 16;
  };
  expect(randomUid(counted())).toBe(randomUid(counted()));
});

it("takes letters of the whole alphabet", () => {
  expect(randomText(() => 0, "abc", 2)).toBe("aa");
  expect(randomText(() => 0.999, "abc", 2)).toBe("cc");
});
