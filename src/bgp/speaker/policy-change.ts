import { type ListDifference, listDifference } from "../../net/list-difference.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "./config.ts";

/** What differs between two policies. */
export type PolicyChange = ListDifference<PolicyStatement>;

/** Undefined: nothing. Equal statements are told by being the same objects, or by their text. */
export function policyChange(
  before: readonly PolicyStatement[],
  after: readonly PolicyStatement[],
): PolicyChange | undefined {
  const change = listDifference(before, after, isEqual);
  return change.removed.length === 0 && change.added.length === 0 ? undefined : change;
}

/** The prefixes that the other policy may decide otherwise about; `all`: perhaps every one. */
export function concernedPrefixes({ removed, added }: PolicyChange): ReadonlySet<Prefix> | "all" {
  const concerned = new Set<Prefix>();
  for (const { prefixes } of [...removed, ...added]) {
    // What names no prefixes may match any.
    if (prefixes === undefined) return "all";
    for (const prefix of prefixes) concerned.add(prefix);
  }
  return concerned;
}

function isEqual(a: PolicyStatement, b: PolicyStatement): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
