import type { networkInterfaces } from "node:os";
import type { SharedLink } from "../bgp/session/io.ts";
import { type Address, familyOf, isLinkLocal, parseAddress } from "../net/address.ts";
import type { NetworkInterface } from "../net/network-state.ts";
import { parsePrefix, type Prefix, prefixContains, prefixOf } from "../net/prefix.ts";

/**
 * What we are on the link that the ends of a connection share (RFC 2545 §3); undefined where they share none,
 * or are not IPv6. `interface`: where they are link-local.
 */
export function sharedLink(
  ends: { localAddress: Address; remoteAddress: Address; interface: string | undefined },
  interfaces: typeof networkInterfaces,
): SharedLink | undefined {
  const { localAddress, remoteAddress, interface: link } = ends;
  if (familyOf(localAddress) !== "ipv6") return undefined;
  for (const [name, all = []] of Object.entries(interfaces())) {
    const own = all.flatMap(({ address, cidr, internal }) => {
      const parsed = parseAddress(address);
      return parsed === undefined || cidr === null || internal ? [] : [{ address: parsed, cidr }];
    });
    const linkLocal = own.find(({ address }) => isLinkLocal(address))?.address;
    if (name === link) {
      const isGlobal = (of: Address) => familyOf(of) === "ipv6" && !isLinkLocal(of);
      const address = own.find((one) => isGlobal(one.address))?.address ?? localAddress;
      return { address, linkLocal: localAddress };
    }
    const from = own.find(({ address }) => address === localAddress);
    if (from === undefined || linkLocal === undefined) continue;
    const prefix = parsePrefix(from.cidr);
    if (prefix !== undefined && prefixContains(prefix, remoteAddress)) {
      return { address: localAddress, linkLocal };
    }
  }
  return undefined;
}

/** The subnets of our interface, of the connection's family, where the peer is in one of them (RFC 4271 §5.1.3). */
export function sharedSubnets(
  { localAddress, remoteAddress }: { localAddress: Address; remoteAddress: Address },
  interfaces: readonly NetworkInterface[],
): Prefix[] | undefined {
  for (const { name, addresses } of interfaces) {
    if (name === "lo" || !addresses.some(({ address }) => address === localAddress)) continue;
    const subnets = addresses
      .filter(({ address }) => familyOf(address) === familyOf(localAddress))
      .map(({ address, prefixLength }) => prefixOf(address, prefixLength));
    if (subnets.some((subnet) => prefixContains(subnet, remoteAddress))) return subnets;
  }
  return undefined;
}
