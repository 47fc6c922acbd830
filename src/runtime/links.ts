import type { Fabric, FabricLink, FabricNode } from "../topology/fabric.ts";

/**
 * `ip -batch` input that every runtime with a Linux kernel uses. One process of iproute2 makes all
 * links of a fabric: a process per command would be 15 times slower.
 */

/**
 * Run where the process numbers of `pidOf` mean what they say: every veth pair, each end already in
 * its namespace. `firstIndex`: interface indexes from here on are free in every namespace.
 */
export function linkBatch(
  fabric: Fabric,
  pidOf: (node: string) => number,
  firstIndex: number,
): string {
  const indexes = counter(firstIndex);
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

/** Run in the node: its ends of links up; a bridge of the fabric with them as its ports. */
export function linksUpBatch(fabric: Fabric, node: FabricNode): string {
  const lines = linkEnds(fabric, node.name).map(
    (name) => `link set ${name}${node.kind === "bridge" ? ` master ${node.name}` : ""} up\n`,
  );
  if (node.kind === "bridge") {
    lines.unshift(`link add ${node.name} type bridge\n`, `link set ${node.name} up\n`);
  }
  return lines.join("");
}

/** The interfaces that links have on a node. */
export function linkEnds(fabric: Fabric, node: string): string[] {
  return fabric.links.flatMap((link) =>
    link.endpoints.filter((end) => end.node === node).map((end) => end.interface),
  );
}

/** The interface that is taken down to cut a link: a router's, whose daemon puts back what it loses. */
export function cutEnd(fabric: Fabric, link: Pick<FabricLink, "endpoints">): 0 | 1 {
  const isKubernetes = (name: string) =>
    fabric.nodes.find((node) => node.name === name)?.kubernetes !== undefined;
  return isKubernetes(link.endpoints[0].node) && !isKubernetes(link.endpoints[1].node) ? 1 : 0;
}

/**
 * The line of `batch` that iproute2 says failed, before what it said: `links: ip link add …: File exists`.
 */
export function batchFailure(what: string, batch: string, stderr: string): string {
  const line = Number(/^Command failed -:(\d+)$/m.exec(stderr)?.[1] ?? 0);
  const command = line > 0 ? `: ip ${batch.split("\n")[line - 1]}` : "";
  return `${what}${command}: ${stderr.trim()}`;
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
