import { prependAsn } from "../rib/as-path.ts";
import type { AttributePool } from "../rib/attribute-pool.ts";
import type { LocalSide } from "../rib/import.ts";
import type { InternedSet } from "../rib/interned-set.ts";
import type { Path, PeerSource } from "../rib/path.ts";
import { markedIn } from "../rib/role.ts";
import type { PathAttributes } from "../wire/message.ts";
import { WellKnownCommunity } from "../wire/registry.ts";

/** What a session's routes are judged and marked by. */
export type InboundSession = {
  source: PeerSource;
  local: LocalSide;
  keepsBlackholes: boolean;
  /** AS number put in front of every path that comes in: local-as. */
  prepend: number | undefined;
};

/** One object for the prefixes that came from one session in one second with equal attributes. */
export function pathOf(
  set: InternedSet,
  source: PeerSource,
  ineligible: string | undefined,
  pathId: number | undefined,
  receivedAtSeconds: number,
): Path {
  const last = set.lastPath;
  if (
    last?.source === source &&
    last.ineligible === ineligible &&
    last.pathId === pathId &&
    last.receivedAtSeconds === receivedAtSeconds
  ) {
    return last;
  }
  const path = { source, set, ineligible, receivedAtSeconds };
  set.lastPath = pathId === undefined ? path : { ...path, pathId };
  return set.lastPath;
}

/**
 * The attributes with what a session adds to all of its routes: local-as, OTC by its role (RFC 9234 §5), and
 * for those that an external peer is about to take away (GRACEFUL_SHUTDOWN) the lowest LOCAL_PREF (RFC 8326 §4.2), for
 * those that are to be thrown away (BLACKHOLE) NO_EXPORT.
 */
export function received(
  attributes: PathAttributes,
  { source: { internal }, local: { role, peerAsn }, prepend, keepsBlackholes }: InboundSession,
): PathAttributes {
  const { communities = [] } = attributes;
  const isGoing = !internal && communities.includes(WellKnownCommunity.gracefulShutdown);
  const isKept = keepsBlackholes && communities.includes(WellKnownCommunity.blackhole);
  if (role === undefined && prepend === undefined && !isGoing && !isKept) return attributes;
  const onlyToCustomer = role && markedIn(attributes, role, peerAsn);
  return {
    ...attributes,
    ...(prepend !== undefined && { asPath: prependAsn(attributes.asPath, prepend, 1) }),
    ...(onlyToCustomer !== undefined && { onlyToCustomer }),
    ...(isGoing && { localPref: 0 }),
    ...(isKept && { communities: [...new Set([...communities, WellKnownCommunity.noExport])] }),
  };
}

/** The path with the mark of a long-lived stale route (RFC 9494 §4.2). */
export function longLivedStale(path: Path, pool: AttributePool): Path {
  const { attributes, nextHop } = path.set;
  const communities = [
    ...new Set([...(attributes.communities ?? []), WellKnownCommunity.llgrStale]),
  ];
  return { ...path, set: pool.intern({ ...attributes, communities }, nextHop) };
}
