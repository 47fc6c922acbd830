import { existsSync, readFileSync } from "node:fs";
import type { TopologyPicture } from "../timeline/record.ts";
import type { Fabric, FabricNode } from "./fabric.ts";

type Role = TopologyPicture["nodes"][number]["role"];

/** What pictures of the fabric are drawn from; the role of a node follows from what it is linked to. */
export function pictureOf(fabric: Fabric): TopologyPicture {
  const roles = rolesOf(fabric);
  return {
    nodes: fabric.nodes.map((node) => ({
      name: node.name,
      role: roles.get(node.name)!,
      notes: notesOn(node),
      aliases: node.aliases,
    })),
    links: fabric.links.map(({ endpoints: [a, b] }) => ({
      a: { node: a.node, interface: a.interface },
      b: { node: b.node, interface: b.interface },
    })),
  };
}

/**
 * A leaf is a router linked to a Kubernetes node, a spine a router linked to leaves and nothing
 * else. A fabric without Kubernetes has no leaves by that rule: its routers are then spines where
 * they are linked to routers only, else leaves.
 */
function rolesOf({ nodes, links }: Fabric): Map<string, Role> {
  const neighbors = new Map<string, Set<string>>(nodes.map((node) => [node.name, new Set()]));
  for (const { endpoints } of links) {
    const [a, b] = endpoints;
    if (a.node === b.node) continue;
    neighbors.get(a.node)!.add(b.node);
    neighbors.get(b.node)!.add(a.node);
  }
  const isKubernetes = new Set(
    nodes.filter((node) => node.kind === "kubernetes").map((node) => node.name),
  );
  const isRouter = new Set(
    nodes.filter((node) => asNumberOf(node) !== undefined).map((n) => n.name),
  );
  const of = (name: string) => [...neighbors.get(name)!];
  const isLeaf = (name: string) =>
    isKubernetes.size > 0
      ? of(name).some((each) => isKubernetes.has(each))
      : isRouter.has(name) && of(name).some((each) => !isRouter.has(each));
  return new Map(
    nodes.map(({ name }): [string, Role] => {
      if (isKubernetes.has(name)) return [name, "kubernetes"];
      if (isLeaf(name)) return [name, "leaf"];
      const linked = of(name);
      const isAbove = linked.every((each) => isLeaf(each) || isRouter.has(each));
      // One that speaks no BGP we can see, yet joins leaves, is a spine too; a lone host is not.
      const isSpine = isAbove && (isRouter.has(name) ? linked.length > 0 : linked.length > 1);
      return [name, isSpine ? "spine" : "host"];
    }),
  );
}

function notesOn(node: FabricNode): string[] {
  const asNumber = asNumberOf(node);
  return [
    ...(asNumber === undefined ? [] : [`AS ${asNumber}`]),
    ...(node.kubernetes?.podCidrs ?? []).map((cidr) => `podCIDR ${cidr}`),
  ];
}

/** The AS of `router bgp N`, in an exec line or in a configuration file of FRR bound into the node. */
function asNumberOf(node: FabricNode): string | undefined {
  const texts = [
    ...node.exec.map((line) => line.argv.join("\n")),
    ...node.binds
      .filter((bind) => /\/(frr|bgpd)\.conf$/.test(bind.destination) && existsSync(bind.source))
      .map((bind) => readFileSync(bind.source, "utf8")),
  ];
  for (const text of texts) {
    const found = /^\s*router bgp (\d+(?:\.\d+)?)\b/m.exec(text);
    if (found) return found[1];
  }
  return undefined;
}
