import { addressToBytes } from "../../net/address.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import { asPathLength, neighborAsn } from "./as-path.ts";
import type { Path } from "./path.ts";

/**
 * The decision process as a list of eliminations: each step keeps some of the paths that are left,
 * and the first step that leaves one has found the best. Comparing paths in pairs instead would be
 * wrong, since MED is compared only between paths of one neighbouring AS and so is no order.
 *
 * Not in the list: to stay with the path in use (RFC 5004) makes the outcome depend on what came first, so it is
 * done only where it is asked for.
 */
export type DecisionStep = {
  readonly name: string;
  readonly rfc: string;
  /** At least one of `paths`, in their order. */
  readonly keep: (paths: readonly Path[]) => readonly Path[];
};

/** LOCAL_PREF of a path that carries none, as every implementation has it. */
export const defaultLocalPref = 100;

const originRank = { igp: 0, egp: 1, incomplete: 2 } as const;

/** By what a path says of the route: paths that come through all of these are equally good (multipath.ts). */
export const preferenceSteps: readonly DecisionStep[] = [
  {
    name: "originated here",
    rfc: "RFC 4271 §9.1.1",
    keep: (paths) => keepLowest(paths, (path) => (path.source.kind === "own" ? 0 : 1)),
  },
  {
    name: "not long-lived stale",
    rfc: "RFC 9494 §4.3",
    keep: (paths) => keepLowest(paths, (path) => (isLongLivedStale(path) ? 1 : 0)),
  },
  {
    name: "highest LOCAL_PREF",
    rfc: "RFC 4271 §9.1.1",
    keep: (paths) =>
      keepLowest(paths, (path) => -(path.set.attributes.localPref ?? defaultLocalPref)),
  },
  {
    name: "shortest AS_PATH",
    rfc: "RFC 4271 §9.1.2.2 a",
    keep: (paths) => keepLowest(paths, (path) => asPathLength(path.set.attributes.asPath)),
  },
  {
    name: "lowest ORIGIN",
    rfc: "RFC 4271 §9.1.2.2 b",
    keep: (paths) => keepLowest(paths, (path) => originRank[path.set.attributes.origin]),
  },
  {
    name: "lowest MED of each neighbouring AS",
    rfc: "RFC 4271 §9.1.2.2 c",
    keep: keepLowestMed,
  },
  {
    name: "eBGP before iBGP",
    rfc: "RFC 4271 §9.1.2.2 d",
    keep: (paths) => keepLowest(paths, (path) => (isInternal(path) ? 1 : 0)),
  },
  {
    name: "lowest cost to the next hop",
    rfc: "RFC 4271 §9.1.2.2 e",
    keep: (paths) => keepLowest(paths, (path) => path.cost ?? 0),
  },
];

/** By who sent it, so that there is one. */
const tieBreakSteps: readonly DecisionStep[] = [
  {
    name: "lowest BGP Identifier or ORIGINATOR_ID",
    rfc: "RFC 4271 §9.1.2.2 f, RFC 4456 §9",
    keep: (paths) => keepLowest(paths, identifierRank),
  },
  {
    name: "shortest CLUSTER_LIST",
    rfc: "RFC 4456 §9",
    keep: (paths) => keepLowest(paths, clusterListLength),
  },
  {
    name: "lowest peer address",
    rfc: "RFC 4271 §9.1.2.2 g",
    keep: keepLowestAddress,
  },
];

export const decisionSteps: readonly DecisionStep[] = [...preferenceSteps, ...tieBreakSteps];

/** What one step did. */
export type Elimination = {
  step: Pick<DecisionStep, "name" | "rfc">;
  kept: readonly Path[];
  dropped: readonly Path[];
};

/**
 * The best of the paths, of which there is at least one; `onStep` is told every step taken. `inUse`: the path
 * that stays where only external ones are left that differ in nothing but who sent them.
 */
export function bestPath(
  paths: readonly Path[],
  onStep?: (elimination: Elimination) => void,
  inUse?: Path,
): Path {
  const steps =
    inUse === undefined ? decisionSteps : [...preferenceSteps, stays(inUse), ...tieBreakSteps];
  let left = paths;
  for (const step of steps) {
    if (left.length === 1) break;
    const kept = step.keep(left);
    onStep?.({ step, kept, dropped: left.filter((path) => !kept.includes(path)) });
    left = kept;
  }
  return left[0]!;
}

/**
 * Paths that preferenceSteps leave beside each other, in the order in which they would win if those before them went:
 * what is left to tell them apart is an order, which the whole of the process is not (MED).
 */
export function inWinningOrder(paths: readonly Path[]): Path[] {
  const keyed = paths.map((path) => ({
    path,
    identifier: identifierRank(path),
    clusters: clusterListLength(path),
    address: addressSortKey(path),
  }));
  keyed.sort(
    (a, b) =>
      a.identifier - b.identifier ||
      a.clusters - b.clusters ||
      (a.address < b.address ? -1 : Number(a.address > b.address)),
  );
  return keyed.map(({ path }) => path);
}

function stays(inUse: Path): DecisionStep {
  return {
    name: "the external path in use",
    rfc: "RFC 5004",
    keep: (left) => (left.includes(inUse) && left.every(isExternal) ? [inUse] : left),
  };
}

function keepLowest(paths: readonly Path[], rank: (path: Path) => number): readonly Path[] {
  let lowest = Infinity;
  let kept = 0;
  for (const path of paths) {
    const of = rank(path);
    if (of < lowest) {
      lowest = of;
      kept = 1;
    } else if (of === lowest) kept++;
  }
  // Most steps drop nothing.
  return kept === paths.length ? paths : paths.filter((path) => rank(path) === lowest);
}

function keepLowestMed(paths: readonly Path[]): readonly Path[] {
  const first = med(paths[0]!);
  if (paths.every((path) => med(path) === first)) return paths;
  const lowestOf = new Map<number | undefined, number>();
  for (const path of paths) {
    const neighbor = neighborAsn(path.set.attributes.asPath);
    lowestOf.set(neighbor, Math.min(lowestOf.get(neighbor) ?? Infinity, med(path)));
  }
  return paths.filter(
    (path) => med(path) === lowestOf.get(neighborAsn(path.set.attributes.asPath)),
  );
}

/** A missing MED is the lowest possible (RFC 4271 §9.1.2.2 c). */
function med(path: Path): number {
  return path.set.attributes.med ?? 0;
}

function isLongLivedStale({ set }: Path): boolean {
  return set.attributes.communities?.includes(WellKnownCommunity.llgrStale) ?? false;
}

function isExternal(path: Path): boolean {
  return path.source.kind === "peer" && !path.source.internal;
}

function isInternal(path: Path): boolean {
  return path.source.kind === "peer" && path.source.internal;
}

/** RFC 4456 §9: a reflected route counts as its originator's. */
function identifierRank(path: Path): number {
  if (path.source.kind === "own") return 0;
  const identifier = path.set.attributes.originatorId ?? path.source.identifier;
  return addressToBytes(identifier).reduce((value, byte) => value * 256 + byte, 0);
}

function clusterListLength({ set }: Path): number {
  return set.attributes.clusterList?.length ?? 0;
}

function keepLowestAddress(paths: readonly Path[]): readonly Path[] {
  const keys = paths.map(addressSortKey);
  const lowest = keys.reduce((a, b) => (b < a ? b : a));
  return paths.filter((_, i) => keys[i] === lowest);
}

/**
 * Text whose order is that of the peer addresses as numbers, IPv4 before IPv6. Where that is one, as a router's is on
 * two links, or as two numbered paths of one peer have, the name and the Path Identifier settle it: else the outcome
 * would depend on what came first.
 */
function addressSortKey({ source, pathId = 0 }: Path): string {
  if (source.kind === "own") return "";
  const bytes = addressToBytes(source.address);
  const number = String.fromCharCode(pathId >>> 16, pathId & 0xffff);
  return `${String.fromCharCode(bytes.length, ...bytes)}${source.peer}\0${number}`;
}
