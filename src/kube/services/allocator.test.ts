import { beforeEach, describe, expect, test } from "vitest";
import { prefix } from "../../net/prefix.ts";
import { ManualClock } from "../manual-clock.ts";
import { ApiError } from "../server/api-error.ts";
import { builtInResources } from "../server/built-in-resources.ts";
import { KubeApi } from "../server/kube-api.ts";
import type { Service } from "./service.ts";

let api: KubeApi;
beforeEach(() => {
  api = apiWith("10.96.0.0/28", "fd00:10:96::/112");
});

function apiWith(...subnets: string[]): KubeApi {
  const clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
  return new KubeApi({
    resources: builtInResources,
    clock,
    serviceSubnets: subnets.map(prefix),
  });
}

const port = { port: 80, protocol: "TCP" as const };

function create(name: string, spec: Partial<Service["spec"]> = {}): Service["spec"] {
  const object = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { ports: [{ ...port }], ...spec },
  };
  return (api.create("services", object) as Service).spec;
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("cluster IPs", () => {
  test("the lowest that is free, and free again when its service goes", () => {
    expect(create("a").clusterIP).toBe("10.96.0.11");
    expect(create("b").clusterIPs).toEqual(["10.96.0.12"]);
    api.delete("services", { namespace: "default", name: "a" });
    expect(create("c")).toMatchObject({
      clusterIP: "10.96.0.11",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
    });
  });

  test("one that is asked for: in the range, and nobody else's", () => {
    expect(create("a", { clusterIP: "10.96.0.3" }).clusterIPs).toEqual(["10.96.0.3"]);
    const taken = refusal(() => create("b", { clusterIP: "10.96.0.3" }));
    expect(taken).toContain("spec.clusterIPs[0]");
    expect(taken).toContain("provided IP is already allocated");
    const outside = refusal(() => create("b", { clusterIP: "192.0.2.1" }));
    expect(outside).toContain("The range of valid IPs is 10.96.0.0/28, fd00:10:96::/112");
    expect(refusal(() => create("b", { clusterIP: "x" }))).toContain("must be a valid IP address");
    // What was refused has taken nothing.
    expect(create("b").clusterIP).toBe("10.96.0.11");
  });

  test("both families where they are wanted; one family only in a cluster of one", () => {
    expect(create("a", { ipFamilyPolicy: "PreferDualStack" }).clusterIPs).toEqual([
      "10.96.0.11",
      "fd00:10:96::b",
    ]);
    expect(create("b", { ipFamilies: ["IPv6"] }).clusterIPs).toEqual(["fd00:10:96::c"]);
    api = apiWith("10.96.0.0/28");
    expect(create("a", { ipFamilyPolicy: "PreferDualStack" }).clusterIPs).toEqual(["10.96.0.11"]);
    const wrong = refusal(() => create("b", { ipFamilies: ["IPv6"] }));
    expect(wrong).toContain("not configured on this cluster");
  });

  test("none for a headless service, and none for an external name", () => {
    expect(create("a", { clusterIP: "None" }).clusterIPs).toEqual(["None"]);
    expect(create("b", { type: "ExternalName" }).clusterIP).toBeUndefined();
  });

  test("a full range is told", () => {
    for (const name of ["a", "b", "c", "d"]) create(name);
    expect(refusal(() => create("e"))).toContain("no address of 10.96.0.0/28 is free");
  });

  test("an update that says nothing of them leaves them", () => {
    const before = create("a", { type: "NodePort" });
    const given = { ports: [{ ...port }, { ...port, name: "x", port: 81 }] };
    const patch = { spec: { ...given, ports: [{ ...port, name: "w" }, given.ports[1]] } };
    const at = { namespace: "default", name: "a" };
    const { spec } = api.patch("services", at, patch, "merge") as Service;
    expect(spec.clusterIP).toBe(before.clusterIP);
    expect(spec.ports!.map(({ nodePort }) => nodePort)).toEqual([30000, 30001]);
  });
});

test("node ports: given out, as asked for, never twice, TCP and UDP apart", () => {
  api = apiWith("10.96.0.0/24");
  expect(create("a", { type: "LoadBalancer" }).ports![0]!.nodePort).toBe(30000);
  expect(
    create("b", { type: "NodePort", ports: [{ ...port, nodePort: 30001 }] }).ports![0]!.nodePort,
  ).toBe(30001);
  expect(create("c", { type: "NodePort" }).ports![0]!.nodePort).toBe(30002);
  expect(
    create("d", { type: "NodePort", ports: [{ port: 53, protocol: "UDP" }] }).ports![0]!.nodePort,
  ).toBe(30000);
  const ports = [{ ...port, nodePort: 30001 }];
  expect(refusal(() => create("e", { type: "NodePort", ports }))).toContain(
    "provided port is already allocated",
  );
  expect(
    refusal(() => create("e", { type: "NodePort", ports: [{ ...port, nodePort: 80 }] })),
  ).toContain("The range of valid ports is 30000-32767");
  expect(
    create("f", { type: "LoadBalancer", allocateLoadBalancerNodePorts: false }).ports![0]!.nodePort,
  ).toBeUndefined();
});
