/** What went from a list and what came into it. What only moved may be in both. */
export type ListDifference<T> = { removed: readonly T[]; added: readonly T[] };

/**
 * What two lists have between the elements that both begin with and those that both end with. Of thousands
 * of which one is another this is the one, and all others cost a comparison of pointers.
 */
export function listDifference<T>(
  before: readonly T[],
  after: readonly T[],
  isSame: (a: T, b: T) => boolean = Object.is,
): ListDifference<T> {
  if (before === after) return { removed: [], added: [] };
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  for (; head < shorter; head++) {
    const a = before[head]!;
    const b = after[head]!;
    if (a !== b && !isSame(a, b)) break;
  }
  let endBefore = before.length;
  let endAfter = after.length;
  for (; endBefore > head && endAfter > head; endBefore--, endAfter--) {
    const a = before[endBefore - 1]!;
    const b = after[endAfter - 1]!;
    if (a !== b && !isSame(a, b)) break;
  }
  return { removed: before.slice(head, endBefore), added: after.slice(head, endAfter) };
}
