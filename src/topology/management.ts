import type { Diagnostic } from "../input/diagnostic.ts";
import { diagnosticAt, type Located, type Location } from "../input/shape.ts";
import { type Address, addressAfter } from "../net/address.ts";
import {
  addressBits,
  type Prefix,
  prefix,
  prefixBase,
  prefixContains,
  prefixFamily,
  prefixLength,
} from "../net/prefix.ts";
import type { ContainerlabTopology } from "./containerlab.ts";
import type { ManagementNetwork } from "./fabric.ts";

/** A management network and how its addresses are given out. */
export type AddressPlan = {
  network: ManagementNetwork;
  ipv4: Pool;
  ipv6?: Pool;
};

/** Addresses of one subnet, first to last. */
export type Pool = {
  subnet: Prefix;
  /** Addresses are taken out of here; the subnet unless `ipv4-range` says otherwise. */
  range: Prefix;
  gateway: Address;
  /** Where the subnet was written, for messages. */
  at: Location;
};

/** kind's Docker network, on which the nodes of its clusters are. */
const kindNetwork = { name: "kind", subnet: prefix("172.18.0.0/16") };

/**
 * containerlab's network for the nodes of a topology file. A file that names kind's network
 * (`mgmt.network: kind`) puts its nodes beside the clusters' nodes.
 */
export function containerlabPlan(topology: ContainerlabTopology): AddressPlan {
  const { management, name } = topology;
  const at = management["ipv4-subnet"]?.at ?? { ...name.at, path: "mgmt" };
  const written = management["ipv4-subnet"]?.value ?? "auto";
  const isKind = management.network?.value === kindNetwork.name;
  const otherwise = isKind ? kindNetwork.subnet : prefix("172.20.20.0/24");
  const ipv4Subnet = written === "auto" ? otherwise : written;
  const ipv4Gateway = management["ipv4-gw"]?.value ?? firstHost(ipv4Subnet);
  const range = management["ipv4-range"]?.value ?? "auto";
  const network: ManagementNetwork = {
    name: management.network?.value ?? "clab",
    ipv4Subnet,
    ipv4Gateway,
  };
  if (management.mtu !== undefined) network.mtu = management.mtu;
  const plan: AddressPlan = {
    network,
    ipv4: {
      subnet: ipv4Subnet,
      range: range === "auto" ? ipv4Subnet : range,
      gateway: ipv4Gateway,
      at,
    },
  };

  const ipv6 = management["ipv6-subnet"];
  if (ipv6 !== undefined) {
    const ipv6Subnet = ipv6.value === "auto" ? prefix("3fff:172:20:20::/64") : ipv6.value;
    const gateway = management["ipv6-gw"]?.value ?? firstHost(ipv6Subnet);
    const ipv6Range = management["ipv6-range"]?.value ?? "auto";
    network.ipv6Subnet = ipv6Subnet;
    network.ipv6Gateway = gateway;
    const within = ipv6Range === "auto" ? ipv6Subnet : ipv6Range;
    plan.ipv6 = { subnet: ipv6Subnet, range: within, gateway, at: ipv6.at };
  }
  return plan;
}

/** kind's own network, for clusters beside a topology on another one. */
export function kindPlan(at: Location): AddressPlan {
  const { name, subnet } = kindNetwork;
  const gateway = firstHost(subnet);
  return {
    network: { name, ipv4Subnet: subnet, ipv4Gateway: gateway },
    ipv4: { subnet, range: subnet, gateway, at },
  };
}

/**
 * An address for each claim: the one asked for, else the next free one, in the order of the claims.
 * So the same input always gives the same addresses.
 */
export function giveAddresses(
  pool: Pool,
  claims: readonly { node: string; wanted: Located<Address> | undefined }[],
  diagnostics: Diagnostic[],
): Map<string, Address> {
  const given = new Map<string, Address>();
  const taken = new Set<Address>([pool.gateway]);
  for (const { node, wanted } of claims) {
    if (wanted === undefined) continue;
    const { value, at } = wanted;
    if (!prefixContains(pool.subnet, value)) {
      const message = `${value} is not in the management subnet ${pool.subnet}`;
      diagnostics.push(diagnosticAt(at, "BadValue", message));
    } else if (value === pool.gateway) {
      const message = `${value} is the management network's gateway`;
      diagnostics.push(diagnosticAt(at, "DuplicateAddress", message));
    } else {
      // A second claim of the same address is found with all other duplicates.
      given.set(node, value);
      taken.add(value);
    }
  }
  const free = freeAddresses(pool, taken);
  for (const { node, wanted } of claims) {
    if (wanted !== undefined) continue;
    const next = free.next();
    if (next.done) {
      const message = `management subnet ${pool.range} is too small for ${claims.length} nodes`;
      diagnostics.push(
        diagnosticAt(pool.at, "SubnetTooSmall", message, roomHint(pool, claims.length)),
      );
      break;
    }
    given.set(node, next.value);
  }
  return given;
}

/** Two addresses of an IPv4 subnet are not for hosts, and one is the gateway's. */
function roomHint(pool: Pool, nodeCount: number): string {
  const bits = addressBits(prefixFamily(pool.subnet));
  return `a /${bits - Math.ceil(Math.log2(nodeCount + 3))} or shorter is enough`;
}

function* freeAddresses(pool: Pool, taken: ReadonlySet<Address>): Generator<Address, void> {
  const isIpv4 = prefixFamily(pool.range) === "ipv4";
  const bits = addressBits(prefixFamily(pool.range)) - prefixLength(pool.range);
  // Nobody has more than 2^20 nodes on one bridge: a bound for the endless IPv6 subnets.
  const end = 2 ** Math.min(bits, 20);
  const base = prefixBase(pool.subnet);
  for (let offset = 0; offset < end; offset++) {
    const address = addressAfter(prefixBase(pool.range), offset);
    const isBroadcast = isIpv4 && address === lastAddress(pool.subnet);
    if (address !== base && !isBroadcast && !taken.has(address)) yield address;
  }
}

function lastAddress(subnet: Prefix): Address {
  const bits = addressBits(prefixFamily(subnet)) - prefixLength(subnet);
  return addressAfter(prefixBase(subnet), 2 ** bits - 1);
}

function firstHost(subnet: Prefix): Address {
  return addressAfter(prefixBase(subnet), 1);
}
