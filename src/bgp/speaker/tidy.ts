import { InternedSet } from "../rib/interned-set.ts";
import type { AttributeSet } from "../rib/path.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";
import type { UpdateGroups } from "./update-groups.ts";

/**
 * Prefixes that no table has any more go, and now and then such attribute sets and Path Identifiers. After all that goes by the
 * numbers of prefixes has seen what changed.
 */
export function tidy(ribs: Ribs, groups: UpdateGroups, peers: Iterable<Peer>): void {
  const { prefixes, pool, loc } = ribs;
  let prefixCount = 0;
  for (const table of Object.values(prefixes)) {
    table.sweep();
    prefixCount += table.size;
  }
  InternedSet.letGoOfValues();
  ribs.sweepPathIds();
  if (!pool.isFull(prefixCount)) return;
  pool.sweep((call) => {
    const keep = ({ set }: { set: AttributeSet }) => call(set);
    for (const table of Object.values(loc)) table.forEachCandidate(keep);
    for (const { inbound, established } of peers) {
      for (const table of inbound.tables().values()) table.forEach(keep);
      established?.outbound.forEachSet(call);
    }
    groups.forEachSet(call);
  });
}
