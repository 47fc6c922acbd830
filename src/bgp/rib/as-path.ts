import type { AsPathSegment } from "../wire/message.ts";

/**
 * The length that route selection compares: an AS_SET counts as one (RFC 4271 §9.1.2.2 a),
 * confederation segments not at all (RFC 5065 §5.3).
 */
export function asPathLength(path: readonly AsPathSegment[]): number {
  let length = 0;
  for (const { kind, asns } of path) {
    if (kind === "sequence") length += asns.length;
    else if (kind === "set") length += 1;
  }
  return length;
}

/**
 * The AS the route was received from by the local AS; undefined where it begins in the local AS
 * (RFC 4271 §9.1.2.2 c: such routes count as one neighbouring AS).
 */
export function neighborAsn(path: readonly AsPathSegment[]): number | undefined {
  const first = path.find(({ kind }) => kind === "sequence" || kind === "set");
  return first?.kind === "sequence" ? first.asns[0] : undefined;
}

/** The AS that originated the route: the last of the path; undefined where it ends in a set, or is empty. */
export function originAsn(path: readonly AsPathSegment[]): number | undefined {
  const last = path.at(-1);
  return last?.kind === "sequence" ? last.asns.at(-1) : undefined;
}

/** How often the AS is in the path: a routing loop, where it is our own (RFC 4271 §9.1.2). */
export function asPathCount(path: readonly AsPathSegment[], asn: number): number {
  let count = 0;
  for (const { asns } of path) for (const one of asns) if (one === asn) count++;
  return count;
}

const brackets = {
  sequence: ["", " ", ""],
  set: ["{", ",", "}"],
  confedSequence: ["(", " ", ")"],
  confedSet: ["[", ",", "]"],
} as const;

/** `65001 65002 {65003,65004}`, as FRR writes it. */
export function asPathText(path: readonly AsPathSegment[]): string {
  return path
    .map(({ kind, asns }) => {
      const [open, between, close] = brackets[kind];
      return open + asns.join(between) + close;
    })
    .join(" ");
}

/** The path with `asn` put in front `times` times (RFC 4271 §5.1.2 b). */
export function prependAsn(
  path: readonly AsPathSegment[],
  asn: number,
  times: number,
): AsPathSegment[] {
  const first = path[0];
  // b.1: into the leading AS_SEQUENCE, unless that would pass the 255 a segment can hold (§4.3).
  if (first?.kind === "sequence" && first.asns.length + times <= 255) {
    const begin: AsPathSegment = { kind: "sequence", asns: repeated(asn, times, first.asns) };
    return path.length === 1 ? [begin] : [begin, ...path.slice(1)];
  }
  // b.2 and b.3: before an AS_SET, or in an empty path, a segment of its own.
  return [{ kind: "sequence", asns: repeated(asn, times, []) }, ...path];
}

function repeated(asn: number, times: number, before: readonly number[]): number[] {
  const asns = Array<number>(times + before.length);
  for (let i = 0; i < asns.length; i++) asns[i] = i < times ? asn : before[i - times]!;
  return asns;
}
