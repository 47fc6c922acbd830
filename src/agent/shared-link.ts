import type { SharedLink } from "../bgp/session/io.ts";
import { type Address, familyOf, isLinkLocal } from "../net/address.ts";
import type { InterfaceAddress, NetworkInterface } from "../net/network-state.ts";
import { type Prefix, prefixContains, prefixOf } from "../net/prefix.ts";

/** The two addresses of a connection; `interface`: where they are link-local. */
export type ConnectionEnds = {
  localAddress: Address;
  remoteAddress: Address;
  interface?: string | undefined;
};

/**
 * What we are on the link that the ends of a connection share (RFC 2545 §3); undefined where they share none,
 * or are not IPv6.
 */
export function sharedLink(
  ends: ConnectionEnds,
  interfaces: readonly NetworkInterface[],
): SharedLink | undefined {
  const { localAddress, interface: link } = ends;
  if (familyOf(localAddress) !== "ipv6") return undefined;
  if (link !== undefined) {
    const own = interfaces.find(({ name }) => name === link)?.addresses ?? [];
    const global = own.find(
      ({ address, isTentative }) =>
        familyOf(address) === "ipv6" && !isLinkLocal(address) && !isTentative,
    );
    return { address: global?.address ?? localAddress, linkLocal: localAddress };
  }
  const own = addressesOnLink(ends, interfaces);
  const linkLocal = own?.find(({ address, isTentative }) => isLinkLocal(address) && !isTentative);
  return linkLocal && { address: localAddress, linkLocal: linkLocal.address };
}

/** The subnets of our interface, of the connection's family, where the peer is in one of them (RFC 4271 §5.1.3). */
export function sharedSubnets(
  ends: ConnectionEnds,
  interfaces: readonly NetworkInterface[],
): Prefix[] | undefined {
  if (ends.interface !== undefined) return undefined;
  return addressesOnLink(ends, interfaces)?.map(subnetOf);
}

/** Ours, of the connection's family, on the interface that it leaves by; undefined where the peer is not on that link. */
function addressesOnLink(
  { localAddress, remoteAddress }: ConnectionEnds,
  interfaces: readonly NetworkInterface[],
): readonly InterfaceAddress[] | undefined {
  for (const { name, addresses } of interfaces) {
    if (name === "lo" || !addresses.some(({ address }) => address === localAddress)) continue;
    const own = addresses.filter(({ address }) => familyOf(address) === familyOf(localAddress));
    if (own.some((one) => prefixContains(subnetOf(one), remoteAddress))) return own;
  }
  return undefined;
}

function subnetOf({ address, prefixLength }: InterfaceAddress): Prefix {
  return prefixOf(address, prefixLength);
}
