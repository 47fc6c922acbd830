import { expect, it } from "vitest";
import { learned } from "../rib/rib.testkit.ts";
import { Ribs } from "./ribs.ts";

it("Path Identifiers of paths that are gone are forgotten, and given to no other path", () => {
  const ribs = new Ribs();
  const numbered = (pathId: number) => ({ ...learned("a"), pathId });
  const { prefixes, loc } = ribs;
  const id = prefixes["ipv4/unicast"].add(Uint8Array.of(8, 10), 0);
  loc["ipv4/unicast"].replace(id, "a", numbered(0));
  const kept = ribs.pathIdOf(numbered(0));
  const given = new Set([kept]);
  for (let round = 0; round < 4; round++) {
    for (let i = 1; i <= 5_000; i++) given.add(ribs.pathIdOf(numbered(10_000 * round + i)));
    ribs.sweepPathIds();
  }
  expect(ribs.pathIdOf(numbered(0))).toBe(kept);
  expect(given.size).toBe(1 + 4 * 5_000);
  // Known before, and not any more: it would have its number still.
  expect(given).not.toContain(ribs.pathIdOf(numbered(1)));
});
