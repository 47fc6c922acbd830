import { type Address, addressFromBytes, familyOf, parseAddress } from "../net/address.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";

/**
 * The BGP Identifier of an instance whose CiliumBGPNodeConfig names none, in Cilium's default mode:
 * the node's IPv4 address, else the last four bytes of the MAC address of cilium_host
 * (`02:00:0a:01:03:01`). Undefined where there is neither.
 */
export function defaultRouterId(node: CiliumNode, mac: string | undefined): Address | undefined {
  return nodeIpv4(node) ?? (mac === undefined ? undefined : routerIdOfMac(mac));
}

/** The first InternalIP; else the last ExternalIP; else the first of any other type but CiliumInternalIP. */
function nodeIpv4(node: CiliumNode): Address | undefined {
  let external: Address | undefined;
  let other: Address | undefined;
  for (const { type, ip } of node.spec.addresses ?? []) {
    const address = ip === undefined ? undefined : parseAddress(ip);
    if (address === undefined || familyOf(address) !== "ipv4") continue;
    if (type === "InternalIP") return address;
    if (type === "ExternalIP") external = address;
    else if (type !== "CiliumInternalIP") other ??= address;
  }
  return external ?? other;
}

function routerIdOfMac(mac: string): Address | undefined {
  const bytes = mac.split(":").map((hex) => Number.parseInt(hex, 16));
  if (bytes.length !== 6 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) return undefined;
  return addressFromBytes(Uint8Array.from(bytes.slice(-4)));
}
