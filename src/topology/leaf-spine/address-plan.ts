import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { LeafSpine } from "./parameters.ts";

export type RouterRole = "tor" | "spine" | "superspine";

/**
 * Who has which name, address and AS number in a generated fabric: all by counting, so that one node is
 * the same whether there are 4 or 30,000.
 */

/** All nodes are of one AS, and call their ToR by one AS number, whichever rack they are in. */
export const nodeAsn = 65001;
export const torAsnToNodes = 65000;

/** Spines have one each, since routes between racks without a common spine pass two of them (RFC 7938 §5.2.1). */
const superspineAsn = 4_200_000_000;
const firstSpineAsn = 4_200_000_100;
const firstTorAsn = 4_200_001_000;

/** Of pods, as the kind cluster file has it: each node has a /24. */
export const podSubnet = "10.128.0.0/9" as Prefix;
/** Of the nodes themselves. */
const rackSubnetsBase = toNumber(10, 64, 0, 0);
/** Of Services: 10.48.0.0/16, all but the first. */
const serviceBase = toNumber(10, 48, 0, 0);
export const servicesMax = 65_535;

const roleOctet: Record<RouterRole, number> = { tor: 0, spine: 32, superspine: 33 };

export function routerName(role: RouterRole, index: number): string {
  return `${role}${index}`;
}

export function routerAsn(role: RouterRole, index: number): number {
  if (role === "superspine") return superspineAsn;
  return (role === "spine" ? firstSpineAsn : firstTorAsn) + index;
}

/** Router id and loopback. */
export function routerAddress(role: RouterRole, index: number): Address {
  return dotted(toNumber(10, roleOctet[role], 0, 0) + index + 1);
}

/** Counted through all racks. The first is the cluster's control plane. Named as kind names them. */
export function nodeName(node: number): string {
  if (node === 0) return "kind-control-plane";
  return node === 1 ? "kind-worker" : `kind-worker${node}`;
}

/** As short as it can be, with the ToR's address as the first. */
export function rackPrefixLength({ nodesPerRack }: LeafSpine): number {
  return 32 - Math.ceil(Math.log2(nodesPerRack + 3));
}

function rackBase(of: LeafSpine, rack: number): number {
  return rackSubnetsBase + rack * 2 ** (32 - rackPrefixLength(of));
}

export function rackSubnet(of: LeafSpine, rack: number): Prefix {
  return `${dotted(rackBase(of, rack))}/${rackPrefixLength(of)}` as Prefix;
}

/** The ToR's in its rack: the nodes' default gateway. */
export function gatewayAddress(of: LeafSpine, rack: number): Address {
  return dotted(rackBase(of, rack) + 1);
}

export function nodeAddress(of: LeafSpine, node: number): Address {
  const rack = Math.floor(node / of.nodesPerRack);
  return dotted(rackBase(of, rack) + 2 + (node % of.nodesPerRack));
}

export function podCidr(node: number): Prefix {
  return `${dotted(toNumber(10, 128, 0, 0) + 256 * node)}/24` as Prefix;
}

export function serviceAddress(service: number): Address {
  return dotted(serviceBase + service + 1);
}

/** The spine at the other end: racks take turns, so that each spine has as many as the next. */
export function spineOf({ spines }: LeafSpine, rack: number, uplink: number): number {
  return (rack + uplink) % spines;
}

/** The racks below a spine, each with the uplink that leads to it. */
export function racksBelow(of: LeafSpine, spine: number): { rack: number; uplink: number }[] {
  const found: { rack: number; uplink: number }[] = [];
  for (let rack = 0; rack < of.racks; rack++) {
    for (let uplink = 0; uplink < of.uplinks; uplink++) {
      if (spineOf(of, rack, uplink) === spine) found.push({ rack, uplink });
    }
  }
  return found;
}

function toNumber(a: number, b: number, c: number, d: number): number {
  return a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
}

function dotted(bits: number): Address {
  return `${bits >>> 24}.${(bits >>> 16) & 0xff}.${(bits >>> 8) & 0xff}.${bits & 0xff}` as Address;
}
