import type { Prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "./config.ts";

/** The prefixes that another policy may decide otherwise about; `all`: perhaps every one. */
export type PolicyChange = ReadonlySet<Prefix> | "all";

/**
 * What differs between two policies; undefined: nothing. There may be thousands of statements of which
 * one is another: the equal ones at the beginning and at the end are told by being the same objects,
 * and those between concern the prefixes that they name.
 */
export function policyChange(
  before: readonly PolicyStatement[],
  after: readonly PolicyStatement[],
): PolicyChange | undefined {
  if (before === after) return undefined;
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && isSame(before[head], after[head])) head++;
  let tail = 0;
  while (tail < shorter - head && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail++;
  const between = [
    ...before.slice(head, before.length - tail),
    ...after.slice(head, after.length - tail),
  ];
  if (between.length === 0) return undefined;
  const prefixes = new Set<Prefix>();
  for (const statement of between) {
    // What names no prefixes may match any.
    if (statement.prefixes === undefined) return "all";
    for (const prefix of statement.prefixes) prefixes.add(prefix);
  }
  return prefixes;
}

function isSame(a: PolicyStatement | undefined, b: PolicyStatement | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
