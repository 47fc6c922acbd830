import { type Address, addressToBytes, familyOf } from "../net/address.ts";
import type { NetworkInterface, NetworkState } from "../net/network-state.ts";
import { addressBits, type Prefix, prefixFamily, prefixOf } from "../net/prefix.ts";
import { acceptStatement, type RankedStatement, statementPriority } from "./export-policy.ts";
import type { SelectedAdvertisements } from "./selected-advertisements.ts";
import { unitedAttributes } from "./united-attributes.ts";

/**
 * What `Interface` advertisements make of a peer: every address of the interface as a host route,
 * while the interface is administratively up and its operational state is up or unknown.
 */
export function interfaceStatements(
  network: NetworkState,
  selected: readonly SelectedAdvertisements[],
): { originate: Prefix[]; statements: RankedStatement[] } {
  const originate: Prefix[] = [];
  const statements: RankedStatement[] = [];
  for (const { family, advertisements } of selected) {
    const own = advertisements.filter(({ entry }) => entry.advertisementType === "Interface");
    const used = own.flatMap(({ entry }) => {
      const found = network.interfaces.find(({ name }) => name === entry.interface?.name);
      const prefixes = found === undefined ? [] : advertisable(found);
      const ofFamily = prefixes.filter((each) => prefixFamily(each) === family.afi);
      return ofFamily.length === 0 ? [] : [{ entry, prefixes: ofFamily }];
    });
    if (used.length === 0) continue;
    const prefixes = [...new Set(used.flatMap((each) => each.prefixes))];
    const attributes = unitedAttributes(used.map(({ entry }) => entry.attributes));
    originate.push(...prefixes);
    statements.push({
      priority: statementPriority.interface,
      statement: acceptStatement(`Interface-${family.afi}`, prefixes, attributes),
    });
  }
  return { originate, statements };
}

function advertisable({ isUp, operState, addresses }: NetworkInterface): Prefix[] {
  if (!isUp || (operState !== "up" && operState !== "unknown")) return [];
  return addresses
    .filter(({ address, isTentative }) => !isTentative && isUnicast(address))
    .filter(({ address }) => familyOf(address) === "ipv4" || !isLinkLocal(address))
    .map(({ address }) => prefixOf(address, addressBits(familyOf(address))));
}

/** No loopback, multicast, broadcast or unspecified address. */
export function isUnicast(of: Address): boolean {
  const bytes = addressToBytes(of);
  if (bytes.length === 4) return bytes[0] !== 127 && bytes[0]! < 224 && of !== "0.0.0.0";
  return bytes[0] !== 0xff && of !== "::" && of !== "::1";
}

/** 169.254.0.0/16, fe80::/10. */
export function isLinkLocal(of: Address): boolean {
  const [first, second] = addressToBytes(of);
  return familyOf(of) === "ipv4"
    ? first === 169 && second === 254
    : first === 0xfe && (second! & 0xc0) === 0x80;
}
