import { parseAddress } from "../../src/net/address.ts";
import { parsePrefix, type Prefix, prefixContains, prefixLength } from "../../src/net/prefix.ts";
import type { LabStates } from "./state.ts";

/** What stands on one node of one side beside what on the other. Undefined: nothing like it. */
export type Pair = { node: string; sim?: string; real?: string };
export type Sides = { sim: LabStates; real: LabStates };

type Explanation = {
  /** For docs/fidelity.md. */
  cause: string;
  /** Whether it is the cause of this difference: by all that the two sides say, not by what the lines look like. */
  holds: (pair: Pair, sides: Sides) => boolean;
};

const explanations: readonly Explanation[] = [
  {
    cause:
      "FRR 8.4 gives the kernel some of several next hops where a link was away and is back, and shows all as installed: its table uses those that the simulated kernel has",
    holds: ({ node, sim, real }, sides) => {
      const [ours, theirs] = [kernelRoute(sim), kernelRoute(real)];
      if (ours === undefined || theirs === undefined || ours.prefix !== theirs.prefix) return false;
      const isPart =
        theirs.hops.length < ours.hops.length &&
        theirs.hops.every((hop) => ours.hops.includes(hop));
      const used = usedHops(sides.real[node]!, ours.prefix);
      return isPart && ours.hops.every((hop) => used.includes(hop));
    },
  },
  {
    cause:
      "of equal ways a kernel chooses by a hash whose seed is by chance: where the ways part, its route has both",
    holds: ({ sim, real }, sides) => {
      const [ours, theirs] = [wayOf(sim), wayOf(real)];
      if (ours === undefined || theirs?.length !== ours.length) return false;
      const at = ours.findIndex((hop, i) => hop !== theirs[i]);
      const next = [ours[at]!, theirs[at]!];
      const to = ours.at(-1)!;
      const routes = [sides.sim, sides.real].map((states) => hopsTo(states[ours[at - 1]!], to));
      // The real kernel may have fewer of them, which is a difference of its own.
      return next.every((hop) => routes[0]!.includes(hop)) && routes[1]!.includes(theirs[at]!);
    },
  },
  {
    cause:
      "of external paths that are equally good FRR stays with the one that came first (RFC 5004), and which of two routers' messages is first by milliseconds is chance",
    holds: ({ node, sim, real }, sides) => {
      const [ours, theirs] = [route(sim), route(real)];
      if (ours === undefined || theirs === undefined || ours.path !== theirs.path) return false;
      if (ours.isStale !== theirs.isStale || ours.isBest === theirs.isBest) return false;
      const best = (states: LabStates) =>
        states[node]!.map(route).find((one) => one?.isBest === true && one.prefix === ours.prefix);
      const [ourBest, theirBest] = [best(sides.sim), best(sides.real)];
      if (ourBest === undefined || theirBest === undefined) return false;
      return ourBest.merits === theirBest.merits && ourBest.isExternal && theirBest.isExternal;
    },
  },
  {
    cause:
      "of several equal paths in use, the same on both sides, a router passes on the one that came first: its neighbor has another, or none that does not lead back to it",
    holds: ({ node, sim, real }, sides) => {
      if (session(sim) !== undefined) return isCountOfPassedOn(node, sim, real, sides);
      const lines = [sim, real].filter((line) => line !== undefined);
      return lines.every((line) => isPassedOn(line, sides));
    },
  },
];

/** Why the two sides differ there; undefined where nothing known is the cause. */
export function explanationOf(pair: Pair, sides: Sides): string | undefined {
  return explanations.find(({ holds }) => holds(pair, sides))?.cause;
}

/** Whether the neighbor that it leads to has that path in use, and another one, on both sides. */
function isPassedOn(line: string, { sim, real }: Sides): boolean {
  const of = route(line);
  const [from, ...others] = of?.hops ?? [];
  if (of === undefined || from === undefined || others.length > 0) return false;
  const [ours, theirs] = [sim, real].map((states) => usedAsPaths(states[from] ?? [], of.prefix));
  const isSame = JSON.stringify(ours) === JSON.stringify(theirs);
  // The neighbor has put its own number in front.
  return isSame && ours!.length > 1 && ours!.includes(of.asPath.replace(/^\d+ ?/, ""));
}

/** Whether a session counts as many prefixes more or less as it was passed such paths more or less. */
function isCountOfPassedOn(
  node: string,
  sim: string | undefined,
  real: string | undefined,
  sides: Sides,
): boolean {
  const [ours, theirs] = [session(sim), session(real)];
  if (ours?.peer === undefined || ours.session !== theirs?.session) return false;
  if (ours.sent !== theirs.sent) return false;
  const from = (states: LabStates) =>
    (states[node] ?? []).filter((line) => {
      const of = route(line);
      return of?.hops.join(",") === ours.peer && familyOf(of!.prefix) === ours.family;
    });
  const passedOn = (states: LabStates, others: LabStates) => {
    const there = new Set(from(others).map((line) => route(line)!.prefix));
    return from(states).filter((line) => !there.has(route(line)!.prefix) && isPassedOn(line, sides))
      .length;
  };
  const { sim: simulated, real: seen } = sides;
  const more = passedOn(simulated, seen) - passedOn(seen, simulated);
  return ours.received - theirs.received === more;
}

/** An Established one. */
function session(line: string | undefined) {
  const match = /^(session (\S+) \S+(?: \((\S+)\))? AS \d+) (\d+)\/(\d+)$/.exec(line ?? "");
  if (match === null) return undefined;
  const [, name, family, peer, received, sent] = match;
  return { session: name!, family: family!, peer, received: Number(received), sent: Number(sent) };
}

function familyOf(prefix: string): string {
  return prefix.includes(":") ? "ipv6-unicast" : "ipv4-unicast";
}

function kernelRoute(line = ""): { prefix: Prefix; hops: string[] } | undefined {
  const [word, prefix, hops] = line.split(" ");
  return word === "kernel" ? { prefix: parsePrefix(prefix!)!, hops: hops!.split(",") } : undefined;
}

/** By which the node's kernel reaches this address: of its longest prefix. */
function hopsTo(lines: readonly string[] = [], to: string): string[] {
  const address = parseAddress(to);
  if (address === undefined) return [];
  return lines
    .flatMap((line) => kernelRoute(line) ?? [])
    .filter(({ prefix }) => prefixContains(prefix, address))
    .reduce<{ hops: string[]; length: number }>(
      (best, { prefix, hops }) =>
        prefixLength(prefix) > best.length ? { hops, length: prefixLength(prefix) } : best,
      { hops: [], length: -1 },
    ).hops;
}

function wayOf(line = ""): string[] | undefined {
  return /^path .*?: (.*)$/.exec(line)?.[1]!.split(", ");
}

/** A path of a BGP table. */
function route(line = "") {
  const match =
    /^(\S+) (\S+) "([^"]*)" (\S+ local preference (\S+) MED \S+) communities (\[.*\])(.*)$/.exec(
      line,
    );
  if (match === null) return undefined;
  const [, prefix, hops, asPath, attributes, localPref, communities, marks] = match;
  return {
    prefix: prefix!,
    hops: hops!.split(","),
    asPath: asPath!,
    path: `${prefix} ${hops} ${asPath} ${attributes} ${communities}`,
    /** What the decision process looks at before it asks who was first. */
    merits: `${asPath!.split(" ").length} ${attributes}`,
    isExternal: asPath !== "" && localPref === "undefined",
    isBest: marks!.includes("best"),
    isUsed: /best|multipath/.test(marks!),
    isStale: marks!.includes("stale"),
  };
}

/** Of the paths that the node's BGP table uses, in alphabetical order. */
function usedAsPaths(lines: readonly string[], prefix: string): string[] {
  return lines
    .flatMap((line) => route(line) ?? [])
    .filter((one) => one.prefix === prefix && one.isUsed)
    .map(({ asPath }) => asPath)
    .sort();
}

/** The next hops that the node's BGP table uses. */
function usedHops(lines: readonly string[], prefix: string): string[] {
  return lines
    .flatMap((line) => route(line) ?? [])
    .filter((one) => one.prefix === prefix && one.isUsed)
    .flatMap(({ hops }) => hops);
}
