import { expect, test } from "vitest";
import type { Pod } from "../kinds.ts";
import type { Service } from "../services/service.ts";
import { endpointSlicesOf } from "./endpoint-slices.ts";

function service(spec: Partial<Service["spec"]> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default", uid: "1", labels: { team: "a" } },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }], ...spec },
  };
}

function pod(name: string, ips: string[], more: Partial<Pod["metadata"]> = {}, ready = true): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", uid: name, labels: { app: "web" }, ...more },
    spec: {
      nodeName: "w1",
      containers: [{ name: "main", ports: [{ name: "http", containerPort: 8080 }] }],
    },
    status: {
      phase: "Running",
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  };
}

test("a slice of the pods that the selector matches, with the port of the name", () => {
  const pods = [
    pod("a", ["10.1.1.2"]),
    pod("other", ["10.1.1.3"], { labels: { app: "db" } }),
    pod("no address yet", []),
  ];
  const slices = endpointSlicesOf(service(), pods);
  expect(slices).toEqual([
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "web-ipv4-0",
        namespace: "default",
        labels: {
          team: "a",
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          "kubernetes.io/service-name": "web",
        },
        ownerReferences: [expect.objectContaining({ kind: "Service", uid: "1", controller: true })],
      },
      addressType: "IPv4",
      endpoints: [
        {
          addresses: ["10.1.1.2"],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: "w1",
          targetRef: { kind: "Pod", namespace: "default", name: "a", uid: "a" },
        },
      ],
      ports: [{ name: "", protocol: "TCP", port: 8080 }],
    },
  ]);
});

test("not ready, and ready but on its way out: neither is an active backend", () => {
  const pods = [
    pod("a", ["10.1.1.2"], {}, false),
    pod("b", ["10.1.1.3"], { deletionTimestamp: "2026-11-20T10:00:00Z" }),
  ];
  const conditions = endpointSlicesOf(service(), pods)[0]!.endpoints.map((one) => one.conditions);
  expect(conditions).toEqual([
    { ready: false, serving: false, terminating: false },
    { ready: false, serving: true, terminating: true },
  ]);
  const published = endpointSlicesOf(service({ publishNotReadyAddresses: true }), pods);
  expect(published[0]!.endpoints.every((one) => one.conditions.ready)).toBe(true);
});

test("a slice of each family, for those who have both", () => {
  const both = service({ ipFamilies: ["IPv4", "IPv6"] });
  const slices = endpointSlicesOf(both, [pod("a", ["10.1.1.2", "fd00::2"])]);
  expect(slices.map((one) => [one.addressType, one.endpoints[0]!.addresses])).toEqual([
    ["IPv4", ["10.1.1.2"]],
    ["IPv6", ["fd00::2"]],
  ]);
});

test("pods whose port of the name is another one are in a slice of their own", () => {
  const other = pod("b", ["10.1.1.3"]);
  other.spec.containers[0]!.ports = [{ name: "http", containerPort: 9090 }];
  const slices = endpointSlicesOf(service(), [pod("a", ["10.1.1.2"]), other]);
  expect(slices.map((one) => one.ports[0]!.port)).toEqual([8080, 9090]);
});

test("a hundred endpoints to a slice", () => {
  const pods = Array.from({ length: 250 }, (_, n) => pod(`p${n}`, [`10.1.${n >> 7}.${n & 127}`]));
  const slices = endpointSlicesOf(service(), pods);
  expect(slices.map((one) => one.endpoints.length)).toEqual([100, 100, 50]);
  expect(new Set(slices.map((one) => one.metadata.name)).size).toBe(3);
});

test("without a selector, or with an external name, there is nothing to write", () => {
  const pods = [pod("a", ["10.1.1.2"])];
  expect(endpointSlicesOf(service({ selector: {} }), pods)).toEqual([]);
  expect(endpointSlicesOf(service({ type: "ExternalName" }), pods)).toEqual([]);
});
