import type { AsPathSegment } from "../wire/message.ts";

/** `all`: also of a path that has other AS numbers; `replaceAs`: our own stands in their place. As FRR's `remove-private-AS`. */
export type RemovePrivateAs = { all?: true; replaceAs?: true };

/** What becomes of AS numbers of a path on its way to an external peer, before any export policy sees it. */
export type AsRewrite = {
  readonly removePrivateAs: RemovePrivateAs | undefined;
  /** The peer's own AS number in a path is replaced by ours, so that the peer does not take it for a loop. */
  readonly asOverride: boolean;
  readonly localAsn: number;
  /** It stays where private AS numbers are taken out: the peer has to find itself in the path. */
  readonly peerAsn: number;
};

/** The path itself where nothing of it is another. As FRR has it: bgp_peer_remove_private_as, then bgp_peer_as_override. */
export function rewrittenAsPath(
  path: readonly AsPathSegment[],
  { removePrivateAs, asOverride, localAsn, peerAsn }: AsRewrite,
): readonly AsPathSegment[] {
  const all = path.flatMap(({ asns }) => asns);
  let rewritten = path;
  if (removePrivateAs !== undefined && all.some(isPrivate)) {
    const { all: isOfAny, replaceAs } = removePrivateAs;
    const isOnlyPrivate = all.every(isPrivate);
    const goes = (asn: number) => isPrivate(asn) && asn !== peerAsn;
    if (replaceAs && (isOfAny || isOnlyPrivate)) rewritten = replaced(path, goes, localAsn);
    // A path of nothing else goes as a whole, and the peer's own AS number with it.
    else if (isOnlyPrivate) rewritten = [];
    else if (isOfAny) rewritten = without(path, goes);
  }
  const isOverridden = asOverride && all.includes(peerAsn);
  return isOverridden ? replaced(rewritten, (asn) => asn === peerAsn, localAsn) : rewritten;
}

/** As FRR has it, which counts 65535 in, the last one of two octets (RFC 6996 §5 does not). */
function isPrivate(asn: number): boolean {
  return (asn >= 64_512 && asn <= 65_535) || (asn >= 4_200_000_000 && asn <= 4_294_967_294);
}

function replaced(
  path: readonly AsPathSegment[],
  isReplaced: (asn: number) => boolean,
  by: number,
): AsPathSegment[] {
  return path.map(({ kind, asns }) => ({
    kind,
    asns: asns.map((asn) => (isReplaced(asn) ? by : asn)),
  }));
}

function without(path: readonly AsPathSegment[], goes: (asn: number) => boolean): AsPathSegment[] {
  return path
    .map(({ kind, asns }) => ({ kind, asns: asns.filter((asn) => !goes(asn)) }))
    .filter(({ asns }) => asns.length > 0);
}
