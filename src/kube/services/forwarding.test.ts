import { expect, test } from "vitest";
import { forwardingPlan } from "./forwarding.ts";
import { forwardingRules } from "./forwarding-rules.ts";
import type { EndpointSlice, Service } from "./service.ts";

const service = (spec: Partial<Service["spec"]>, ingress: string[] = []): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { ports: [{ name: "http", port: 80 }], clusterIPs: ["10.96.0.11"], ...spec },
  status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
});

const slice = (addressType: "IPv4" | "IPv6", ...endpoints: [string, string, boolean?][]) =>
  ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `web-${addressType}`,
      namespace: "default",
      labels: { "kubernetes.io/service-name": "web" },
    },
    addressType,
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: endpoints.map(([address, nodeName, ready = true]) => ({
      addresses: [address],
      nodeName,
      conditions: { ready, serving: ready, terminating: false },
    })),
  }) satisfies EndpointSlice;

const nodes = ["w1", "w2", "w3"].map((name, n) => ({
  metadata: { name },
  status: { addresses: [{ type: "InternalIP", address: `10.0.0.${n + 1}` }] },
}));
const both = slice("IPv4", ["10.1.1.2", "w1"], ["10.1.2.2", "w2"]);

const rulesOf = (...of: Parameters<typeof forwardingPlan>) =>
  forwardingRules(forwardingPlan(...of));

/** The lines of one chain or set. */
function block(text: string, head: string): string[] {
  const lines = text.split("\n");
  const from = lines.indexOf(`${head} {`);
  if (from < 0) throw new Error(`no ${head} in ${text}`);
  return lines.slice(from + 1, lines.indexOf("}", from)).map((line) => line.trim());
}

/** The chain that an address leads to. */
function chainOf(text: string, map: string, key: string): string[] {
  const [, elements = ""] = block(text, map);
  const chain = new RegExp(`${key} : goto ([\\w-]+)`).exec(elements)?.[1];
  if (chain === undefined) throw new Error(`${key} is not in ${elements}`);
  return block(text, `chain ${chain}`);
}

test("cluster policy: every ready endpoint; what comes from outside gets the node's address", () => {
  const text = rulesOf(
    [service({ type: "LoadBalancer" }, ["192.0.2.1"])],
    [both, slice("IPv4", ["10.1.3.2", "w3", false])],
    nodes,
    "w1",
  );
  const draw = "numgen random mod 2 vmap { 0 : goto endpoint-1, 1 : goto endpoint-2 }";
  expect(chainOf(text, "map ipv4-services", "10.96.0.11 . tcp . 80")).toEqual([
    'iifname != "lxc*" meta mark set meta mark | 0x4000',
    draw,
  ]);
  expect(chainOf(text, "map ipv4-services", "192.0.2.1 . tcp . 80")).toEqual([
    "meta mark set meta mark | 0x4000",
    draw,
  ]);
  expect(text).not.toContain("10.1.3.2");
  expect(block(text, "chain postrouting")).toEqual([
    "type nat hook postrouting priority srcnat",
    "meta nfproto ipv4 meta mark & 0x4000 != 0 snat ip to 10.0.0.1",
    "meta nfproto ipv6 meta mark & 0x4000 != 0 masquerade",
  ]);
});

test("policy Local: from outside the node's own endpoints or nobody, from the cluster any", () => {
  const local = service(
    { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [http(30080)] },
    ["192.0.2.1"],
  );
  for (const [node, outside] of [
    ["w2", "numgen random mod 1 vmap { 0 : goto endpoint-2 }"],
    ["w3", "drop"],
  ] as const) {
    const text = rulesOf([local], [both], nodes, node);
    for (const [map, key] of [
      ["map ipv4-services", "192.0.2.1 . tcp . 80"],
      ["map ipv4-node-ports", "tcp . 30080"],
    ] as const) {
      const [fromPod, fromNode, last] = chainOf(text, map, key);
      expect(last).toBe(outside);
      const any = /^iifname "lxc\*" goto (.*)$/.exec(fromPod!)![1]!;
      expect(fromNode).toBe(`fib saddr type local goto ${any}`);
      expect(block(text, `chain ${any}`)).toEqual([expect.stringContaining("random mod 2")]);
    }
    expect(block(text, "chain endpoint-2").at(-1)).toBe(
      "meta l4proto tcp dnat ip to 10.1.2.2:8080",
    );
  }
});

test("internalTrafficPolicy Local: the node's own endpoints, or a refusal", () => {
  const local = service({ internalTrafficPolicy: "Local" });
  expect(rulesOf([local], [both], nodes, "w1")).toMatch(/numgen random mod 1 /);
  const refused = block(rulesOf([local], [both], nodes, "w3"), "set ipv4-refused");
  expect(refused.at(-1)).toBe("elements = { 10.96.0.11 . tcp . 80 }");
});

test("IPv6 beside IPv4", () => {
  const dual = service({ clusterIPs: ["10.96.0.11", "fd00::b"] });
  const text = rulesOf([dual], [both, slice("IPv6", ["fd01::2", "w1"])], nodes, "w1");
  expect(chainOf(text, "map ipv6-services", "fd00::b . tcp . 80")).toHaveLength(2);
  expect(text).toContain("meta l4proto tcp dnat ip6 to [fd01::2]:8080");
});

test("what comes twice is there once: two services may share an address", () => {
  const other = { ...service({}), metadata: { name: "b", namespace: "default" } };
  const text = rulesOf([service({}), other], [], nodes, "w1");
  expect(text).toContain("elements = { 10.96.0.11 . tcp . 80 }");
});

test("a service's own address is refused whole, a node's address on the service's port only", () => {
  const text = rulesOf(
    [service({ type: "LoadBalancer", externalIPs: ["10.0.0.2"] }, ["192.0.2.1", "10.0.0.3"])],
    [],
    nodes,
    "w1",
  );
  expect(block(text, "set ipv4-virtual").at(-1)).toBe("elements = { 10.96.0.11, 192.0.2.1 }");
  expect(block(text, "set ipv4-refused").at(-1)).toContain("10.0.0.2 . tcp . 80");
});

function http(nodePort: number) {
  return { name: "http", port: 80, nodePort };
}
