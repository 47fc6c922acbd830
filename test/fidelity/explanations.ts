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
      "a node's first message may come before FRR has told the kernel which TTL it asks for: the node's end is up then, the router's not, until the hold time is over, and again at the next attempt",
    holds: ({ node, sim = "", real }, sides) => {
      const theirs = session(real);
      if (theirs?.peer === undefined || theirs.received > 0) return false;
      const backs = (sides.real[theirs.peer] ?? []).filter(
        (line) => line.startsWith("session ") && line.includes(`(${node})`),
      );
      const isHalf = backs.length > 0 && backs.every((line) => line.endsWith(" down"));
      return isHalf && sim.startsWith("session ") && sim.endsWith(" down");
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
      const routes = [sides.sim, sides.real].map((states) => routeTo(states[ours[at - 1]!], to));
      // The real kernel may have fewer of them, which is a difference of its own.
      return (
        next.every((hop) => routes[0]?.hops.includes(hop)) &&
        routes[1]?.hops.includes(theirs[at]!) === true
      );
    },
  },
  {
    cause:
      "of external paths that are equally good FRR stays with the one that came first (RFC 5004), where they do not come within the 50 ms of its work queue: which of two routers is first by more is chance",
    holds: ({ node, sim, real }, sides) => {
      const [ours, theirs] = [route(sim), route(real)];
      if (ours === undefined || theirs === undefined || ours.path !== theirs.path) return false;
      if (ours.isStale !== theirs.isStale || ours.isBest === theirs.isBest) return false;
      return isChosenByChance(node, ours.prefix, sides);
    },
  },
  {
    cause:
      "it follows from which of equally good external paths came first: the kernel's route, and the way of a ping",
    holds: ({ node, sim, real }, sides) => {
      const kernel = kernelRoute(sim);
      if (kernel !== undefined) return isKernelOfChoice(node, kernel.prefix, sides);
      const [ours, theirs] = [wayOf(sim), wayOf(real)];
      if (ours === undefined || theirs === undefined) return false;
      const at = ours.findIndex((hop, i) => hop !== theirs[i]);
      const parts = ours[at - 1];
      if (parts === undefined) return false;
      const [there, seen] = [sides.sim, sides.real].map((states) =>
        routeTo(states[parts], ours.at(-1)!),
      );
      if (there === undefined || seen === undefined) return false;
      const isBy = there.hops.includes(ours[at]!) && seen.hops.includes(theirs[at]!);
      return isBy && isKernelOfChoice(parts, there.prefix, sides);
    },
  },
  {
    cause:
      "of several equal paths a router passes on the one that came first: its neighbor has another, or none that does not lead back to it",
    holds: ({ node, sim, real }, sides) => {
      if (session(sim) !== undefined) return isCountOfPassedOn(node, sim, real, sides);
      const isEach = (line: string | undefined, side: keyof Sides) =>
        line === undefined || isPassedOn(line, side, sides);
      return isEach(sim, "sim") && isEach(real, "real");
    },
  },
];

/** Why the two sides differ there; undefined where nothing known is the cause. */
export function explanationOf(pair: Pair, sides: Sides): string | undefined {
  return explanations.find(({ holds }) => holds(pair, sides))?.cause;
}

/** Whether the two sides have another best path there, both have both, and nothing but who was first speaks for either. */
function isChosenByChance(node: string, prefix: string, { sim, real }: Sides): boolean {
  const [ours, theirs] = [best(sim[node], prefix), best(real[node], prefix)];
  if (ours === undefined || theirs === undefined || ours.path === theirs.path) return false;
  const areThere = [sim, real].every((states) => {
    const paths = new Set((states[node] ?? []).map((line) => route(line)?.path));
    return paths.has(ours.path) && paths.has(theirs.path);
  });
  const areExternal = isExternal(ours, sim[node]) && isExternal(theirs, real[node]);
  return areThere && ours.merits === theirs.merits && areExternal;
}

/** An internal path always has a local preference, an external one where a policy gives it one; it begins with its peer's AS. */
function isExternal(
  { asPath, localPref, hops }: NonNullable<ReturnType<typeof route>>,
  lines: readonly string[] = [],
): boolean {
  if (asPath === "") return false;
  if (localPref === "undefined") return true;
  return lines.some((line) => {
    const from = session(line);
    return from?.peer === hops[0] && from?.asn === asPath.split(" ")[0];
  });
}

/** Whether the kernels have the best path of their side, which is there by chance. */
function isKernelOfChoice(node: string, prefix: Prefix, sides: Sides): boolean {
  const agree = [sides.sim, sides.real].every((states) => {
    const kernel = (states[node] ?? []).map(kernelRoute).find((one) => one?.prefix === prefix);
    return kernel?.hops.join(",") === best(states[node], prefix)?.hops.join(",");
  });
  return agree && isChosenByChance(node, prefix, sides);
}

/**
 * Whether the neighbor that it leads to passes it on by chance: it has that path and other equal ones in use, the same
 * on both sides, or has chosen it on this side.
 */
function isPassedOn(line: string, side: keyof Sides, sides: Sides): boolean {
  const of = route(line);
  const [from, ...others] = of?.hops ?? [];
  if (of === undefined || from === undefined || others.length > 0) return false;
  // The neighbor has put its own number in front.
  const asPath = of.asPath.replace(/^\d+ ?/, "");
  const [ours, theirs] = [sides.sim, sides.real].map((states) =>
    usedAsPaths(states[from] ?? [], of.prefix),
  );
  if (JSON.stringify(ours) === JSON.stringify(theirs)) {
    return ours!.length > 1 && ours!.includes(asPath);
  }
  const isChosen = best(sides[side][from], of.prefix)?.asPath === asPath;
  return isChosen && isChosenByChance(from, of.prefix, sides);
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
  const passedOn = (side: keyof Sides, other: keyof Sides) => {
    const there = new Set(from(sides[other]).map((line) => route(line)!.prefix));
    return from(sides[side]).filter(
      (line) => !there.has(route(line)!.prefix) && isPassedOn(line, side, sides),
    ).length;
  };
  const more = passedOn("sim", "real") - passedOn("real", "sim");
  return ours.received - theirs.received === more;
}

/** An Established one. */
function session(line: string | undefined) {
  const match = /^(session (\S+) \S+(?: \((\S+)\))? AS (\d+)) (\d+)\/(\d+)$/.exec(line ?? "");
  if (match === null) return undefined;
  const [, name, family, peer, asn, received, sent] = match;
  const counts = { received: Number(received), sent: Number(sent) };
  return { session: name!, family: family!, peer, asn: asn!, ...counts };
}

function familyOf(prefix: string): string {
  return prefix.includes(":") ? "ipv6-unicast" : "ipv4-unicast";
}

type KernelRoute = { prefix: Prefix; hops: string[] };

function kernelRoute(line = ""): KernelRoute | undefined {
  const [word, prefix, hops] = line.split(" ");
  return word === "kernel" ? { prefix: parsePrefix(prefix!)!, hops: hops!.split(",") } : undefined;
}

/** By which the node's kernel reaches this address: of its longest prefix. */
function routeTo(lines: readonly string[] = [], to: string): KernelRoute | undefined {
  const address = parseAddress(to);
  if (address === undefined) return undefined;
  return lines
    .flatMap((line) => kernelRoute(line) ?? [])
    .filter(({ prefix }) => prefixContains(prefix, address))
    .sort((a, b) => prefixLength(b.prefix) - prefixLength(a.prefix))[0];
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
    localPref: localPref!,
    isBest: marks!.includes("best"),
    isUsed: /best|multipath/.test(marks!),
    isStale: marks!.includes("stale"),
  };
}

/** The best one of the node's BGP table. */
function best(lines: readonly string[] = [], prefix: string) {
  return lines.map(route).find((one) => one?.isBest === true && one.prefix === prefix);
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
