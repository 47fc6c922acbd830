import type { PathAttributes } from "../wire/message.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import { bytesKey, largeCommunityKey } from "./community-key.ts";
import type { PolicySet } from "./policy.ts";

/** The communities of all kinds that a route has under a policy statement; a kind without any is left out. */
export function communitiesUnder(
  of: Readonly<PathAttributes>,
  set: PolicySet,
): Pick<PathAttributes, "communities" | "largeCommunities" | "extendedCommunities"> {
  if (!changesCommunities(set)) return communitiesOf(of);
  const { remove = {}, replace = {} } = set;
  const communities = changed(of.communities, {
    add: set.communities,
    remove: remove.communities,
    replace: replace.communities,
    key: String,
    compare: (a, b) => a - b,
  });
  // RFC 9494 §4.3: without its mark a long-lived stale route would be preferred, and go to who knows of no such routes.
  const isStale = of.communities?.includes(WellKnownCommunity.llgrStale) === true;
  if (isStale && !communities.includes(WellKnownCommunity.llgrStale)) {
    communities.push(WellKnownCommunity.llgrStale);
  }
  const largeCommunities = changed(of.largeCommunities, {
    add: set.largeCommunities,
    remove: remove.largeCommunities,
    replace: replace.largeCommunities,
    key: largeCommunityKey,
    compare: (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2],
  });
  const extendedCommunities = changed(of.extendedCommunities, {
    add: set.extendedCommunities,
    remove: remove.extendedCommunities,
    replace: replace.extendedCommunities,
    key: bytesKey,
    compare: (a, b) => (bytesKey(a) < bytesKey(b) ? -1 : 1),
  });
  return {
    ...(communities.length > 0 && { communities }),
    ...(largeCommunities.length > 0 && { largeCommunities }),
    ...(extendedCommunities.length > 0 && { extendedCommunities }),
  };
}

function changesCommunities(set: PolicySet): boolean {
  return (
    set.remove !== undefined ||
    set.replace !== undefined ||
    set.communities !== undefined ||
    set.largeCommunities !== undefined ||
    set.extendedCommunities !== undefined
  );
}

function communitiesOf({
  communities,
  largeCommunities,
  extendedCommunities,
}: Readonly<PathAttributes>): ReturnType<typeof communitiesUnder> {
  const kept: ReturnType<typeof communitiesUnder> = {};
  if (communities?.length) kept.communities = communities;
  if (largeCommunities?.length) kept.largeCommunities = largeCommunities;
  if (extendedCommunities?.length) kept.extendedCommunities = extendedCommunities;
  return kept;
}

/** In their order where nothing is said about them, else each once and sorted. */
function changed<T>(
  ours: readonly T[] = [],
  change: {
    add: readonly T[] | undefined;
    remove: readonly T[] | undefined;
    replace: readonly T[] | undefined;
    key: (of: T) => string;
    compare: (a: T, b: T) => number;
  },
): T[] {
  const { add = [], remove = [], replace, key, compare } = change;
  if (add.length === 0 && remove.length === 0 && replace === undefined) return [...ours];
  const removed = new Set(remove.map(key));
  const kept = (replace ?? ours).filter((one) => !removed.has(key(one)));
  return [...new Map([...kept, ...add].map((one) => [key(one), one])).values()].sort(compare);
}
