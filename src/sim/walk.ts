import { type Address, isLinkLocal } from "../net/address.ts";
import type { FibNextHop } from "./fib.ts";
import type { Cable, Interface, SimNode } from "./network.ts";

/** One crossing of a cable. */
export type Hop = { from: Interface; to: Interface; cable: Cable };

/** Where a packet went. `hops` up to where it arrived, or was dropped. */
export type Walk = {
  hops: Hop[];
  delayMs: number;
  /** What is left of the TTL where it ended. */
  ttl: number;
} & (
  | { arrived: SimNode }
  | { dropped: DropReason; at: SimNode; /** The node that would say so by ICMP. */ speaks: boolean }
);

export type DropReason =
  | "no route"
  | "blackhole"
  | "host unreachable"
  | "link down"
  | "TTL exceeded"
  | "filtered"
  | "loss";

export type WalkOptions = {
  ttl?: number;
  /** The interface, where the address is link-local. */
  interface?: string;
  /** Chooses among equal next hops; equal flows go the same way. */
  flow?: number;
  /** From 0 to below 1: whether a lossy cable loses the packet. Without it none does. */
  random?: () => number;
};

const defaultTtl = 64;

/** Follows a packet hop by hop, as each node's routes have it now. */
export function walk(from: SimNode, to: Address, options: WalkOptions = {}): Walk {
  const hops: Hop[] = [];
  let ttl = options.ttl ?? defaultTtl;
  let delayMs = 0;
  let at = from;
  const drop = (dropped: DropReason, speaks: boolean): Walk => ({
    ...{ hops, delayMs, ttl, dropped, at, speaks },
  });
  if (!from.isUp) return drop("link down", false);
  for (;;) {
    if (at.ownerOf(to, hops.at(-1)?.to.name ?? options.interface)) {
      return { hops, delayMs, ttl, arrived: at };
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
    const target = hop.address ?? to;
    const next = out
      .neighbors()
      .find((one) => one.node.ownerOf(target, one.name) !== undefined && one.node.isUp);
    if (next === undefined) return drop("host unreachable", true);
    for (const crossed of cablesBetween(out, next)) {
      hops.push(crossed);
      delayMs += crossed.cable.delayMs;
      if (crossed.to.dropsIncoming) return drop("filtered", false);
      if (crossed.cable.loss > 0 && (options.random?.() ?? 1) < crossed.cable.loss) {
        return drop("loss", false);
      }
    }
    at = next.node;
  }
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

/** From an interface to one on the same link: over one cable, or over those of bridges between. */
export function cablesBetween(from: Interface, to: Interface): Hop[] {
  const cable = from.cable!;
  const other = cable.otherEnd(from);
  if (other === to) return [{ from, to, cable }];
  for (const port of other.node.interfaces.values()) {
    if (port === other || !port.hasCarrier) continue;
    const rest = port.cable!.otherEnd(port) === to || port.neighbors().includes(to);
    if (rest) return [{ from, to: other, cable }, ...cablesBetween(port, to)];
  }
  throw new Error(`${to.node.name}:${to.name} is no neighbor of ${from.node.name}:${from.name}`);
}
