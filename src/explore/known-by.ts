import type { Address } from "../net/address.ts";
import { prefixContains } from "../net/prefix.ts";
import type { SimNode } from "../sim/network.ts";
import type { SimSpeakerHost } from "../sim/speaker-host.ts";
import type { SessionEnd, SessionPair } from "./sessions.ts";

/** A route on its way: who has it, and what the next one judges it by. */
type Carried = {
  host: SimSpeakerHost;
  /** From the neighbour to the origin. */
  asPath: readonly number[];
  from: "own" | "external" | "client" | "internal";
  /** Who passed it on; undefined: the origin. */
  previous: Carried | undefined;
};

/** The nodes that a route could come to, each with the names of those that pass it on, from there to the origin. */
export type KnownBy = ReadonlyMap<SimNode, readonly string[]>;

/** Ways of a route that are followed; more than that says nothing. */
const waysMax = 20_000;

/**
 * The nodes that a route to an address could come to, by any of these sessions, if every speaker passed on every
 * way it has: as the AS path allows (RFC 4271 §9.1.2), and between internal peers as RFC 4456 has it. What export
 * and import policies would refuse is not known here. `passesOn`: whether the node passes on what it learned. Of
 * several ways a node has one with the fewest sessions.
 * Undefined: too many ways.
 */
export function couldKnow(
  to: Address,
  home: SimNode,
  sessions: readonly SessionPair[],
  passesOn: (node: SimNode) => boolean,
): KnownBy | undefined {
  const bySpeaker = Map.groupBy(
    sessions.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]),
    ([{ host }]) => host,
  );
  const nodes = new Map<SimNode, readonly string[]>();
  const seen = new Set<string>();
  const queue: Carried[] = [];
  for (const host of bySpeaker.keys()) {
    const { originate } = host.speaker.config;
    const isOwn = originate.some((one) =>
      prefixContains(typeof one === "string" ? one : one.prefix, to),
    );
    if (host.node === home && isOwn)
      queue.push({ host, asPath: [], from: "own", previous: undefined });
  }
  for (const next of queue) {
    const { node } = next.host;
    if (!nodes.has(node)) nodes.set(node, wayOf(next));
    if (next.from !== "own" && !passesOn(node)) continue;
    for (const [end, other] of bySpeaker.get(next.host) ?? []) {
      const carried = pass(next, end, other);
      if (carried === undefined) continue;
      const key = `${other.host.node.name} ${carried.from} ${carried.asPath.join(" ")}`;
      if (seen.has(key)) continue;
      if (seen.size === waysMax) return undefined;
      seen.add(key);
      queue.push(carried);
    }
  }
  return nodes;
}

function wayOf({ host, previous }: Carried): string[] {
  return [host.node.name, ...(previous === undefined ? [] : wayOf(previous))];
}

function pass(route: Carried, end: SessionEnd, other: SessionEnd): Carried | undefined {
  const { host } = other;
  const own = end.host.speaker.config.localAsn;
  const theirs = host.speaker.config.localAsn;
  const sent = end.config.localAs?.asn ?? own;
  const isInternal = sent === (other.config.localAs?.asn ?? theirs);
  if (isInternal) {
    const isReflected = route.from === "client" || end.config.routeReflectorClient === true;
    if (route.from === "internal" && !isReflected) return undefined;
    const from = other.config.routeReflectorClient === true ? "client" : "internal";
    return { host, asPath: route.asPath, from, previous: route };
  }
  const hidesOwn = end.config.localAs?.replaceAs === true || sent === own;
  const asPath = hidesOwn ? [sent, ...route.asPath] : [sent, own, ...route.asPath];
  const loops = asPath.filter((asn) => asn === theirs).length;
  if (loops > (other.config.allowAsIn ?? 0)) return undefined;
  return { host, asPath, from: "external", previous: route };
}
