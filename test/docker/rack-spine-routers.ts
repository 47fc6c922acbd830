import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, stringify } from "yaml";
import { buildFabric } from "../../src/topology/fabric-build.ts";
import type { Fabric } from "../../src/topology/fabric.ts";

/**
 * rack-spine without Kubernetes: its three routers with their exec lines unchanged, and the servers'
 * ends of the racks' links on one container more.
 */
export function rackSpineRouters(name: string): Fabric {
  const file = (relative: string) => new URL(`../../${relative}`, import.meta.url).pathname;
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

type Topology = { name: string; topology: { nodes: Record<string, Record<string, unknown>> } };

/** The same as files of a lab: every server is a container of its own in place of a kind node's sidecar. */
export function writeRackSpineRouters(
  folder: string,
  name: string,
): { lab: string; scenario: string } {
  const source = new URL("../../topologies/rack-spine.clab.yaml", import.meta.url).pathname;
  const topology = parse(readFileSync(source, "utf8")) as Topology;
  topology.name = name;
  for (const node of Object.values(topology.topology.nodes)) delete node["network-mode"];
  const scenario = {
    name,
    summary: "The fabric alone: its sessions, traffic across racks, a link that goes and comes.",
    steps: [
      {
        name: "sessions and traffic",
        within: "60s",
        expect: [
          { session: { on: "router0", to: "tor0", received: 3 } },
          { session: { on: "router0", to: "tor1", received: 3 } },
          { ping: { from: "srv-worker", to: "10.0.4.2", count: 2, loss: "0%" } },
        ],
      },
      {
        name: "a rack loses its uplink",
        do: [{ link: { between: ["router0", "tor1"], set: "down" } }],
        within: "20s",
        expect: [{ route: { on: "router0", prefix: "10.0.4.0/24", absent: true } }],
      },
      {
        name: "and has it back",
        do: [{ link: { between: ["router0", "tor1"], set: "up" } }],
        within: "60s",
        expect: [{ ping: { from: "srv-worker", to: "10.0.4.2", count: 2, loss: "0%" } }],
      },
    ],
  };
  const write = (file: string, content: unknown) => {
    writeFileSync(path.join(folder, file), stringify(content));
    return path.join(folder, file);
  };
  write("topology.clab.yaml", topology);
  return {
    lab: write("lab.yaml", { name, summary: scenario.summary, topology: "topology.clab.yaml" }),
    scenario: write("scenario.yaml", scenario),
  };
}
