import { expect, test } from "vitest";
import { PathMemo } from "./path-memo.ts";
import type { Path } from "./path.ts";

const path = (number: number) => ({ set: { number } }) as unknown as Path;

test("what was made of a path is known until another takes its place", () => {
  const memo = new PathMemo<{ made: number }>();
  const paths = Array.from({ length: 3000 }, (_, n) => path(n));
  expect(memo.get(paths[0]!)).toBeUndefined();
  for (const [n, each] of paths.entries()) {
    expect(memo.set(each, { made: n })).toEqual({ made: n });
    expect(memo.get(each)).toEqual({ made: n });
  }
  // As many as come together, and nobody has what was made of another.
  expect(paths.filter((each) => memo.get(each) !== undefined)).toHaveLength(1024);
  expect(paths.every((each, n) => (memo.get(each)?.made ?? n) === n)).toBe(true);
  // A path that looks the same is another one.
  expect(memo.get(path(2999))).toBeUndefined();
});
