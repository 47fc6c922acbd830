import { isDeepStrictEqual } from "node:util";

/** Throws with both values where they differ: a row tells in its own words what was wrong. */
export function expectEqual(what: string, seen: unknown, expected: unknown): void {
  if (isDeepStrictEqual(seen, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`);
}

export function expectThat(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
}
