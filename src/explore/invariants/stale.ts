import type { AvailableRoute } from "../../bgp/speaker/views.ts";
import { familyName } from "../../bgp/rib/family.ts";
import type { FibRoute } from "../../sim/fib.ts";
import type { SimNode } from "../../sim/network.ts";
import type { SimSpeakerHost } from "../../sim/speaker-host.ts";
import type { World } from "../../sim/world.ts";
import type { SessionEnd, SessionPair } from "../sessions.ts";
import { nextWay } from "../troubles.ts";
import type { Finding } from "./finding.ts";

/** No route of BGP, in a kernel's table or a speaker's, points to nothing. */
export function staleRoutes(world: World, sessions: readonly SessionPair[]): Finding[] {
  const nodes = [...world.network.nodes.values()].filter(({ isUp, isBridge }) => isUp && !isBridge);
  return [...nodes.flatMap((node) => ofKernel(world, node)), ...ofSpeakers(world, sessions)];
}

function ofKernel(world: World, node: SimNode): Finding[] {
  const hosts = [...world.speakers].filter((host) => host.node === node);
  const used = new Set(
    hosts.flatMap(({ speaker }) =>
      speaker.routesAvailable().flatMap((route) => (isUsed(route) ? route.prefix : [])),
    ),
  );
  const finding = ({ prefix }: FibRoute, text: string): Finding => ({
    invariant: "stale",
    text: `${node.name}: the kernel's route to ${prefix} ${text}`,
    check: {
      fib: { on: node.name, prefix, ...(prefix.includes(":") && { family: "ipv6" }), absent: true },
    },
  });
  return node.fib.routes().flatMap((route): Finding[] => {
    if (route.protocol !== "bgp") return [];
    const dead = route.nextHops.find((hop) => isNothing(node, hop));
    if (dead !== undefined) {
      return [
        finding(route, `has the next hop ${dead.address} on ${dead.interface}: nobody is there`),
      ];
    }
    // A speaker that does not run leaves its routes.
    if (hosts.length === 0 || used.has(route.prefix)) return [];
    return [finding(route, "is one that the speaker does not have")];
  });
}

function isNothing(node: SimNode, hop: FibRoute["nextHops"][number]): boolean {
  return hop.address !== undefined && typeof nextWay(node, hop, hop.address) === "string";
}

/** Back from every used path to where it began. */
function ofSpeakers(world: World, sessions: readonly SessionPair[]): Finding[] {
  const otherEnd = new Map<SimSpeakerHost, Map<string, SessionEnd>>();
  for (const [a, b] of sessions) {
    for (const [end, other] of [[a, b] as const, [b, a] as const]) {
      const ofHost = otherEnd.get(end.host) ?? new Map<string, SessionEnd>();
      otherEnd.set(end.host, ofHost.set(end.config.name, other));
    }
  }
  const tables = new Map([...world.speakers].map((host) => [host, bestByPrefix(host)]));
  return [...tables].flatMap(([host, best]) => {
    const stale = keptAsStale(host);
    return [...best.values()].flatMap((route): Finding[] => {
      const wrong = stale.has(keyOf(route)) ? undefined : whyWithoutOrigin(host, route);
      if (wrong === undefined) return [];
      const { name } = host.node;
      return [
        {
          invariant: "stale",
          text: `${name}: ${route.prefix} is used from ${route.peer}: ${wrong}`,
          check: {
            route: {
              ...{ on: name, prefix: route.prefix, absent: true },
              ...(route.family.afi === "ipv6" && { family: "ipv6-unicast" }),
            },
          },
        },
      ];
    });
  });

  function whyWithoutOrigin(first: SimSpeakerHost, of: AvailableRoute): string | undefined {
    const way = [first];
    let at = first;
    let route: AvailableRoute | undefined = of;
    while (route?.peer !== undefined) {
      const end = otherEnd.get(at)?.get(route.peer);
      if (end === undefined) return `${at.node.name} has no session to ${route.peer}`;
      if (
        end.config.defaultOriginate?.includes(familyName(of.family)) &&
        of.prefix.endsWith("/0")
      ) {
        return undefined;
      }
      at = end.host;
      if (way.includes(at)) {
        return `it comes round to ${at.node.name} again, and nobody is its origin`;
      }
      way.push(at);
      route = tables.get(at)?.get(keyOf(of));
    }
    return route === undefined ? `${at.node.name} does not have it` : undefined;
  }
}

function bestByPrefix({ speaker }: SimSpeakerHost): Map<string, AvailableRoute> {
  const best = speaker.routesAvailable().filter((route) => route.best);
  return new Map(best.map((route) => [keyOf(route), route]));
}

/** Of a peer that restarts: told to be gone when its time is over. */
function keptAsStale({ speaker }: SimSpeakerHost): Set<string> {
  return new Set(
    speaker.routesReceived().flatMap((route) => (route.stale && route.best ? keyOf(route) : [])),
  );
}

function keyOf({ family, prefix }: Pick<AvailableRoute, "family" | "prefix">): string {
  return `${family.afi} ${prefix}`;
}

function isUsed({ best, multipath }: AvailableRoute): boolean {
  return best || multipath === true;
}
