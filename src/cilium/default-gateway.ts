import type { Address, Family } from "../net/address.ts";
import type { DefaultRoute, NetworkState } from "../net/network-state.ts";
import { isLinkLocal } from "./interface-addresses.ts";
import type { NodePeer } from "./schema/node-config.ts";

/**
 * Which gateways a peer with `autoDiscovery` gets sessions to. `one` is Cilium's: the default route of
 * the lowest metric, the first of equals. The others are asked for by an annotation.
 */
export const gatewayChoices = ["one", "equal-metric", "all"] as const;
export type GatewayChoice = (typeof gatewayChoices)[number];

/** On a CiliumBGPClusterConfig, and copied to the CiliumBGPNodeConfigs of its nodes. */
export const gatewayChoiceAnnotation = "spinelab.io/auto-discovery-gateways";

type Gateway = { address: Address; metric: number };

/**
 * The peers with the addresses that their `autoDiscovery` finds. A peer that finds none is left
 * without an address; one with several gateways becomes a peer for each, named `NAME-ADDRESS`.
 */
export function discoveredPeers(
  peers: readonly NodePeer[],
  network: NetworkState,
  choice: GatewayChoice,
  warn: (message: string) => void,
): NodePeer[] {
  return peers.flatMap((peer) => {
    const { autoDiscovery, peerAddress, name } = peer;
    if (autoDiscovery?.mode === "Unnumbered" && peerAddress === undefined) {
      return [{ ...peer, peerAddress: `::%${autoDiscovery.unnumbered!.interface}` }];
    }
    // Cilium looks for nothing where an address is given.
    if (autoDiscovery?.mode !== "DefaultGateway" || peerAddress !== undefined) return [peer];
    const { defaultGateway } = autoDiscovery;
    if (defaultGateway === undefined) {
      warn(`peer ${name}: autoDiscovery without defaultGateway.addressFamily finds nothing`);
      return [peer];
    }
    const found = gateways(network, defaultGateway.addressFamily, choice, (message) =>
      warn(`peer ${name}: ${message}`),
    );
    if (found.length === 0) {
      warn(`peer ${name}: no default gateway of ${defaultGateway.addressFamily} was found`);
      return [peer];
    }
    if (choice === "one") return [{ ...peer, peerAddress: found[0]!.address }];
    return found.map(({ address }) => ({
      ...peer,
      name: `${name}-${address}`,
      peerAddress: address,
    }));
  });
}

function gateways(
  { defaultRoutes, interfaces }: NetworkState,
  family: Family,
  choice: GatewayChoice,
  warn: (message: string) => void,
): Gateway[] {
  const isUp = (index: number) =>
    interfaces.some((link) => link.index === index && link.operState === "up");
  const candidates = defaultRoutes
    .filter((route) => route.family === family)
    .flatMap((route) => hops(route, choice))
    .filter(({ interfaceIndex, address }) => {
      if (!isUp(interfaceIndex)) return false;
      if (isLinkLocal(address)) warn(`the link-local gateway ${address} is skipped`);
      return !isLinkLocal(address);
    })
    .sort((a, b) => a.metric - b.metric); // A stable sort: the first of equals stays the first.
  const lowest = candidates[0]?.metric;
  const chosen = choice === "all" ? candidates : candidates.filter((c) => c.metric === lowest);
  const byAddress = new Map(chosen.map((gateway) => [gateway.address, gateway]));
  return [...byAddress.values()].slice(0, choice === "one" ? 1 : undefined);
}

/** A multipath route has no gateway of its own: where one session is wanted, Cilium passes it over. */
function hops({ metric, nextHops }: DefaultRoute, choice: GatewayChoice) {
  if (choice === "one" && nextHops.length > 1) return [];
  return nextHops.flatMap(({ gateway, interfaceIndex }) =>
    gateway === undefined ? [] : [{ address: gateway, metric, interfaceIndex }],
  );
}
