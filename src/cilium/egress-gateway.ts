import { type Address, type Family, familyOf, isLinkLocal, parseAddress } from "../net/address.ts";
import type { NetworkState } from "../net/network-state.ts";
import { addressBits, type Prefix, prefixOf } from "../net/prefix.ts";
import { compareText } from "./compare-text.ts";
import { acceptStatement, type RankedStatement, statementPriority } from "./export-policy.ts";
import { isUnicast } from "./interface-addresses.ts";
import { LabelSelectorError, matchesLabels } from "./labels.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumEgressGatewayPolicy, EgressGateway } from "./schema/egress-gateway-policy.ts";
import type { SelectedAdvertisements } from "./selected-advertisements.ts";

/** What gateways are chosen by. */
export type EgressNodes = {
  nodes: readonly CiliumNode[];
  isReady: (node: string) => boolean;
};

/** A gateway of a policy with the node that is it; undefined where there is none. */
export type ChosenGateway = { gateway: EgressGateway; node: string | undefined };

/**
 * The gateways of a policy. Of the nodes that a gateway's selector matches, the first by name of those
 * that are ready is the gateway.
 */
export function gatewaysOf(
  { egressGateway, egressGateways }: NonNullable<CiliumEgressGatewayPolicy["spec"]>,
  { nodes, isReady }: EgressNodes,
): ChosenGateway[] {
  const candidates = [...nodes]
    .sort((a, b) => compareText(a.metadata.name, b.metadata.name))
    .filter(({ metadata }) => isReady(metadata.name));
  // With a list, `egressGateway` is left for versions that do not know lists.
  const gateways = egressGateways.length > 0 ? egressGateways : [egressGateway];
  return gateways.map((gateway) => ({
    gateway,
    node: candidates.find(({ metadata }) => selects(gateway, metadata.labels))?.metadata.name,
  }));
}

/** The egress IPs that `node` is gateway of. */
export function egressIpsOf(
  node: string,
  policies: readonly CiliumEgressGatewayPolicy[],
  network: NetworkState,
  nodes: EgressNodes,
): Address[] {
  const chosen = policies.flatMap(({ spec }) => (spec ? gatewaysOf(spec, nodes) : []));
  const own = chosen.filter((each) => each.node === node);
  return [
    ...new Set(
      (["ipv4", "ipv6"] as const).flatMap((family) =>
        own.flatMap(({ gateway }) => egressIp(gateway, family, network) ?? []),
      ),
    ),
  ];
}

function selects({ nodeSelector }: EgressGateway, labels: Record<string, string> = {}): boolean {
  try {
    return matchesLabels(nodeSelector, labels);
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    return false;
  }
}

/**
 * As written, or the first address of the interface: the one named, else that of the default route.
 * An egress IP that is written says nothing of the other family.
 */
export function egressIp(
  gateway: EgressGateway,
  family: Family,
  { interfaces, defaultRoutes }: NetworkState,
): Address | undefined {
  if (gateway.egressIP) {
    const written = parseAddress(gateway.egressIP);
    return written !== undefined && familyOf(written) === family ? written : undefined;
  }
  const byDefault = defaultRoutes.find((route) => route.family === family)?.nextHops[0];
  const link = interfaces.find(({ name, index }) =>
    gateway.interface ? name === gateway.interface : index === byDefault?.interfaceIndex,
  );
  return link?.addresses.find(
    ({ address }) => familyOf(address) === family && isUnicast(address) && !isLinkLocal(address),
  )?.address;
}

/** What egress IPs make of a peer whose advertisements ask for them. Cilium itself advertises none. */
export function egressStatements(
  egressIps: readonly Address[],
  selected: readonly SelectedAdvertisements[],
): { originate: Prefix[]; statements: RankedStatement[] } {
  const originate: Prefix[] = [];
  const statements: RankedStatement[] = [];
  for (const { family, isEgressSelected } of selected) {
    const prefixes = egressIps
      .filter((each) => familyOf(each) === family.afi)
      .map((each) => prefixOf(each, addressBits(family.afi)));
    if (!isEgressSelected || prefixes.length === 0) continue;
    originate.push(...prefixes);
    const statement = acceptStatement(`EgressGateway-${family.afi}`, prefixes, undefined);
    statements.push({ priority: statementPriority.egressGateway, statement });
  }
  return { originate, statements };
}
