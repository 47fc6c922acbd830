import type { Fabric, FabricNode } from "../../topology/fabric.ts";
import { type Address, addressAfter, addressToBytes } from "../../net/address.ts";
import { prefixBase, prefixLength } from "../../net/prefix.ts";
import { linksUpBatch } from "../links.ts";

/** `ip -batch` input for what this runtime makes itself: management networks, loopbacks, pod gateways. */

/** Run on the host: eth0 of every node, or of one, its other end `m<n>` in the management namespace. */
export function managementBatch(
  fabric: Fabric,
  pidOf: (node: string) => number,
  managementPid: number,
  only?: string,
): string {
  return managed(fabric)
    .map((node, n) =>
      only === undefined || node.name === only
        ? `link add eth0 index 10 netns ${pidOf(node.name)} type veth peer name m${n} index ${1000 + n} netns ${managementPid}\n`
        : "",
    )
    .join("");
}

/** Run in the management namespace: the end of a node's eth0 joins its network. */
export function managementPort(
  fabric: Fabric,
  name: string,
): { end: string; batch: string } | undefined {
  const n = managed(fabric).findIndex((node) => node.name === name);
  if (n < 0) return undefined;
  return { end: `m${n}`, batch: portLine(fabric, managed(fabric)[n]!, n) };
}

function portLine(fabric: Fabric, node: FabricNode, n: number): string {
  const network = fabric.management.findIndex((each) => each.name === node.managementNetwork);
  return `link set m${n} master br${network} up`;
}

/** Run in the management namespace: one bridge per network, the nodes' ends as ports. */
export function bridgeBatch(fabric: Fabric): string {
  const lines = ["link set lo up"];
  for (const [n, network] of fabric.management.entries()) {
    lines.push(`link add br${n} address ${bridgeMac(network.ipv4Gateway)} type bridge`);
    lines.push(`addr add ${network.ipv4Gateway}/${prefixLength(network.ipv4Subnet)} dev br${n}`);
    if (network.ipv6Subnet && network.ipv6Gateway) {
      const length = prefixLength(network.ipv6Subnet);
      lines.push(`addr add ${network.ipv6Gateway}/${length} dev br${n} nodad`);
    }
    lines.push(`link set br${n} up`);
  }
  for (const [n, node] of managed(fabric).entries()) lines.push(portLine(fabric, node, n));
  return `${lines.join("\n")}\n`;
}

/**
 * As Docker makes it. A bridge without one takes its ports' lowest: with that node it would go, and the others
 * would look for the gateway, and the API server there, where nobody is.
 */
function bridgeMac(gateway: Address): string {
  const bytes = [0x02, 0x42, ...addressToBytes(gateway)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Run in the node: loopback, links and management interface up, and the pods' gateway. */
export function nodeBatch(fabric: Fabric, node: FabricNode): string {
  const lines = ["link set lo up", linksUpBatch(fabric, node).trimEnd()];
  const network = fabric.management.find((each) => each.name === node.managementNetwork);
  if (network) {
    lines.push(`addr add ${node.managementAddress}/${prefixLength(network.ipv4Subnet)} dev eth0`);
    if (network.ipv6Subnet && node.managementIpv6Address) {
      const length = prefixLength(network.ipv6Subnet);
      lines.push(`addr add ${node.managementIpv6Address}/${length} dev eth0 nodad`);
    }
    lines.push("link set eth0 up", `route add default via ${network.ipv4Gateway}`);
    if (network.ipv6Gateway) lines.push(`route add default via ${network.ipv6Gateway}`);
  }
  lines.push(...podGateway(node));
  return `${lines.filter((line) => line !== "").join("\n")}\n`;
}

/**
 * As Cilium does: the first address of each podCIDR on `cilium_host` is the pods' gateway. An
 * address of the podCIDR that no pod has is unreachable, else it would go back out by the default route.
 */
function podGateway(node: FabricNode): string[] {
  const podCidrs = node.kubernetes?.podCidrs ?? [];
  if (podCidrs.length === 0) return [];
  const lines = ["link add cilium_host type veth peer name cilium_net"];
  for (const podCidr of podCidrs) {
    const gateway = podGatewayAddress(podCidr);
    lines.push(`addr add ${gateway}/${gateway.includes(":") ? 128 : 32} dev cilium_host`);
    lines.push(`route add unreachable ${podCidr}`);
  }
  lines.push("link set cilium_host up", "link set cilium_net up");
  return lines;
}

export function podGatewayAddress(podCidr: Parameters<typeof prefixBase>[0]) {
  return addressAfter(prefixBase(podCidr), 1);
}

function managed(fabric: Fabric): FabricNode[] {
  return fabric.nodes.filter((node) => node.managementNetwork !== undefined);
}
