import { type Address, familyOf, parseAddress } from "../net/address.ts";
import type { NetworkState } from "../net/network-state.ts";
import { addressBits, type Prefix, prefixOf } from "../net/prefix.ts";
import { compareText } from "./compare-text.ts";
import { acceptStatement, type RankedStatement, statementPriority } from "./export-policy.ts";
import { isUnicast } from "./interface-addresses.ts";
import { LabelSelectorError, matchesLabels } from "./labels.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumEgressGatewayPolicy, EgressGateway } from "./schema/egress-gateway-policy.ts";
import type { SelectedAdvertisements } from "./selected-advertisements.ts";

/**
 * The egress IPs that `node` is gateway of. Of the nodes that a gateway's selector matches, the first
 * by name of those that are ready is the gateway.
 */
export function egressIpsOf(
  node: string,
  policies: readonly CiliumEgressGatewayPolicy[],
  nodes: readonly CiliumNode[],
  { network, isReady }: { network: NetworkState; isReady: (node: string) => boolean },
): Address[] {
  const candidates = [...nodes]
    .sort((a, b) => compareText(a.metadata.name, b.metadata.name))
    .filter(({ metadata }) => isReady(metadata.name));
  const found = new Set<Address>();
  for (const { spec } of policies) {
    if (spec === undefined) continue;
    // With a list, `egressGateway` is left for versions that do not know lists.
    const gateways = spec.egressGateways.length > 0 ? spec.egressGateways : [spec.egressGateway];
    for (const gateway of gateways) {
      const chosen = candidates.find(({ metadata }) => selects(gateway, metadata.labels));
      if (chosen?.metadata.name !== node) continue;
      const address = egressIp(gateway, network);
      if (address !== undefined) found.add(address);
    }
  }
  return [...found];
}

function selects({ nodeSelector }: EgressGateway, labels: Record<string, string> = {}): boolean {
  try {
    return matchesLabels(nodeSelector, labels);
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    return false;
  }
}

/** As written, or the interface's first IPv4 address. */
function egressIp(gateway: EgressGateway, { interfaces }: NetworkState): Address | undefined {
  if (gateway.egressIP) return parseAddress(gateway.egressIP);
  const link = interfaces.find(({ name }) => name === gateway.interface);
  return link?.addresses.find(({ address }) => familyOf(address) === "ipv4" && isUnicast(address))
    ?.address;
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
