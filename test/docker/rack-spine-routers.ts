import { buildFabric } from "../../src/topology/fabric-build.ts";
import type { Fabric } from "../../src/topology/fabric.ts";

/**
 * rack-spine without Kubernetes: its three routers with their exec lines unchanged, and the servers'
 * ends of the racks' links on one container more.
 */
export function rackSpineRouters(name: string): Fabric {
  const file = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;
  const built = buildFabric({
    topology: file("topologies/rack-spine.clab.yaml"),
    clusters: [file("labs/rack-spine/cluster.yaml")],
    environment: {},
  });
  if (!("fabric" in built)) throw new Error(JSON.stringify(built.diagnostics));
  const lab = built.fabric;
  const routers = lab.nodes.filter((node) => node.kubernetes === undefined);
  const isRouter = (node: string) => routers.some((each) => each.name === node);
  const { managementNetwork, managementAddress: _ipv4, ...servers } = routers[0]!;
  return {
    ...lab,
    name,
    prefix: `clab-${name}`,
    management: lab.management.filter((each) => each.name === managementNetwork),
    clusters: [],
    nodes: [...routers, { ...servers, name: "servers", hostname: "servers", exec: [] }],
    links: lab.links.map((link, n) => {
      const [a, b] = link.endpoints.map((end) =>
        isRouter(end.node) ? end : { node: "servers", interface: `eth${n + 1}` },
      );
      return { ...link, endpoints: [a!, b!] };
    }),
  };
}
