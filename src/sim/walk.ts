import { type Address, isLinkLocal } from "../net/address.ts";
import type { FibNextHop } from "./fib.ts";
import type { Hop, Interface, Way } from "./link.ts";
import type { SimNode } from "./network.ts";
import type { PacketHeader } from "./packet-filter.ts";

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
  | { dropped: DropReason; at: SimNode; /** The node that would say so by ICMP. */ speaks: boolean }
);

export type DropReason =
  | "no route"
  | "blackhole"
  | "host unreachable"
  | "link down"
  | "filtered"
  | "TTL exceeded"
  | "loss";

export type WalkOptions = {
  ttl?: number;
  /** The interface, where the address is link-local. */
  interface?: string;
  /** Chooses among equal next hops; equal flows go the same way. */
  flow?: number;
  /** From 0 to below 1: whether a lossy cable loses the packet. Without it none does, but one that loses all. */
  random?: () => number;
  /** When it is sent, and how big it is: what a cable of limited rate makes of it. */
  nowMs?: number;
  bytes?: number;
  tcp?: PacketHeader;
};

const defaultTtl = 64;

/** Follows a packet hop by hop, as each node's routes have it now. */
export function walk(from: SimNode, to: Address, options: WalkOptions = {}): Walk {
  const hops: Hop[] = [];
  let ttl = options.ttl ?? defaultTtl;
  let delayMs = 0;
  let at = from;
  let on: Interface | undefined;
  const drop = (dropped: DropReason, speaks: boolean): Walk => ({
    ...{ hops, delayMs, ttl, on, dropped, at, speaks },
  });
  if (!from.isUp) return drop("link down", false);
  for (;;) {
    if (at.ownerOf(to, on?.name ?? options.interface)) {
      if (on !== undefined && at.filter.drops("input", on.name, options.tcp)) {
        return drop("filtered", false);
      }
      return { hops, delayMs, ttl, on, arrived: at };
    }
    if (hops.length > 0) {
      if (isLinkLocal(to)) return drop("host unreachable", false);
      ttl--;
      if (ttl <= 0) return drop("TTL exceeded", true);
    }
    const hop = outgoing(at, to, options);
    if (typeof hop === "string") return drop(hop, true);
    const out = at.interfaces.get(hop.interface);
    if (out === undefined || !out.hasCarrier) return drop("link down", false);
    const next = wayTo(out, hop.address ?? to);
    if (next === undefined) return drop("host unreachable", true);
    for (const crossed of next.hops) {
      hops.push(crossed);
      const nowMs = (options.nowMs ?? 0) + delayMs;
      const { bytes, random } = options;
      const packet = { nowMs, random, ...(bytes !== undefined && { bytes }) };
      const tookMs = crossed.cable.cross(crossed.from, packet);
      if (tookMs === undefined) return drop("loss", false);
      delayMs += tookMs;
      if (crossed.to.node.filter.drops("ingress", crossed.to.name, options.tcp)) {
        return drop("filtered", false);
      }
    }
    at = next.to.node;
    on = next.to;
  }
}

function wayTo(out: Interface, target: Address): Way | undefined {
  for (const way of out.ways()) {
    const { node, name } = way.to;
    if (node.isUp && node.ownerOf(target, name) !== undefined) return way;
  }
  return undefined;
}

function outgoing(at: SimNode, to: Address, options: WalkOptions): FibNextHop | DropReason {
  if (isLinkLocal(to)) {
    return options.interface === undefined ? "no route" : { interface: options.interface };
  }
  const isUsable = ({ interface: name }: FibNextHop) =>
    !at.ignoresRoutesWithLinkdown || at.interfaces.get(name)?.hasCarrier === true;
  const route = at.fib.lookup(to, (one) => one.kind !== "unicast" || one.nextHops.some(isUsable));
  if (route === undefined) return "no route";
  if (route.kind !== "unicast") return route.kind === "blackhole" ? "blackhole" : "no route";
  return chosen(at, route.nextHops.filter(isUsable), options.flow ?? 0);
}

/** Of equal next hops one by the flow, another at every node, as routers hash with a seed of their own. */
function chosen(at: SimNode, nextHops: readonly FibNextHop[], flow: number): FibNextHop {
  if (nextHops.length === 1) return nextHops[0]!;
  let hash = flow ^ 0x811c9dc5;
  for (const letter of at.name) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return nextHops[(hash >>> 8) % nextHops.length]!;
}
