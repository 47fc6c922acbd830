import type { TimelineRecord } from "./record.ts";

/** A session or a route of one node, in words. */
export type StateItem = {
  node: string;
  /** `rib`: the BGP table; `fib`: the kernel's main table. */
  table: "session" | "rib" | "fib";
  /** The neighbor of a session; the prefix of a route. */
  key: string;
  /** `Established, received 5, sent 13`; `via tor1, best, AS path "65011"`. */
  value: string;
};

/** What became of an item: came (no `before`), went (no `after`), or is another. */
export type StateChange = Omit<StateItem, "value"> & { before?: string; after?: string };

export function keyOf({ node, table, key }: Omit<StateItem, "value">): string {
  return `${node} ${table} ${key}`;
}

export type State = ReadonlyMap<string, StateItem>;

export function stateOf(items: readonly StateItem[]): State {
  return new Map(items.map((item) => [keyOf(item), item]));
}

const tableOrder = ["session", "rib", "fib"];

/** By node, then sessions, BGP tables, kernel tables. */
export function changesBetween(before: State, after: State): StateChange[] {
  const changes: StateChange[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(key), after.get(key)];
    if (from?.value === to?.value) continue;
    const { value: _value, ...what } = (to ?? from)!;
    changes.push({
      ...what,
      ...(from && { before: from.value }),
      ...(to && { after: to.value }),
    });
  }
  return changes.sort(
    (a, b) =>
      compare(a.node, b.node) ||
      tableOrder.indexOf(a.table) - tableOrder.indexOf(b.table) ||
      compare(a.key, b.key),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * The state after step `step` (from 0), before the first step (-1), or at the end. Steps without
 * events are not looked at anew: what was there before goes on. Undefined where none was recorded.
 */
export function stateAt(
  records: readonly TimelineRecord[],
  step: number = Infinity,
): State | undefined {
  const state = new Map<string, StateItem>();
  let isKnown = false;
  for (const record of lastRun(records)) {
    if (record.type !== "state" || (record.step ?? -1) > step) continue;
    isKnown = true;
    for (const { before: _before, after, ...what } of record.changes) {
      if (after === undefined) state.delete(keyOf(what));
      else state.set(keyOf(what), { ...what, value: after });
    }
  }
  return isKnown ? state : undefined;
}

/** A lab that played several scenarios begins each with a `started`: the last one counts. */
function lastRun(records: readonly TimelineRecord[]): readonly TimelineRecord[] {
  return records.slice(
    Math.max(
      0,
      records.findLastIndex((record) => record.type === "started"),
    ),
  );
}
