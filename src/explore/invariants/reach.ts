import { type Address, familyOf } from "../../net/address.ts";
import { echoRequest } from "../../sim/exchange.ts";
import type { SimNode } from "../../sim/network.ts";
import { nextHopsTo } from "../../sim/walk.ts";
import { couldKnow, type KnownBy } from "../known-by.ts";
import type { PodEnd } from "../pod-ends.ts";
import type { SessionPair } from "../sessions.ts";
import { isCut, nextWay, type Trouble, troubles } from "../troubles.ts";
import type { Finding } from "./finding.ts";

export type ReachOptions = {
  pods: readonly PodEnd[];
  /** Those that can be there with the faults that are left. */
  sessions: readonly SessionPair[];
  /** Whether the node passes on the routes that it learns. */
  passesOn: (node: SimNode) => boolean;
  /** Pairs of pods that reached each other before anything was broken, as `reachable` names them. */
  before: ReadonlySet<string>;
};

type Way = { from: PodEnd; to: PodEnd; address: Address; name: string };

/** Ways between pods that are open whichever of equal next hops is taken. */
export function reachable(pods: readonly PodEnd[]): Set<string> {
  const open = waysBetween(pods).filter(
    ({ from, address }) => troubles(from.node, address).length === 0,
  );
  return new Set(open.map(({ name }) => name));
}

/** Every pod reaches every pod that the links left allow, and no packet goes in circles. */
export function unreached({ pods, sessions, passesOn, before }: ReachOptions): Finding[] {
  const findings: Finding[] = [];
  const known = new Map<Address, KnownBy | undefined>();
  for (const { from, to, address, name } of waysBetween(pods)) {
    const found = troubles(from.node, address);
    const loop = found.find(({ what }) => what === "loop");
    const trouble = loop ?? found[0];
    if (trouble === undefined) continue;
    if (!known.has(address)) {
      known.set(address, couldKnow(address, to.home, sessions, passesOn));
    }
    const nodes = known.get(address);
    const isOwed =
      before.has(name) && nodes !== undefined && leadsInto(from.home, to.home, address, nodes);
    if (loop === undefined && !isOwed) continue;
    findings.push({
      invariant: loop === undefined ? "reach" : "loop",
      text: `${name}: ${text(trouble)}${isOwed ? wayLeft(trouble, nodes) : ""}`,
      // Where packets have no way at all, no check tells going round from being dropped.
      ...(isOwed && { check: ping(from, to, address) }),
    });
  }
  return findings;
}

/** From every pod to every pod of another node, by each family that both have. */
export function waysBetween(pods: readonly PodEnd[]): Way[] {
  return pods.flatMap((from) =>
    pods
      .filter((to) => to.home !== from.home)
      .flatMap((to) =>
        Object.entries(to.addresses).flatMap(([family, address]) => {
          if (from.addresses[family as keyof PodEnd["addresses"]] === undefined) return [];
          const ofFamily = family === "ipv6" ? " (ipv6)" : "";
          return { from, to, address, name: `${from.name} → ${to.name}${ofFamily}` };
        }),
      ),
  );
}

/**
 * Whether a node could send to an address: it could know a route of BGP itself, or what else it has leads only to
 * nodes that could.
 */
function leadsInto(from: SimNode, home: SimNode, to: Address, nodes: KnownBy): boolean {
  if (from === home) return true;
  const installsRoutes = from.fib.routes().some(({ protocol }) => protocol === "bgp");
  if (installsRoutes) return nodes.has(from);
  const hops = nextHopsTo(from, to, { which: ({ protocol }) => protocol !== "bgp" });
  if (typeof hops === "string") return false;
  const packet = echoRequest(from, to);
  return hops.every((hop) => {
    const next = nextWay(from, hop, to);
    if (typeof next === "string" || !nodes.has(next.to.node)) return false;
    return !next.hops.some((each) => isCut(each, packet));
  });
}

function text({ what, path }: Trouble): string {
  const way = path.join(" → ");
  return what === "loop" ? `in circles: ${way}` : `${what} at ${path.at(-1)} (${way})`;
}

/** What the sessions would allow where a packet ended for want of a route: a policy may be what forbids it. */
function wayLeft({ what, path }: Trouble, nodes: KnownBy): string {
  if (what !== "no route") return "";
  const left = [...nodes].find(([{ name }]) => name === path.at(-1))?.[1];
  return left === undefined ? "" : `\n  its sessions allow ${left.join(" → ")}`;
}

function ping(from: PodEnd, to: PodEnd, address: Address): Record<string, unknown> {
  const family = familyOf(address) === "ipv6" ? { family: "ipv6" } : {};
  return { ping: { from: from.name, to: to.name, ...family, loss: "0%" } };
}
