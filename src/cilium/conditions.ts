import { compareText } from "./compare-text.ts";
import type { Condition } from "./schema/condition.ts";

/** A condition as it should be; when it last changed is worked out against what is there. */
export type DesiredCondition = Omit<Condition, "lastTransitionTime">;

/**
 * The conditions with the desired ones set, sorted by type, or undefined where nothing would change.
 * lastTransitionTime becomes `now` (RFC 3339) where the status changes, and stays where only reason,
 * message or observedGeneration do, as Kubernetes' meta.SetStatusCondition has it.
 */
export function withConditions(
  existing: readonly Condition[] | undefined,
  desired: readonly DesiredCondition[],
  now: string,
): Condition[] | undefined {
  const byType = new Map((existing ?? []).map((condition) => [condition.type, condition]));
  let changed = false;
  for (const condition of desired) {
    const old = byType.get(condition.type);
    if (old !== undefined && same(old, condition)) continue;
    changed = true;
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now;
    byType.set(condition.type, { ...condition, lastTransitionTime });
  }
  return changed ? sorted(byType.values()) : undefined;
}

/** The conditions without those types, sorted, or undefined where there is none of them. */
export function withoutConditions(
  existing: readonly Condition[] | undefined,
  types: readonly string[],
): Condition[] | undefined {
  const kept = (existing ?? []).filter((condition) => !types.includes(condition.type));
  return kept.length === (existing ?? []).length ? undefined : sorted(kept);
}

function same(old: Condition, desired: DesiredCondition): boolean {
  return (
    old.status === desired.status &&
    old.reason === desired.reason &&
    old.message === desired.message &&
    (old.observedGeneration ?? 0) === (desired.observedGeneration ?? 0)
  );
}

function sorted(conditions: Iterable<Condition>): Condition[] {
  return [...conditions].sort((a, b) => compareText(a.type, b.type));
}
