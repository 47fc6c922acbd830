import { type Address, type Family, familyOf, isLinkLocal, parseAddress } from "../net/address.ts";
import type { NetworkInterface, NetworkState } from "../net/network-state.ts";
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

/** Why Cilium leaves a policy out as a whole; undefined where it does not. */
export function policyError({
  egressGateway,
  egressGateways,
  selectors,
}: NonNullable<CiliumEgressGatewayPolicy["spec"]>): string | undefined {
  if ([egressGateway, ...egressGateways].some((each) => each.interface && each.egressIP))
    return "a gateway cannot have both an interface and an egress IP";
  if (selectors.some((each) => !each.podSelector && !each.namespaceSelector))
    return "a selector needs podSelector or namespaceSelector";
  return undefined;
}

/** The egress IPs that `node` is gateway of. */
export function egressIpsOf(
  node: string,
  policies: readonly CiliumEgressGatewayPolicy[],
  network: NetworkState,
  nodes: EgressNodes,
): Address[] {
  const chosen = policies.flatMap(({ spec }) =>
    spec && policyError(spec) === undefined ? gatewaysOf(spec, nodes) : [],
  );
  const own = chosen.filter((each) => each.node === node);
  return [
    ...new Set(
      (["ipv4", "ipv6"] as const).flatMap((family) =>
        own.flatMap(({ gateway }) => wayOut(gateway, family, network).egressIp ?? []),
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

/** How traffic of one family leaves the gateway node. Without an egress IP it does not. */
export type WayOut = {
  egressIp: Address | undefined;
  /** By this one and no other; undefined: by the node's ordinary routes. */
  interfaceName: string | undefined;
};

const nowhere: WayOut = { egressIp: undefined, interfaceName: undefined };

/**
 * By the interface that is named, else by the one that has the egress IP, else by that of the default
 * route. What no egress IP is written for has the interface's first address.
 */
export function wayOut(gateway: EgressGateway, family: Family, network: NetworkState): WayOut {
  const link = linkOf(gateway, family, network);
  if (typeof link === "string") return nowhere;
  const written = writtenEgressIp(gateway);
  const isWritten = written !== undefined && familyOf(written) === family;
  return {
    egressIp: isWritten ? written : firstAddress(link, family),
    // Nothing leaves by lo or a dummy interface, which know no state: there the egress IP is only kept.
    interfaceName: !gateway.interface && link.operState === "unknown" ? undefined : link.name,
  };
}

/**
 * Why a gateway drops traffic of these families, in Cilium's words; undefined where it does not, or drops only what is
 * of another family than its egress IP.
 */
export function gatewayError(
  gateway: EgressGateway,
  families: readonly Family[],
  network: NetworkState,
): string | undefined {
  const isWritten = writtenEgressIp(gateway) !== undefined;
  for (const family of families) {
    const link = linkOf(gateway, family, network);
    if (typeof link === "string") return link;
    if (!isWritten && firstAddress(link, family) === undefined)
      return `failed to retrieve ${ipVersion[family]} address for egress interface: no ${ipVersion[family]} address assigned to interface`;
  }
  return undefined;
}

const ipVersion = { ipv4: "IPv4", ipv6: "IPv6" } as const;

/** The interface, or why there is none. */
function linkOf(
  gateway: EgressGateway,
  family: Family,
  { interfaces, defaultRoutes }: NetworkState,
): NetworkInterface | string {
  const { interface: name } = gateway;
  if (name) {
    const named = interfaces.find((each) => each.name === name);
    const what = `failed to retrieve ${ipVersion[family]} address for egress interface`;
    return named ?? `${what}: Link ${name} not found`;
  }
  const written = writtenEgressIp(gateway);
  if (written !== undefined) {
    const having = interfaces.find(({ addresses }) =>
      addresses.some(({ address }) => address === written),
    );
    const version = ipVersion[familyOf(written)];
    return (
      having ??
      `failed to retrieve interface with egress IP: no interface with ${written} ${version} assigned to`
    );
  }
  const byDefault = defaultRoutes.find((route) => route.family === family)?.nextHops[0];
  const link = interfaces.find(({ index }) => index === byDefault?.interfaceIndex);
  return (
    link ?? `failed to find interface with default route: no ${ipVersion[family]} default route`
  );
}

function writtenEgressIp({ egressIP: text }: EgressGateway): Address | undefined {
  return text ? parseAddress(text) : undefined;
}

function firstAddress({ addresses }: NetworkInterface, family: Family): Address | undefined {
  return addresses.find(
    ({ address, isTentative }) =>
      familyOf(address) === family && isUnicast(address) && !isLinkLocal(address) && !isTentative,
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
