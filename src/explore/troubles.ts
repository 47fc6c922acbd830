import type { Address } from "../net/address.ts";
import type { FibNextHop } from "../sim/fib.ts";
import type { Hop, Way } from "../sim/link.ts";
import { echoRequest } from "../sim/exchange.ts";
import type { IpPacket } from "../sim/netfilter.ts";
import type { SimNode } from "../sim/network.ts";
import { type DropReason, nextHopsTo, wayTo } from "../sim/walk.ts";

/** Where some of the packets to an address end that do not arrive. `path`: nodes from the first to the last. */
export type Trouble = { what: DropReason | "loop"; path: readonly string[] };

/**
 * Follows all ways at once that packets from here to an address may take, whichever of equal next hops their flow
 * is given. None: every packet arrives.
 */
export function troubles(from: SimNode, to: Address): Trouble[] {
  const found: Trouble[] = [];
  const done = new Set<SimNode>();
  const path: SimNode[] = [];
  const packet = echoRequest(from, to);
  const names = () => path.map(({ name }) => name);
  const visit = (at: SimNode, cameIn: string | undefined) => {
    if (path.includes(at)) {
      found.push({ what: "loop", path: [...names(), at.name] });
      return;
    }
    // Whatever is wrong from there on is told already.
    if (done.has(at)) return;
    done.add(at);
    path.push(at);
    follow(at, cameIn);
    path.pop();
  };
  const follow = (at: SimNode, cameIn: string | undefined) => {
    if (at.ownerOf(to, cameIn) !== undefined) return;
    const hops = nextHopsTo(at, to, {});
    if (typeof hops === "string") {
      found.push({ what: hops, path: names() });
      return;
    }
    for (const hop of hops) {
      const way = nextWay(at, hop, to);
      if (typeof way === "string") found.push({ what: way, path: names() });
      else {
        const cut = way.hops.find((each) => isCut(each, packet));
        if (cut === undefined) visit(way.to.node, way.to.name);
        else found.push({ what: "filtered", path: [...names(), cut.to.node.name] });
      }
    }
  };
  visit(from, undefined);
  return found;
}

/** Over the link to whoever takes what is given to the next hop; else why nobody does. */
export function nextWay(
  at: SimNode,
  hop: FibNextHop,
  to: Address,
): Way | "link down" | "host unreachable" {
  const out = at.interfaces.get(hop.interface);
  if (out === undefined || !out.hasCarrier) return "link down";
  return wayTo(out, hop.address ?? to) ?? "host unreachable";
}

/** The packet does not cross it. */
export function isCut({ from, to, cable }: Hop, packet: IpPacket): boolean {
  if (cable.cross(from, { nowMs: 0, random: undefined }) === undefined) return true;
  const verdict = to.node.netfilter?.pass("ingress", packet, to.name) ?? "accept";
  return verdict !== "accept";
}
