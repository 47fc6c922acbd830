import { expect, test } from "vitest";
import { forwardingRules } from "./forwarding.ts";
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

const both = slice("IPv4", ["10.1.1.2", "w1"], ["10.1.2.2", "w2"]);

test("cluster policy: every ready endpoint; only what comes from outside gets the node's address", () => {
  const text = forwardingRules(
    [service({ type: "LoadBalancer" }, ["192.0.2.1"])],
    [both, slice("IPv4", ["10.1.3.2", "w3", false])],
    "w1",
  );
  expect(text).toContain(
    "10.96.0.11 . tcp . 80 : goto service-1, 192.0.2.1 . tcp . 80 : goto service-2",
  );
  expect(text).toMatch(/chain service-1 \{\n {2}numgen random mod 2/);
  expect(text).toMatch(/chain service-2 \{\n {2}meta mark set .*\n {2}numgen random mod 2/);
  expect(text).not.toContain("10.1.3.2");
});

test("local policies: the node's own endpoints, or a refusal", () => {
  const local = service({ type: "LoadBalancer", externalTrafficPolicy: "Local" }, ["192.0.2.1"]);
  const w2 = forwardingRules([local], [both], "w2");
  expect(w2).toMatch(/chain service-2 \{\n {2}numgen random mod 1 vmap \{ 0 : goto service-2-0 \}/);
  expect(w2).toMatch(/chain service-2-0 \{\n.*\n {2}meta l4proto tcp dnat ip to 10\.1\.2\.2:8080/);
  const w3 = forwardingRules([local], [both], "w3");
  expect(w3).toMatch(/set ipv4-refused \{\n.*\n {2}elements = \{ 192\.0\.2\.1 \. tcp \. 80 \}/);
});

test("IPv6 beside IPv4", () => {
  const dual = service({ clusterIPs: ["10.96.0.11", "fd00::b"] });
  const text = forwardingRules([dual], [both, slice("IPv6", ["fd01::2", "w1"])], "w1");
  expect(text).toContain("elements = { fd00::b . tcp . 80 : goto service-2 }");
  expect(text).toContain("meta l4proto tcp dnat ip6 to [fd01::2]:8080");
});

test("what comes twice is there once: two services may share an address", () => {
  const other = { ...service({}), metadata: { name: "b", namespace: "default" } };
  const text = forwardingRules([service({}), other], [], "w1");
  expect(text).toContain("elements = { 10.96.0.11 . tcp . 80 }");
});
