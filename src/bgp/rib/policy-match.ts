import { type Prefix, prefixContains, prefixLength } from "../../net/prefix.ts";
import { asPathLength, asPathText, neighborAsn, originAsn } from "./as-path.ts";
import { bytesKey, largeCommunityKey } from "./community-key.ts";
import type { Path } from "./path.ts";
import type { AsPathMatch, PolicyMatch, PrefixRange, SetMatch } from "./policy.ts";

type OnPath = (path: Path) => boolean;

/** Whether a route meets all conditions. What depends on the path alone is worked out once for prefixes with one path in a row. */
export function matcherOf(
  match: PolicyMatch,
  prefixes: readonly Prefix[] | undefined,
): (prefix: Prefix | undefined, path: Path) => boolean {
  const exact = prefixes && new Set(prefixes);
  const { prefixRanges } = match;
  const conditions = pathConditions(match);
  // Of the last path: the prefixes of one UPDATE share theirs.
  let last: Path | undefined;
  let lastHolds = false;
  return (prefix, path) => {
    if (exact !== undefined && (prefix === undefined || !exact.has(prefix))) return false;
    if (prefixRanges !== undefined && (prefix === undefined || !isInside(prefix, prefixRanges))) {
      return false;
    }
    if (path !== last) {
      last = path;
      lastHolds = conditions.every((condition) => condition(path));
    }
    return lastHolds;
  };
}

function isInside(prefix: Prefix, ranges: readonly PrefixRange[]): boolean {
  const first = ranges.find((range) => inRange(prefix, range));
  return first !== undefined && first.isExcluded !== true;
}

/** The length first: it is cheap, and mostly decides. */
function inRange(prefix: Prefix, { prefix: outer, minLength, maxLength }: PrefixRange): boolean {
  const own = prefixLength(outer);
  const length = prefixLength(prefix);
  const min = minLength ?? own;
  return (
    length >= min && length <= (maxLength ?? Math.max(own, min)) && prefixContains(outer, prefix)
  );
}

function pathConditions(match: PolicyMatch): OnPath[] {
  const { neighbors, originated, origin, communities, largeCommunities, extendedCommunities } =
    match;
  const conditions: (OnPath | undefined)[] = [
    neighbors && (({ source }) => source.kind === "peer" && neighbors.includes(source.peer)),
    originated === undefined ? undefined : ({ source }) => (source.kind === "own") === originated,
    origin && (({ set }) => origin.includes(set.attributes.origin)),
    communities && onSet(communities, ({ set }) => set.attributes.communities),
    largeCommunities &&
      onSet(keyed(largeCommunities, largeCommunityKey), ({ set }) =>
        set.attributes.largeCommunities?.map(largeCommunityKey),
      ),
    extendedCommunities &&
      onSet(keyed(extendedCommunities, bytesKey), ({ set }) =>
        set.attributes.extendedCommunities?.map(bytesKey),
      ),
    match.asPath && onAsPath(match.asPath),
  ];
  return conditions.filter((condition) => condition !== undefined);
}

function keyed<T>({ any, all, none }: SetMatch<T>, key: (of: T) => string): SetMatch<string> {
  return {
    ...(any && { any: any.map(key) }),
    ...(all && { all: all.map(key) }),
    ...(none && { none: none.map(key) }),
  };
}

/** Values that `===` compares. A path has few. */
function onSet<T extends string | number>(
  { any, all, none }: SetMatch<T>,
  read: (path: Path) => readonly T[] | undefined,
): OnPath {
  return (path) => {
    const has = read(path) ?? [];
    return (
      (any?.some((one) => has.includes(one)) ?? true) &&
      (all?.every((one) => has.includes(one)) ?? true) &&
      !(none?.some((one) => has.includes(one)) ?? false)
    );
  };
}

function onAsPath(match: AsPathMatch): OnPath {
  const { contains = [], beginsWith, endsWith, minLength = 0, maxLength = Infinity } = match;
  const regex = match.regex === undefined ? undefined : asPathRegex(match.regex);
  return ({ set }) => {
    const { asPath } = set.attributes;
    const length = asPathLength(asPath);
    return (
      length >= minLength &&
      length <= maxLength &&
      (beginsWith === undefined || neighborAsn(asPath) === beginsWith) &&
      (endsWith === undefined || originAsn(asPath) === endsWith) &&
      contains.every((asn) => asPath.some(({ asns }) => asns.includes(asn))) &&
      (regex?.test(asPathText(asPath)) ?? true)
    );
  };
}

/** `_` as in FRR and Cisco: the begin, the end, or what stands between two AS numbers. Throws SyntaxError. */
export function asPathRegex(text: string): RegExp {
  return new RegExp(text.replaceAll("_", "(?:^|[ ,{}()]|$)"));
}
