/** What a node's own network decides: each test is named after the rule of Cilium's that it holds. */
import { describe, expect, test } from "vitest";
import { address as ip } from "../net/address.ts";
import type { DefaultRoute, NetworkInterface, OperState } from "../net/network-state.ts";
import {
  advertisement,
  compiled,
  errors,
  input,
  ipv4,
  ipv6,
  peer,
  peerConfig,
  tor,
} from "./compile.fixture.ts";
import { compileNode } from "./compile.ts";
import { egressIpsOf } from "./egress-gateway.ts";
import type { Advertisement } from "./schema/advertisement.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumEgressGatewayPolicy } from "./schema/egress-gateway-policy.ts";
import type { NodePeer } from "./schema/node-config.ts";
import type { CiliumPodIPPool } from "./schema/pod-ip-pool.ts";

function link(
  name: string,
  addresses: string[] = [],
  more: Partial<NetworkInterface> = {},
): NetworkInterface {
  return {
    index: name.charCodeAt(name.length - 1),
    name,
    isUp: true,
    hasCarrier: true,
    operState: "up",
    addresses: addresses.map((text) => ({
      address: ip(text),
      prefixLength: 24,
      isTentative: false,
    })),
    ...more,
  };
}

function route(gateway: string | undefined, device: string, metric = 100): DefaultRoute {
  const interfaceIndex = device.charCodeAt(device.length - 1);
  const family = gateway?.includes(":") ? "ipv6" : "ipv4";
  return {
    family,
    metric,
    nextHops: [{ interfaceIndex, ...(gateway !== undefined && { gateway: ip(gateway) }) }],
  };
}

const both = [
  peerConfig({
    families: [
      { ...ipv4, advertisements: {} },
      { ...ipv6, advertisements: {} },
    ],
  }),
];
const names = (of: Parameters<typeof peer>[0]) =>
  peer(of).exportPolicy.map(({ name, prefixes }) => [name, ...(prefixes ?? [])].join(" "));

describe("Interface", () => {
  const entry: Advertisement = { advertisementType: "Interface", interface: { name: "lo" } };
  const of = (...interfaces: NetworkInterface[]) => ({
    peerConfigs: both,
    advertisements: [advertisement("a", entry)],
    network: { interfaces },
  });
  test("every global unicast address as a host route; IPv4 link-local too, IPv6 link-local not", () => {
    const addresses = ["127.0.0.1", "::1", "10.0.0.5", "169.254.1.1", "fd00::5", "fe80::5"];
    expect(names(of(link("lo", addresses)))).toEqual([
      "Interface-ipv4 10.0.0.5/32 169.254.1.1/32",
      "Interface-ipv6 fd00::5/128",
    ]);
  });
  test.each<[boolean, OperState, number]>([
    [true, "up", 1],
    [true, "unknown", 1],
    [true, "down", 0],
    [true, "dormant", 0],
    [false, "up", 0],
  ])("up: %s, operational state: %s", (isUp, operState, count) => {
    expect(names(of(link("lo", ["10.0.0.5"], { isUp, operState })))).toHaveLength(count);
  });
  test("an interface that is not there", () => {
    expect(names(of(link("eth0", ["10.0.0.5"])))).toEqual([]);
  });
});

describe("CiliumPodIPPool", () => {
  const pool = (name: string, labels: Record<string, string>): CiliumPodIPPool => ({
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumPodIPPool",
    metadata: { name, labels },
    spec: { allowFirstIP: false, allowLastIP: false },
  });
  const compile = (selector: Advertisement["selector"], ipam: "multi-pool" | "kubernetes") => {
    const entry: Advertisement = {
      advertisementType: "CiliumPodIPPool",
      ...(selector && { selector }),
    };
    const entries = [entry, { advertisementType: "PodCIDR" as const }];
    const of = input({
      ipam,
      peerConfigs: both,
      advertisements: [advertisement("a", ...entries)],
      podIpPools: [pool("blue", { color: "blue" }), pool("red", { color: "red" })],
    });
    of.node.spec.ipam!.pools = {
      allocated: [
        { pool: "blue", cidrs: ["10.10.0.0/27", "fd00:10::/96"] },
        { pool: "red", cidrs: ["10.20.0.0/27"] },
        { pool: "gone", cidrs: ["10.30.0.0/27"] },
      ],
    };
    const { exportPolicy } = compileNode(of).instances[0]!.config.peers[0]!;
    return exportPolicy.map(({ name, prefixes }) => [name, ...prefixes!].join(" "));
  };
  test("the CIDRs the node has of the pools selected, by label and by pseudo-label", () => {
    const blue = [
      "CiliumPodIPPool-blue-ipv4 10.10.0.0/27",
      "CiliumPodIPPool-blue-ipv6 fd00:10::/96",
    ];
    expect(compile({ matchLabels: { color: "blue" } }, "multi-pool")).toEqual(blue);
    expect(compile({ matchLabels: { "io.cilium.podippool.name": "blue" } }, "multi-pool")).toEqual(
      blue,
    );
    expect(compile({}, "multi-pool")).toEqual([...blue, "CiliumPodIPPool-red-ipv4 10.20.0.0/27"]);
    expect(compile(undefined, "multi-pool")).toEqual([]);
  });
  test("PodCIDR is for the ipam modes kubernetes and cluster-pool only, and comes before pools", () => {
    expect(compile({ matchLabels: { color: "red" } }, "kubernetes")).toEqual([
      "PodCIDR-ipv4 10.1.3.0/24",
      "CiliumPodIPPool-red-ipv4 10.20.0.0/27",
    ]);
  });
});

describe("auto-discovery DefaultGateway", () => {
  const discovering = (addressFamily: "ipv4" | "ipv6"): NodePeer => {
    const { peerAddress: _, ...rest } = tor;
    return {
      ...rest,
      autoDiscovery: { mode: "DefaultGateway", defaultGateway: { addressFamily } },
    };
  };
  const interfaces = [link("eth0"), link("eth1")];
  const found = (
    defaultRoutes: DefaultRoute[],
    more: {
      annotations?: Record<string, string>;
      links?: NetworkInterface[];
      family?: "ipv6";
    } = {},
  ) => {
    const { instances, warnings } = compileNode(
      input({
        peers: [discovering(more.family ?? "ipv4")],
        network: { interfaces: more.links ?? interfaces, defaultRoutes },
        ...(more.annotations && { annotations: more.annotations }),
      }),
    );
    const peers = instances[0]!.config.peers.map(({ name, address }) => [name, address]);
    return { peers, warnings };
  };
  test("the route of the lowest metric wins", () => {
    const routes = [route("10.0.0.1", "eth0", 200), route("10.0.1.1", "eth1", 100)];
    expect(found(routes).peers).toEqual([["tor0", "10.0.1.1"]]);
  });
  test("of equal metrics the first in table order", () => {
    const routes = [route("10.0.0.1", "eth0"), route("10.0.1.1", "eth1")];
    expect(found(routes).peers).toEqual([["tor0", "10.0.0.1"]]);
  });
  test("IPv6 by itself", () => {
    const routes = [route("10.0.0.1", "eth0"), route("fd00::1", "eth1")];
    expect(found(routes, { family: "ipv6" }).peers).toEqual([["tor0", "fd00::1"]]);
  });
  test.each<OperState>(["unknown", "down", "dormant", "lowerlayerdown"])(
    "a device that is not exactly up is passed over: %s",
    (operState) => {
      const links = [link("eth0", [], { operState }), link("eth1")];
      const routes = [route("10.0.0.1", "eth0", 1), route("10.0.1.1", "eth1", 100)];
      expect(found(routes, { links }).peers).toEqual([["tor0", "10.0.1.1"]]);
    },
  );
  test("a link-local gateway is skipped with a warning", () => {
    const routes = [route("fe80::1", "eth0", 1), route("fd00::1", "eth1", 100)];
    expect(found(routes, { family: "ipv6" })).toEqual({
      peers: [["tor0", "fd00::1"]],
      warnings: ["instance-65010: peer tor0: the link-local gateway fe80::1 is skipped"],
    });
  });
  test("no candidate: no address, so no session", () => {
    expect(found([route(undefined, "eth0")])).toEqual({
      peers: [],
      warnings: ["instance-65010: peer tor0: no default gateway of ipv4 was found"],
    });
  });
  test("an address that is given is not looked for", () => {
    const peers = [{ ...discovering("ipv4"), peerAddress: "10.9.9.9" }];
    const network = { interfaces, defaultRoutes: [route("10.0.0.1", "eth0")] };
    expect(peer({ peers, network }).address).toBe("10.9.9.9");
  });
  test("two peers of one family come to one address: the second is an error", () => {
    const peers = [discovering("ipv4"), { ...discovering("ipv4"), name: "again" }];
    const network = { interfaces, defaultRoutes: [route("10.0.0.1", "eth0")] };
    expect(errors({ peers, network })).toEqual([
      "failed to add neighbor again: 10.0.0.1 is already neighbor tor0",
    ]);
  });
  test("several sessions where the annotation asks for them", () => {
    const routes = [
      route("10.0.0.1", "eth0", 100),
      route("10.0.1.1", "eth1", 100),
      route("10.0.2.1", "eth1", 200),
    ];
    const asked = (choice: string) =>
      found(routes, { annotations: { "spinelab.io/auto-discovery-gateways": choice } });
    const equal = [
      ["tor0-10.0.0.1", "10.0.0.1"],
      ["tor0-10.0.1.1", "10.0.1.1"],
    ];
    expect(asked("equal-metric").peers).toEqual(equal);
    expect(asked("all").peers).toEqual([...equal, ["tor0-10.0.2.1", "10.0.2.1"]]);
    expect(asked("one").peers).toEqual([["tor0", "10.0.0.1"]]);
    expect(asked("both")).toEqual({
      peers: [["tor0", "10.0.0.1"]],
      warnings: [
        "instance-65010: annotation spinelab.io/auto-discovery-gateways: both is not one of one, equal-metric, all",
      ],
    });
  });
  test("a multipath route: passed over for one session, each next hop where several are asked for", () => {
    const nextHops = ["10.0.0.1", "10.0.1.1"].map((gateway, n) => ({
      gateway: ip(gateway),
      interfaceIndex: `eth${n}`.charCodeAt(3),
    }));
    const routes: DefaultRoute[] = [
      { family: "ipv4", metric: 0, nextHops },
      route("10.0.2.1", "eth1"),
    ];
    expect(found(routes).peers).toEqual([["tor0", "10.0.2.1"]]);
    const annotations = { "spinelab.io/auto-discovery-gateways": "equal-metric" };
    expect(found(routes, { annotations }).peers.map(([, address]) => address)).toEqual([
      "10.0.0.1",
      "10.0.1.1",
    ]);
  });
});

describe("auto-discovery Unnumbered", () => {
  const of = (name: string, device: string): NodePeer => {
    const { peerAddress: _, ...rest } = tor;
    return {
      ...rest,
      name,
      autoDiscovery: { mode: "Unnumbered", unnumbered: { interface: device } },
    };
  };
  test("a session over each link, to whoever is at its other end", () => {
    const config = compiled({ peers: [of("a", "eth1"), of("b", "eth2")] });
    expect(config.peers.map((each) => [each.name, each.address, each.interface])).toEqual([
      ["a", "::", "eth1"],
      ["b", "::", "eth2"],
    ]);
  });
  test("two over one link: the second is an error", () => {
    expect(errors({ peers: [of("a", "eth1"), of("b", "eth1")] })).toEqual([
      "failed to add neighbor b: :: is already neighbor a",
    ]);
  });
  test("a link-local address is one of its link", () => {
    const found = peer({ peers: [{ ...tor, peerAddress: "fe80::1%eth1" }] });
    expect([found.address, found.interface]).toEqual(["fe80::1", "eth1"]);
  });
});

describe("source address", () => {
  const peerConfigs = [peerConfig({ transport: { peerPort: 179, sourceInterface: "lo" } })];
  test("transport.sourceInterface: its only address of the peer's family", () => {
    const interfaces = [link("lo", ["127.0.0.1", "10.255.0.1", "fd00::1"])];
    expect(peer({ peerConfigs, network: { interfaces } }).localAddress).toBe("10.255.0.1");
  });
  test("the override's localAddress comes before it", () => {
    const peers = [{ ...tor, localAddress: "10.0.2.2" }];
    expect(peer({ peerConfigs, peers }).localAddress).toBe("10.0.2.2");
  });
  test.each([
    [[], "there is no interface lo"],
    [[link("lo", ["127.0.0.1"])], "interface lo has no usable ipv4 address, where one is needed"],
    [
      [link("lo", ["10.255.0.1", "10.255.0.2"])],
      "interface lo has 2 usable ipv4 addresses, where one is needed",
    ],
  ])("none or several: the peer is skipped with a warning", (interfaces, problem) => {
    const warning = `instance-65010: peer tor0: transport.sourceInterface: ${problem}: the peer is skipped`;
    expect(compiled({ peerConfigs, network: { interfaces } }, [warning]).peers).toEqual([]);
  });
  test("a local address of the wrong family is an error that names the peer", () => {
    expect(errors({ peers: [{ ...tor, localAddress: "fd00::2" }] })).toEqual([
      "peer tor0: local address fd00::2 is ipv6, peer address 10.0.0.1 is not",
    ]);
  });
});

describe("egress gateway", () => {
  const node = (name: string, labels: Record<string, string>): CiliumNode => ({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNode",
    metadata: { name, labels },
    spec: {},
  });
  const nodes = [node("b", { egress: "yes" }), node("a", { egress: "yes" }), node("c", {})];
  const nodeSelector = { matchLabels: { egress: "yes" } };
  const policy = (
    egressGateway: Partial<NonNullable<CiliumEgressGatewayPolicy["spec"]>["egressGateway"]>,
  ): CiliumEgressGatewayPolicy => ({
    apiVersion: "cilium.io/v2",
    kind: "CiliumEgressGatewayPolicy",
    metadata: { name: "p" },
    spec: {
      destinationCIDRs: ["0.0.0.0/0"],
      selectors: [],
      egressGateway: { nodeSelector, ...egressGateway },
      egressGateways: [],
    },
  });
  const network = { interfaces: [link("eth1", ["10.9.0.1", "192.0.2.200"])], defaultRoutes: [] };
  test("the first ready node by name that the selector matches is the gateway", () => {
    const of = (name: string, ready: string[]) =>
      egressIpsOf(name, [policy({ egressIP: "192.0.2.200" })], network, {
        nodes,
        isReady: (each) => ready.includes(each),
      });
    expect(of("a", ["a", "b", "c"])).toEqual(["192.0.2.200"]);
    expect(of("b", ["a", "b", "c"])).toEqual([]);
    expect(of("b", ["b", "c"])).toEqual(["192.0.2.200"]);
    expect(of("c", ["c"])).toEqual([]);
  });
  test("an egress IP that no interface has is not advertised, and no other node takes it over", () => {
    const of = (name: string) =>
      egressIpsOf(name, [policy({ egressIP: "192.0.2.201" })], network, {
        ...{ nodes, isReady: () => true },
      });
    expect(["a", "b"].flatMap(of)).toEqual([]);
  });
  test("without egressIP the first IPv4 address of the interface", () => {
    const policies = [policy({ interface: "eth1" })];
    expect(egressIpsOf("a", policies, network, { nodes, isReady: () => true })).toEqual([
      "10.9.0.1",
    ]);
  });
  test("advertised where the CiliumBGPAdvertisement is annotated, after everything else", () => {
    const annotated = advertisement("a", { advertisementType: "PodCIDR" });
    annotated.metadata.annotations = { "spinelab.io/advertise-egress-ips": "true" };
    const of = { egressIps: ["192.0.2.200"], advertisements: [annotated] };
    expect(names(of)).toEqual(["PodCIDR-ipv4 10.1.3.0/24", "EgressGateway-ipv4 192.0.2.200/32"]);
    expect(names({ egressIps: ["192.0.2.200"] })).toEqual(["PodCIDR-ipv4 10.1.3.0/24"]);
  });
});
