import { type Address, familyOf, isLinkLocal } from "../net/address.ts";
import type { FibNextHop, FibRoute } from "./fib.ts";
import type { Hop, Interface, Way } from "./link.ts";
import { type Hook, IpPacket } from "./netfilter.ts";
import type { SimNode } from "./network.ts";
import { sourceAddress } from "./source-address.ts";

/** Where a packet went. `hops` up to where it arrived, or was dropped. */
export type Walk = {
  hops: Hop[];
  delayMs: number;
  /** What is left of the TTL where it ended. */
  ttl: number;
  /** The interface that it came in by last; undefined: it never left. */
  on: Interface | undefined;
} & (
  | { arrived: SimNode }
  | {
      dropped: DropReason;
      at: SimNode;
      /** The node would say so: by ICMP, or by ending the connection. */
      speaks: boolean;
      resets: boolean;
    }
);

export type DropReason =
  | "no route"
  | "blackhole"
  | "host unreachable"
  | "link down"
  | "TTL exceeded"
  | "loss"
  /** A node that is no router, and says nothing. */
  | "not forwarded"
  /** By a node's packet rules; where they say so, its sender is told. */
  | "filtered";

export type WalkOptions = {
  ttl?: number;
  /** The interface, where the address is link-local. */
  interface?: string;
  /** From 0 to below 1: whether a lossy cable loses the packet. Without it none does, but one that loses all. */
  random?: () => number;
  /** When it is sent, and how big it is: what a cable of limited rate makes of it. */
  nowMs?: number;
  bytes?: number;
};

const defaultTtl = 64;
/** What a tunnelled packet travels in: Cilium's VXLAN (agent/egress-rules.ts). */
const tunnel = { protocol: "udp", sourcePort: 49_152, destinationPort: 8472 } as const;

/** Follows a packet hop by hop, as each node's routes and packet rules have it now. Nodes may change it on its way. */
export function walk(from: SimNode, packet: IpPacket, options: WalkOptions = {}): Walk {
  const hops: Hop[] = [];
  let ttl = options.ttl ?? defaultTtl;
  let delayMs = 0;
  let at = from;
  let on: Interface | undefined;
  let cameBy: IpPacket["cameBy"];
  const drop = (dropped: DropReason, speaks: boolean, resets = false): Walk => ({
    ...{ hops, delayMs, ttl, on, dropped, at, speaks, resets },
  });
  /** Undefined: it goes on. */
  const filtered = (hook: Hook): Walk | undefined => {
    const verdict = at.netfilter?.pass(hook, packet, on?.name) ?? "accept";
    if (verdict === "accept") return undefined;
    return drop("filtered", verdict !== "drop", verdict === "reset");
  };
  if (!from.isUp) return drop("link down", false);
  for (;;) {
    const before = packet.tuple;
    packet.enter(cameBy);
    const isOwn = cameBy === undefined;
    const first = filtered(isOwn ? "output" : "prerouting");
    if (first !== undefined) return first;
    const target = packet.tuple.destination;
    if (at.ownerOf(target, on?.name ?? options.interface)) {
      const last = filtered("input");
      if (last !== undefined) return last;
      at.netfilter?.remember(before, packet);
      return { hops, delayMs, ttl, on, arrived: at };
    }
    if (!isOwn) {
      if (isLinkLocal(target)) return drop("host unreachable", false);
      if (at.doesNotForward.has(familyOf(target))) return drop("not forwarded", false);
      ttl--;
      if (ttl <= 0) return drop("TTL exceeded", true);
    }
    const { tunnelTo } = packet;
    if (tunnelTo === "nowhere") return drop("no route", true);
    const hop = tunnelTo === undefined ? outgoing(at, packet, options) : undefined;
    if (typeof hop === "string") return drop(hop, true);
    const stopped = (isOwn ? undefined : filtered("forward")) ?? filtered("postrouting");
    if (stopped !== undefined) return stopped;
    at.netfilter?.remember(before, packet);
    if (hop === undefined) {
      const { random } = options;
      const source = sourceAddress(at, tunnelTo!);
      if (source === undefined) return drop("no route", false);
      const outside = new IpPacket({ ...tunnel, source, destination: tunnelTo! });
      const outer = walk(at, outside, { ...(random !== undefined && { random }) });
      hops.push(...outer.hops);
      delayMs += outer.delayMs;
      // Who fails to pass on the outer packet tells the node that packed it, and that tells nobody.
      if (!("arrived" in outer)) return drop(outer.dropped, false);
      at = outer.arrived;
      on = outer.on;
      cameBy = "tunnel";
      continue;
    }
    const out = at.interfaces.get(hop.interface);
    if (out === undefined || !out.hasCarrier) return drop("link down", false);
    const next = wayTo(out, hop.address ?? target);
    if (next === undefined) return drop("host unreachable", true);
    for (const crossed of next.hops) {
      hops.push(crossed);
      const nowMs = (options.nowMs ?? 0) + delayMs;
      const { bytes, random } = options;
      const sent = { nowMs, random, ...(bytes !== undefined && { bytes }) };
      const tookMs = crossed.cable.cross(crossed.from, sent);
      if (tookMs === undefined) return drop("loss", false);
      delayMs += tookMs;
      const verdict = crossed.to.node.netfilter?.pass("ingress", packet, crossed.to.name);
      if (verdict !== undefined && verdict !== "accept") return drop("filtered", false);
    }
    at = next.to.node;
    on = next.to;
    cameBy = next.to;
  }
}

/** Over the link to whoever has the address; undefined: nobody. */
export function wayTo(out: Interface, target: Address): Way | undefined {
  for (const way of out.ways()) {
    const { node, name } = way.to;
    if (node.isUp && node.ownerOf(target, name) !== undefined) return way;
  }
  return undefined;
}

/** The next hop that the node sends the packet to, of several by its flow; or why there is none. */
export function outgoing(
  at: SimNode,
  packet: IpPacket,
  options: WalkOptions,
): FibNextHop | DropReason {
  const { leavesBy, tuple } = packet;
  const nextHops = nextHopsTo(at, tuple.destination, { ...options, leavesBy });
  if (typeof nextHops === "string") return nextHops;
  if (nextHops.length === 1) return nextHops[0]!;
  return chosen(at, nextHops, flowOf(at, packet));
}

type RoutesThatCount = {
  interface?: string;
  which?: (of: FibRoute) => boolean;
  /** Only those over this interface. */
  leavesBy?: string | undefined;
};

/** By the route that counts, of those that `which` picks; else why there is none. */
export function nextHopsTo(
  at: SimNode,
  to: Address,
  { interface: link, which = () => true, leavesBy }: RoutesThatCount,
): readonly FibNextHop[] | DropReason {
  if (isLinkLocal(to)) return link === undefined ? "no route" : [{ interface: link }];
  const isUsable = ({ interface: name }: FibNextHop) =>
    (leavesBy === undefined || name === leavesBy) &&
    (!at.ignoresRoutesWithLinkdown || at.interfaces.get(name)?.hasCarrier === true);
  const leadsAway = ({ kind, nextHops }: FibRoute) =>
    (kind !== "unicast" && leavesBy === undefined) || nextHops.some(isUsable);
  const route = at.fib.lookup(to, (one) => which(one) && leadsAway(one));
  if (route === undefined) {
    // As Linux takes it, where it is asked for a way over one interface: IPv4 is on the link then.
    const isOnLink = leavesBy !== undefined && familyOf(to) === "ipv4";
    return isOnLink ? [{ interface: leavesBy }] : "no route";
  }
  if (route.kind !== "unicast") return route.kind === "blackhole" ? "blackhole" : "no route";
  return route.nextHops.filter(isUsable);
}

/** By addresses alone, unless fib_multipath_hash_policy says that ports count as well. */
function flowOf({ hashesPorts }: SimNode, { tuple }: IpPacket): number {
  const { source, destination, sourcePort = 0, destinationPort = 0 } = tuple;
  const ports = hashesPorts ? ` ${sourcePort} ${destinationPort}` : "";
  let hash = 0;
  for (const letter of `${source} ${destination}${ports}`) {
    hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  }
  return hash;
}

/** Of equal next hops one by the flow, another at every node, as routers hash with a seed of their own. */
function chosen(at: SimNode, nextHops: readonly FibNextHop[], flow: number): FibNextHop {
  let hash = flow ^ 0x811c9dc5 ^ Math.imul(at.hashSeed, 0x9e3779b1);
  for (const letter of at.name) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return nextHops[(hash >>> 8) % nextHops.length]!;
}
