import { isLinkLocal } from "../../net/address.ts";
import { asPathText, neighborAsn } from "./as-path.ts";
import { inWinningOrder, preferenceSteps } from "./decision.ts";
import type { Path } from "./path.ts";

/** How many equally good paths are used at once: as FRR's `maximum-paths` and `multipath-relax`. */
export type MaximumPaths = {
  external: number;
  internal: number;
  /** External paths may come through different neighbouring ASes, if they are equally long. */
  asPathRelax: boolean;
};

export const onePath: MaximumPaths = { external: 1, internal: 1, asPathRelax: false };

/**
 * The paths that are used beside the best: those that the decision process drops by nothing but who
 * sent them, with another next hop each. The best comes first, then in the order in which they would win.
 */
export function usedPaths(
  candidates: readonly Path[],
  best: Path,
  { external, internal, asPathRelax }: MaximumPaths,
): readonly Path[] {
  if (best.source.kind === "own") return [best];
  const most = best.source.internal ? internal : external;
  if (most <= 1) return [best];
  let equal = candidates;
  for (const step of preferenceSteps) equal = step.keep(equal);
  const isRelaxed = asPathRelax && !best.source.internal;
  const keys = best.source.internal ? asPathText : neighborAsn;
  const key = keys(best.set.attributes.asPath);
  const beside = equal.filter((path) => isRelaxed || keys(path.set.attributes.asPath) === key);
  // It may have won by having been there before.
  const used: Path[] = [best];
  const ways = new Set([wayOf(best)]);
  for (const path of inWinningOrder(beside)) {
    if (used.length === most) break;
    const way = wayOf(path);
    if (ways.has(way)) continue;
    ways.add(way);
    used.push(path);
  }
  return used;
}

/** A link-local next hop is one on the link of its peer: a router may have the same on each of its links. */
function wayOf({ source, set: { nextHop } }: Path): string | undefined {
  const isOnLink = nextHop !== undefined && source.kind === "peer" && isLinkLocal(nextHop);
  return isOnLink ? `${nextHop} ${source.peer}` : nextHop;
}
