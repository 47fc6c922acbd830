import type { Speaker } from "../bgp/speaker/speaker.ts";
import type { RouteView } from "../bgp/speaker/views.ts";
import type { Address } from "../net/address.ts";
import type { SimFabric } from "../sim/scale/fabric-build.ts";

/** All that a speaker knows, as text that can be compared. */
export type Tables = {
  sessions: string[];
  available: string[];
  received: string[];
  advertised: string[];
  forwards: string[];
};
/** By the name of the host, of all that have power. */
export function tablesIn({ routers, nodes }: SimFabric): Map<string, Tables> {
  const hosts = [...routers, ...nodes].filter(({ speaker }) => speaker !== undefined);
  const nameOf = namer(
    hosts.flatMap(({ name, linkLocal, rackAddress }) =>
      [linkLocal, rackAddress].flatMap((at) => (at === undefined ? [] : [[at, name] as const])),
    ),
  );
  return new Map(
    hosts.map(({ name, speaker, kind }) => {
      const prefixes = speaker!.routesAvailable().map(({ prefix }) => prefix);
      const forwards = [...new Set(prefixes)].flatMap((prefix) => {
        const hops = speaker!.nextHops(prefix).map(({ peer }) => peer);
        return hops.length === 0 ? [] : [`${prefix} ${hops.sort().join(" ")}`];
      });
      const tables = tablesOf(speaker!, nameOf);
      return [name, { ...tables, forwards: kind === "router" ? forwards.sort() : [] }];
    }),
  );
}

/** Addresses by the names of those who have them. */
export function namer(named: Iterable<readonly [Address, string]>): (address: Address) => string {
  const names = new Map(named);
  return (address) => names.get(address) ?? address;
}

/** Next hops and peers by name; which of equal paths is shown as the best is part of it. */
export function tablesOf(
  speaker: Speaker,
  nameOf: (of: Address) => string,
): Omit<Tables, "forwards"> {
  const route = ({ prefix, nextHop, attributes }: RouteView, more: object) =>
    JSON.stringify({ prefix, via: nextHop && nameOf(nextHop), ...attributes, ...more });
  return {
    sessions: speaker
      .peers(0)
      .map(({ address, state, asn, families }) =>
        JSON.stringify({ peer: nameOf(address), state, asn, ...families[0], announced: undefined }),
      )
      .sort(),
    available: speaker
      .routesAvailable()
      .map((of) =>
        route(of, { from: of.peerAddress && nameOf(of.peerAddress), is: [of.best, of.multipath] }),
      )
      .sort(),
    received: speaker
      .routesReceived()
      .map((of) => route(of, { from: nameOf(of.peerAddress), notUsed: of.notUsed }))
      .sort(),
    advertised: speaker
      .routesAdvertised()
      .map((of) => route(of, { to: nameOf(of.peerAddress) }))
      .sort(),
  };
}
