import type { Diagnostic } from "../input/diagnostic.ts";
import { diagnosticAt, type Location, sourceOf } from "../input/shape.ts";
import type { Address } from "../net/address.ts";
import { prefix, prefixContains } from "../net/prefix.ts";
import { addressOfIpCommand } from "./exec-addresses.ts";
import type { Draft } from "./fabric-nodes.ts";
import type { KindCluster } from "./kind.ts";
import type { AddressPlan } from "./management.ts";

/** A label of a host name has 63 characters at most (RFC 1123 §2.1). */
const hostnameLengthMax = 63;

/** Names of containers and namespaces, and host names, that Linux would refuse. */
export function checkNameLengths(
  drafts: readonly Draft[],
  namePrefix: string,
  diagnostics: Diagnostic[],
): void {
  for (const { node, at } of drafts) {
    const name = namePrefix === "" ? node.name : `${namePrefix}-${node.name}`;
    const long = [name, node.hostname].find((each) => each.length > hostnameLengthMax);
    if (long === undefined) continue;
    const message = `name '${long}' is too long: Linux takes ${hostnameLengthMax} characters, it has ${long.length}`;
    diagnostics.push(
      diagnosticAt(at, "NameTooLong", message, "shorten the node's name, the lab's or its prefix"),
    );
  }
}

type Claim = { node: string; address: Address; at: Location };

/** Addresses that many nodes may well have: loopback and link-local ones. */
const sharedByAll = ["127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10"].map(prefix);

/** One address on two nodes: on the management network, as node-ip, or put on by exec lines. */
export function checkDuplicateAddresses(
  drafts: readonly Draft[],
  plans: readonly AddressPlan[],
  diagnostics: Diagnostic[],
): void {
  const first = new Map<Address, Claim>();
  for (const { network, ipv4 } of plans) {
    const { name, ipv4Gateway } = network;
    first.set(ipv4Gateway, { node: `the network ${name}`, address: ipv4Gateway, at: ipv4.at });
  }
  for (const claim of drafts.flatMap(claimsOf)) {
    if (sharedByAll.some((shared) => prefixContains(shared, claim.address))) continue;
    const other = first.get(claim.address);
    if (other === undefined) first.set(claim.address, claim);
    else if (other.node !== claim.node) {
      const message = `${claim.address} of '${claim.node}' belongs to '${other.node}' too: ${sourceOf(other.at)}`;
      diagnostics.push(
        diagnosticAt(claim.at, "DuplicateAddress", message, "each node needs addresses of its own"),
      );
    }
  }
}

function claimsOf({ node, written, kind, execAt, at }: Draft): Claim[] {
  const claim = (address: Address, where: Location): Claim => ({
    node: node.name,
    address,
    at: where,
  });
  const management = [node.managementAddress, node.managementIpv6Address].filter(
    (each) => each !== undefined,
  );
  const managementAt = written?.fields["mgmt-ipv4"]?.at ?? at;
  return [
    ...management.map((address) => claim(address, managementAt)),
    ...(kind?.nodeAddresses ?? []).map((each) => claim(each.value, each.at)),
    ...node.exec.flatMap((line, index) => {
      const found = addressOfIpCommand(line.argv);
      return found ? [claim(found.address, execAt[index]!)] : [];
    }),
  ];
}

/** Pods of two clusters that could have one address, and management networks that overlap. */
export function checkOverlaps(
  clusters: readonly KindCluster[],
  plans: readonly AddressPlan[],
  diagnostics: Diagnostic[],
): void {
  const subnets = [
    ...clusters.flatMap(({ name, podSubnets }) =>
      podSubnets.value.map((subnet) => ({
        subnet,
        what: `podSubnet of cluster '${name.value}'`,
        at: podSubnets.at,
      })),
    ),
    ...plans.map(({ network, ipv4 }) => ({
      subnet: ipv4.subnet,
      what: `management network '${network.name}'`,
      at: ipv4.at,
    })),
  ];
  for (const [index, one] of subnets.entries()) {
    const other = subnets
      .slice(0, index)
      .find(
        (each) =>
          prefixContains(each.subnet, one.subnet) || prefixContains(one.subnet, each.subnet),
      );
    if (other === undefined) continue;
    const message = `${one.what} ${one.subnet} overlaps ${other.what} ${other.subnet} (${sourceOf(other.at)})`;
    diagnostics.push(diagnosticAt(one.at, "OverlappingSubnets", message, "choose another subnet"));
  }
}

/** Two clusters of one name would have nodes of one name. */
export function checkClusterNames(
  clusters: readonly KindCluster[],
  diagnostics: Diagnostic[],
): void {
  for (const [index, { name }] of clusters.entries()) {
    const other = clusters.slice(0, index).find((each) => each.name.value === name.value);
    if (other === undefined) continue;
    const message = `another cluster is called '${name.value}': ${sourceOf(other.name.at)}`;
    diagnostics.push(diagnosticAt(name.at, "DuplicateName", message, "set `name:` of one of them"));
  }
}
