import {
  gatewayAddress,
  nodeAsn,
  racksBelow,
  type RouterRole,
  rackPrefixLength,
  rackSubnet,
  routerAddress,
  routerAsn,
  routerName,
  spineOf,
  torAsnToNodes,
} from "./address-plan.ts";
import type { LeafSpine } from "./parameters.ts";

/** A router of a generated fabric: its cables, and the lines that make it what it is. */
export type LeafSpineRouter = {
  name: string;
  role: RouterRole;
  index: number;
  /** To other routers, each with the name of the router there and its interface. */
  ports: { interface: string; to: string; toInterface: string }[];
  /** A ToR's towards its nodes. */
  rackInterface?: string;
  /** FRR's configuration. */
  frrLines: string[];
};

export const rackInterface = "rack";

export function routersOf(of: LeafSpine): LeafSpineRouter[] {
  const count = (n: number, make: (i: number) => LeafSpineRouter) =>
    Array.from({ length: n }, (_, i) => make(i));
  return [
    ...count(of.superspines, (i) => superspine(of, i)),
    ...count(of.spines, (i) => spine(of, i)),
    ...count(of.racks, (i) => tor(of, i)),
  ];
}

function superspine(of: LeafSpine, index: number): LeafSpineRouter {
  const ports = Array.from({ length: of.spines }, (_, i) => ({
    interface: `spine${i}`,
    to: routerName("spine", i),
    toInterface: `super${index}`,
  }));
  return router("superspine", index, ports, [
    " neighbor SPINES peer-group",
    " neighbor SPINES remote-as external",
    ...ports.map((port) => ` neighbor ${port.interface} interface peer-group SPINES`),
  ]);
}

function spine(of: LeafSpine, index: number): LeafSpineRouter {
  const up = Array.from({ length: of.superspines }, (_, i) => ({
    interface: `super${i}`,
    to: routerName("superspine", i),
    toInterface: `spine${index}`,
  }));
  const down = racksBelow(of, index).map(({ rack, uplink }) => ({
    interface: `tor${rack}`,
    to: routerName("tor", rack),
    toInterface: `up${uplink}`,
  }));
  const ports = [...up, ...down];
  return router("spine", index, ports, [
    " neighbor FABRIC peer-group",
    " neighbor FABRIC remote-as external",
    ...ports.map((port) => ` neighbor ${port.interface} interface peer-group FABRIC`),
  ]);
}

/**
 * Towards the nodes: whoever calls from the rack's subnet, under the AS number that all ToRs have for nodes;
 * they are sent the default route and nothing else. Towards the spines: what came from the nodes, which is
 * known by its community, and goes out with another one, so that no ToR is a way between spines.
 */
function tor(of: LeafSpine, index: number): LeafSpineRouter {
  const ports = Array.from({ length: of.uplinks }, (_, i) => ({
    interface: `up${i}`,
    to: routerName("spine", spineOf(of, index, i)),
    toInterface: `tor${index}`,
  }));
  const made = router(
    "tor",
    index,
    ports,
    [
      " neighbor SPINES peer-group",
      " neighbor SPINES remote-as external",
      ...ports.map((port) => ` neighbor ${port.interface} interface peer-group SPINES`),
      " neighbor NODES peer-group",
      ` neighbor NODES remote-as ${nodeAsn}`,
      ` neighbor NODES local-as ${torAsnToNodes} no-prepend replace-as`,
      ` bgp listen range ${rackSubnet(of, index)} peer-group NODES`,
      ` bgp listen limit ${Math.max(of.nodesPerRack, 1)}`,
    ],
    [
      "  neighbor NODES default-originate",
      "  neighbor NODES route-map NOTHING out",
      "  neighbor NODES route-map FROM-NODES in",
      "  neighbor SPINES route-map TO-SPINES out",
    ],
    [
      // What default-originate sends passes no route map.
      "route-map NOTHING deny 10",
      `bgp community-list standard RACK permit ${torAsnToNodes}:1`,
      "route-map FROM-NODES permit 10",
      ` set community ${torAsnToNodes}:1 additive`,
      "route-map TO-SPINES permit 10",
      " match community RACK",
      ` set community ${torAsnToNodes}:2`,
    ],
  );
  return { ...made, rackInterface };
}

/** `ip` lines that a router needs before FRR starts. */
export function addressLines(of: LeafSpine, { role, index, rackInterface: rack }: LeafSpineRouter) {
  const lines = [`ip addr add ${routerAddress(role, index)}/32 dev lo`];
  if (rack !== undefined) {
    lines.push(`ip addr add ${gatewayAddress(of, index)}/${rackPrefixLength(of)} dev ${rack}`);
  }
  return lines;
}

function router(
  role: RouterRole,
  index: number,
  ports: LeafSpineRouter["ports"],
  neighbors: string[],
  family: string[] = [],
  lists: string[] = [],
): LeafSpineRouter {
  const name = routerName(role, index);
  const frrLines = [
    "frr defaults datacenter",
    ...lists,
    `router bgp ${routerAsn(role, index)}`,
    ` bgp router-id ${routerAddress(role, index)}`,
    " bgp bestpath as-path multipath-relax",
    // Of equal paths always the same one is the best, whichever came first.
    " bgp bestpath compare-routerid",
    " no bgp ebgp-requires-policy",
    ...neighbors,
    " address-family ipv4 unicast",
    ...family,
    " exit-address-family",
    "!",
  ];
  return { name, role, index, ports, frrLines };
}
