import type { Fabric, FabricLink, FabricNode } from "../../topology/fabric.ts";
import { addressAfter } from "../../net/address.ts";
import { prefixBase, prefixLength } from "../../net/prefix.ts";

/**
 * `ip -batch` input. One process of iproute2 makes all links of a fabric: a process per command
 * would be 15 times slower.
 */

/** Run on the host: every veth pair, each end already in its namespace. */
export function linkBatch(fabric: Fabric, pidOf: (node: string) => number): string {
  const indexes = counter(100);
  return fabric.links
    .map((link, n) => {
      const [a, b] = link.endpoints;
      const end = (of: typeof a, side: number) =>
        // A unique index on every end: where both ends have the same one, the kernel can hold back
        // the link-local address for a second. A fixed MAC keeps link-local addresses the same in every run.
        `name ${of.interface} index ${indexes()} mtu ${link.mtu} address ${of.mac ?? macAddress(n, side)} netns ${pidOf(of.node)}`;
      return `link add ${end(a, 0)} type veth peer ${end(b, 1)}\n`;
    })
    .join("");
}

/** Run on the host: eth0 of every node, its other end `m<n>` in the management namespace. */
export function managementBatch(
  fabric: Fabric,
  pidOf: (node: string) => number,
  managementPid: number,
): string {
  return managed(fabric)
    .map(
      (node, n) =>
        `link add eth0 index 10 netns ${pidOf(node.name)} type veth peer name m${n} index ${1000 + n} netns ${managementPid}\n`,
    )
    .join("");
}

/** Run in the management namespace: one bridge per network, the nodes' ends as ports. */
export function bridgeBatch(fabric: Fabric): string {
  const lines = ["link set lo up"];
  for (const [n, network] of fabric.management.entries()) {
    lines.push(`link add br${n} type bridge`);
    lines.push(`addr add ${network.ipv4Gateway}/${prefixLength(network.ipv4Subnet)} dev br${n}`);
    if (network.ipv6Subnet && network.ipv6Gateway) {
      const length = prefixLength(network.ipv6Subnet);
      lines.push(`addr add ${network.ipv6Gateway}/${length} dev br${n} nodad`);
    }
    lines.push(`link set br${n} up`);
  }
  for (const [n, node] of managed(fabric).entries()) {
    const network = fabric.management.findIndex((each) => each.name === node.managementNetwork);
    lines.push(`link set m${n} master br${network} up`);
  }
  return `${lines.join("\n")}\n`;
}

/** Run in the node: loopback, links and management interface up, and the pods' gateway. */
export function nodeBatch(fabric: Fabric, node: FabricNode): string {
  const lines = ["link set lo up"];
  const interfaces = fabric.links.flatMap((link) =>
    link.endpoints.filter((end) => end.node === node.name).map((end) => end.interface),
  );
  if (node.kind === "bridge") {
    lines.push(`link add ${node.name} type bridge`, `link set ${node.name} up`);
  }
  for (const name of interfaces) {
    lines.push(`link set ${name}${node.kind === "bridge" ? ` master ${node.name}` : ""} up`);
  }
  const network = fabric.management.find((each) => each.name === node.managementNetwork);
  if (network) {
    lines.push(`addr add ${node.managementAddress}/${prefixLength(network.ipv4Subnet)} dev eth0`);
    if (network.ipv6Subnet && node.managementIpv6Address) {
      const length = prefixLength(network.ipv6Subnet);
      lines.push(`addr add ${node.managementIpv6Address}/${length} dev eth0 nodad`);
    }
    lines.push("link set eth0 up", `route add default via ${network.ipv4Gateway}`);
    if (network.ipv6Gateway) lines.push(`-6 route add default via ${network.ipv6Gateway}`);
  }
  lines.push(...podGateway(node));
  return `${lines.join("\n")}\n`;
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

/** The interface that is taken down to cut a link: a router's, whose daemon puts back what it loses. */
export function cutEnd(fabric: Fabric, link: Pick<FabricLink, "endpoints">): 0 | 1 {
  const isKubernetes = (name: string) =>
    fabric.nodes.find((node) => node.name === name)?.kubernetes !== undefined;
  return isKubernetes(link.endpoints[0].node) && !isKubernetes(link.endpoints[1].node) ? 1 : 0;
}

function managed(fabric: Fabric): FabricNode[] {
  return fabric.nodes.filter((node) => node.managementNetwork !== undefined);
}

/** containerlab's own OUI, the link's number, the side. */
function macAddress(link: number, side: number): string {
  const hex = (value: number) => (value & 0xff).toString(16).padStart(2, "0");
  return `aa:c1:ab:${hex(link >> 8)}:${hex(link)}:${hex(side + 1)}`;
}

function counter(from: number): () => number {
  let next = from;
  return () => next++;
}
