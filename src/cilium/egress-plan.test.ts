import { expect, test } from "vitest";
import { address } from "../net/address.ts";
import { type EgressPod, egressPlan } from "./egress-plan.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { NetworkState } from "../net/network-state.ts";
import { gatewayError, wayOut } from "./egress-gateway.ts";
import type { CiliumEgressGatewayPolicy } from "./schema/egress-gateway-policy.ts";

type Spec = NonNullable<CiliumEgressGatewayPolicy["spec"]>;

const node = (name: string, n: number): CiliumNode => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNode",
  metadata: { name, labels: { egress: n < 3 ? "yes" : "no" } },
  spec: {
    addresses: [{ type: "InternalIP", ip: `10.0.0.${n}` }],
    ipam: { podCIDRs: [`10.1.${n}.0/24`] },
  },
});
const nodes = [node("w1", 1), node("w2", 2), node("w3", 3)];
const pod = (name: string, n: number, labels: Record<string, string>): EgressPod => ({
  namespace: "default",
  name,
  labels: { ...labels, "io.kubernetes.pod.namespace": "default" },
  namespaceLabels: { team: "a" },
  node: `w${n}`,
  addresses: [address(`10.1.${n}.2`)],
});
const pods = [pod("a", 1, { app: "web" }), pod("b", 3, { app: "web" }), pod("c", 3, {})];

const policy = (spec: Partial<Spec> = {}): CiliumEgressGatewayPolicy => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumEgressGatewayPolicy",
  metadata: { name: "p" },
  spec: {
    destinationCIDRs: ["0.0.0.0/0"],
    selectors: [{ podSelector: { matchLabels: { app: "web" } } }],
    egressGateway: { nodeSelector: { matchLabels: { egress: "yes" } }, egressIP: "192.0.2.1" },
    egressGateways: [],
    ...spec,
  },
});
const link = (index: number, name: string, ...addresses: string[]) => ({
  ...{ index, name, isUp: true, hasCarrier: true },
  operState: name === "lo" ? ("unknown" as const) : ("up" as const),
  addresses: addresses.map((each) => ({
    address: address(each),
    prefixLength: 24,
    isTentative: false,
  })),
});
/** What every node has here: the egress IP, on lo. */
const holding: NetworkState = {
  interfaces: [link(1, "lo", "127.0.0.1", "192.0.2.1")],
  defaultRoutes: [],
};

const plan = (on: string, spec: Partial<Spec> = {}, isReady = (_: string) => true) =>
  egressPlan({
    ...{ node: on, nodes, pods, isReady, policies: [policy(spec)] },
    network: holding,
  });

const inside = ["10.1.1.0/24", "10.0.0.1/32", "10.1.2.0/24", "10.0.0.2/32"].concat(
  ...["10.1.3.0/24", "10.0.0.3/32"],
);

test("a selected pod leaves by the gateway, which translates it and knows the way back", () => {
  expect(plan("w3")).toEqual({
    leaving: [
      {
        ...{ policy: "p", family: "ipv4", gateway: "w1" },
        ...{ sources: ["10.1.3.2"], destinations: ["0.0.0.0/0"], excluded: inside },
      },
    ],
    ...{ translated: [], remotePods: [], refused: [], failed: [] },
  });
  expect(plan("w1")).toMatchObject({
    leaving: [{ sources: ["10.1.1.2"], gateway: "w1" }],
    translated: [{ sources: ["10.1.1.2", "10.1.3.2"], egressIp: "192.0.2.1" }],
    remotePods: [{ address: "10.1.3.2", node: "w3" }],
  });
  expect(plan("w2")).toEqual({
    leaving: [],
    translated: [],
    remotePods: [],
    refused: [],
    failed: [],
  });
});

test("another ready node takes the place of a lost gateway; without one the traffic is dropped", () => {
  const without = (...lost: string[]) => plan("w3", {}, (name) => !lost.includes(name));
  expect(without("w1").leaving).toMatchObject([{ gateway: "w2" }]);
  expect(without("w1", "w2").leaving).toMatchObject([{ gateway: undefined }]);
});

test("pods are spread over several gateways, and each pod has one", () => {
  const gateway = (name: string) => ({
    nodeSelector: { matchExpressions: [{ key: "egress", operator: "Exists" as const }] },
    egressIP: name,
  });
  const many = Array.from({ length: 40 }, (_, n) => ({ ...pods[1]!, name: `web-${n}` }));
  const spread = egressPlan({
    ...{ node: "w3", nodes, pods: many, isReady: () => true },
    policies: [
      policy({
        egressGateways: [
          gateway("192.0.2.1"),
          { ...gateway("192.0.2.2"), nodeSelector: { matchLabels: { egress: "no" } } },
        ],
      }),
    ],
    network: { interfaces: [], defaultRoutes: [] },
  });
  const counts = spread.leaving.map(({ gateway: to, sources }) => [to, sources.length] as const);
  expect(counts.map(([to]) => to).sort()).toEqual(["w1", "w3"]);
  expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(40);
});

test.each<[string, Partial<Spec>, number]>([
  ["namespace labels", { selectors: [{ namespaceSelector: { matchLabels: { team: "a" } } }] }, 2],
  [
    "the namespace as a pod's label",
    {
      selectors: [
        { podSelector: { matchLabels: { "io.kubernetes.pod.namespace": "default", app: "web" } } },
      ],
    },
    1,
  ],
  [
    "the pod's node",
    { selectors: [{ podSelector: {}, nodeSelector: { matchLabels: { egress: "yes" } } }] },
    0,
  ],
])("selection by %s", (_, spec, count) => {
  const { leaving } = plan("w3", spec);
  expect(leaving.flatMap(({ sources }) => sources)).toHaveLength(count);
});

test("excludedCIDRs are excluded beside the cluster's own pods and nodes", () => {
  const [flow] = plan("w3", { excludedCIDRs: ["198.51.100.0/24"] }).leaving;
  expect(flow!.excluded).toEqual(["198.51.100.0/24", ...inside]);
});

test("IPv6 destinations are none of an IPv4 pod's", () => {
  expect(plan("w3", { destinationCIDRs: ["::/0"] }).leaving).toEqual([]);
});

test.each<[string, Partial<Spec>, string]>([
  [
    "an interface and an egress IP",
    { egressGateway: { nodeSelector: {}, interface: "net1", egressIP: "192.0.2.1" } },
    "a gateway cannot have both an interface and an egress IP",
  ],
  [
    "neither pods nor namespaces",
    { selectors: [{ nodeSelector: {} }] },
    "a selector needs podSelector or namespaceSelector",
  ],
  [
    "a selector that is none",
    { selectors: [{ podSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }] },
    'In of label "a" needs values',
  ],
])("a policy with %s is left out, and it is said why", (_, spec, reason) => {
  expect(plan("w1", spec)).toEqual({
    ...{ leaving: [], translated: [], remotePods: [] },
    refused: [{ policy: "p", reason }],
    failed: [],
  });
});

const network: NetworkState = {
  interfaces: [
    link(1, "lo", "127.0.0.1", "192.0.2.7"),
    link(2, "net0", "10.0.0.1", "fe80::1", "fd00::1"),
    link(3, "net1", "10.9.0.1", "192.0.2.1", "fe80::2", "fd09::1"),
  ],
  defaultRoutes: [
    { family: "ipv4", metric: 0, nextHops: [{ gateway: address("10.0.0.9"), interfaceIndex: 2 }] },
  ],
};

test.each<[string, { interface?: string; egressIP?: string }, ReturnType<typeof wayOut>[]]>([
  [
    "the interface named, with its first addresses",
    { interface: "net1" },
    [
      { egressIp: address("10.9.0.1"), interfaceName: "net1" },
      { egressIp: address("fd09::1"), interfaceName: "net1" },
    ],
  ],
  [
    "the interface that has the egress IP, with its first address of the other family",
    { egressIP: "192.0.2.1" },
    [
      { egressIp: address("192.0.2.1"), interfaceName: "net1" },
      { egressIp: address("fd09::1"), interfaceName: "net1" },
    ],
  ],
  [
    "that of the default route of the family",
    {},
    [
      { egressIp: address("10.0.0.1"), interfaceName: "net0" },
      { egressIp: undefined, interfaceName: undefined },
    ],
  ],
  [
    "nothing, of an egress IP that no interface has",
    { egressIP: "192.0.2.100" },
    [
      { egressIp: undefined, interfaceName: undefined },
      { egressIp: undefined, interfaceName: undefined },
    ],
  ],
  [
    "the ordinary routes, of an egress IP that lo keeps",
    { egressIP: "192.0.2.7" },
    [
      { egressIp: address("192.0.2.7"), interfaceName: undefined },
      { egressIp: undefined, interfaceName: undefined },
    ],
  ],
  [
    "nothing, of an interface that is not there",
    { interface: "net7" },
    [
      { egressIp: undefined, interfaceName: undefined },
      { egressIp: undefined, interfaceName: undefined },
    ],
  ],
])("traffic leaves by %s", (_, gateway, expected) => {
  const of = (family: "ipv4" | "ipv6") => wayOut({ nodeSelector: {}, ...gateway }, family, network);
  expect([of("ipv4"), of("ipv6")]).toEqual(expected);
});

test("a gateway that has not its egress IP drops the traffic, and says so", () => {
  const egressGateway = { nodeSelector: { matchLabels: { egress: "yes" } }, egressIP: "192.0.2.9" };
  expect(plan("w1", { egressGateway })).toMatchObject({
    leaving: [{ sources: ["10.1.1.2"], gateway: "w1" }],
    translated: [{ sources: ["10.1.1.2", "10.1.3.2"], egressIp: undefined }],
    failed: [
      {
        policy: "p",
        reason:
          "failed to retrieve interface with egress IP: no interface with 192.0.2.9 IPv4 assigned to",
      },
    ],
  });
  // The others lead it there all the same, and have nothing to say.
  expect(plan("w3", { egressGateway })).toMatchObject({ leaving: [{ gateway: "w1" }], failed: [] });
});

test.each<[string, { interface?: string; egressIP?: string }, string[], string | undefined]>([
  ["an interface that is there", { interface: "net1" }, ["ipv4", "ipv6"], undefined],
  [
    "an interface that is not there",
    { interface: "net7" },
    ["ipv4"],
    "failed to retrieve IPv4 address for egress interface: Link net7 not found",
  ],
  [
    "an interface without an address of the family",
    { interface: "lo" },
    ["ipv4", "ipv6"],
    "failed to retrieve IPv6 address for egress interface: no IPv6 address assigned to interface",
  ],
  ["an egress IP, of the other family nothing", { egressIP: "192.0.2.7" }, ["ipv6"], undefined],
  [
    "an IPv6 egress IP that is nowhere",
    { egressIP: "fd09::7" },
    ["ipv6"],
    "failed to retrieve interface with egress IP: no interface with fd09::7 IPv6 assigned to",
  ],
  [
    "no default route",
    {},
    ["ipv4", "ipv6"],
    "failed to find interface with default route: no IPv6 default route",
  ],
])("what keeps a gateway from working: %s", (_, gateway, families, expected) => {
  const of = families as ("ipv4" | "ipv6")[];
  expect(gatewayError({ nodeSelector: {}, ...gateway }, of, network)).toBe(expected);
});
