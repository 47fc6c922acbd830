import { SharedTables } from "../../bgp/speaker/ribs.ts";
import type { SpeakerConfig } from "../../bgp/speaker/config.ts";
import { address, type Address } from "../../net/address.ts";
import {
  gatewayAddress,
  nodeAddress,
  nodeName,
  podCidr,
  rackPrefixLength,
  rackSubnet,
  routerAddress,
} from "../../topology/leaf-spine/address-plan.ts";
import type { LeafSpine } from "../../topology/leaf-spine/parameters.ts";
import { type LeafSpineRouter, routersOf } from "../../topology/leaf-spine/routers.ts";
import { emptyConfig } from "../frr/config.ts";
import { Interpreter } from "../frr/interpret.ts";
import type { FrrTiming } from "../frr/timing.ts";
import { speakerConfigOf } from "../frr/speaker-config.ts";
import { SimNetwork } from "../network.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { FabricWorld } from "./fabric-world.ts";
import { Host } from "./host.ts";
import { type ClusterResources, KubernetesNodes } from "./kubernetes-nodes.ts";

/** A generated fabric in a world of its own, nothing of it switched on. */
export type SimFabric = {
  world: FabricWorld;
  routers: Host[];
  nodes: Host[];
  shared: SharedTables;
};

export function buildFabric(of: {
  fabric: LeafSpine;
  services: number;
  resources: ClusterResources;
  timing: FrrTiming;
  random: () => number;
}): SimFabric {
  const { fabric, services, resources, timing, random } = of;
  const world = new FabricWorld(random, timing);
  const byName = new Map<string, Host>();
  const plans = routersOf(fabric);
  const routers = plans.map((plan, serial) => {
    const host = routerHost(world, fabric, plan, serial);
    byName.set(plan.name, host);
    if (plan.role === "tor") world.addGateway(host);
    return host;
  });
  for (const { name, ports } of plans) {
    for (const port of ports) {
      const to = byName.get(port.to)!;
      if (!to.ports.has(port.toInterface)) {
        world.connectPorts(byName.get(name)!, port.interface, to, port.toInterface);
      }
    }
  }
  const cluster = new KubernetesNodes(fabric, services, resources);
  const nodes = Array.from({ length: fabric.racks * fabric.nodesPerRack }, (_, node) => {
    const machine = {
      name: nodeName(node),
      kind: "node" as const,
      linkLocal: undefined,
      rackAddress: nodeAddress(fabric, node),
      rackSubnets: [rackSubnet(fabric, Math.floor(node / fabric.nodesPerRack))],
    };
    return new Host(world, machine, () => cluster.speakerConfig(node)!);
  });
  return { world, routers, nodes, shared: numbered(nodes.length) };
}

/** Tables that know all nodes' prefixes in their order: those of one rack, which come and go together, are neighbours. */
function numbered(nodes: number): SharedTables {
  const shared = new SharedTables();
  const prefixes = shared.prefixes["ipv4/unicast"];
  for (let node = 0; node < nodes; node++) prefixes.retain(prefixes.addPrefix(podCidr(node)));
  return shared;
}

function routerHost(
  world: FabricWorld,
  fabric: LeafSpine,
  plan: LeafSpineRouter,
  serial: number,
): Host {
  const isTor = plan.role === "tor";
  const of = {
    name: plan.name,
    kind: "router" as const,
    linkLocal: linkLocalOf(serial),
    rackAddress: isTor ? gatewayAddress(fabric, plan.index) : undefined,
    rackSubnets: isTor ? [rackSubnet(fabric, plan.index)] : [],
  };
  return new Host(world, of, () => routerConfig(fabric, plan, world.timing));
}

/** Of 02:00:00:00:00:00 and up, by modified EUI-64 (RFC 4291 Appendix A). */
function linkLocalOf(serial: number): Address {
  const high = ((serial >>> 16) & 0xff) | 0xfe00;
  return address(`fe80::ff:${high.toString(16)}:${(serial & 0xffff).toString(16)}`);
}

/** What FRR's configuration makes of the simulation's speaker. */
function routerConfig(fabric: LeafSpine, plan: LeafSpineRouter, timing: FrrTiming): SpeakerConfig {
  const node = new SimNetwork(new VirtualClock()).addNode(plan.name);
  node.addAddress("lo", { address: routerAddress(plan.role, plan.index), prefixLength: 32 });
  for (const port of plan.ports) node.addInterface(port.interface);
  if (plan.rackInterface !== undefined) {
    node.addInterface(plan.rackInterface);
    node.addAddress(plan.rackInterface, {
      address: gatewayAddress(fabric, plan.index),
      prefixLength: rackPrefixLength(fabric),
    });
  }
  const config = emptyConfig();
  const interpreter = new Interpreter(config);
  const refuse = (what: string): never => {
    throw new Error(`${plan.name}: not simulated: ${what}`);
  };
  for (const line of plan.frrLines) if (interpreter.take(line) === "unknown") refuse(line);
  const { bgp } = config;
  if (bgp === undefined) return refuse("a router without bgp");
  const { installRoutes: _, ...speaker } = speakerConfigOf(
    { ...config, bgp },
    {
      ...{ node, hasBfd: false, timing, routeMaps: config },
      learned: () => refuse("aggregate-address"),
    },
    refuse,
  );
  return speaker;
}
