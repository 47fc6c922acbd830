/** Each test is named after the rule of Cilium's LB-IPAM that it holds. */
import { describe, expect, test } from "vitest";
import { blue, pool, service, type Spec, World } from "./lb-ipam.testkit.ts";

describe("requested IPs", () => {
  const asking = (name: string, ips: string, more: Parameters<typeof service>[1] = {}) =>
    service(name, { ...more, annotations: { "lbipam.cilium.io/ips": ips, ...more.annotations } });
  test.each(["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"])("by annotation %s", (key) => {
    const annotated = service("a", { annotations: { [key]: "10.0.10.2, 10.0.10.3" } });
    expect(new World().put(blue, annotated).ips("a")).toEqual(["10.0.10.2", "10.0.10.3"]);
  });
  test("by spec.loadBalancerIP", () => {
    const spec = { loadBalancerIP: "10.0.10.3" };
    expect(new World().put(blue, service("a", { spec })).ips("a")).toEqual(["10.0.10.3"]);
  });
  test("one that no pool has", () => {
    const world = new World().put(blue, asking("a", "10.0.10.2,10.9.9.9"));
    expect(world.ips("a")).toEqual(["10.0.10.2"]);
    expect(world.condition("a")).toBe(
      "False no_pool No pool exists with a CIDR containing '10.9.9.9'",
    );
  });
  test("one whose pool does not select the Service", () => {
    const serviceSelector = { matchLabels: { color: "red" } };
    const world = new World().put(pool("p", [{ cidr: "10.0.10.0/24" }], { serviceSelector }));
    world.put(asking("a", "10.0.10.2"));
    expect(world.condition("a")).toBe(
      "False pool_selector_mismatch The pool with the CIDR containing '10.0.10.2', doesn't select this service",
    );
  });
  test("one that is taken, until it is free", () => {
    const world = new World().put(blue, service("a"), asking("b", "10.0.10.0"));
    expect(world.condition("b")).toBe(
      "False already_allocated The IP '10.0.10.0' is already allocated to another service",
    );
    expect(world.remove("a").ips("b")).toEqual(["10.0.10.0"]);
  });
  test.each([{}, { "lbipam.cilium.io/sharing-key": "k" }])(
    "one that is reserved, annotations %j",
    (annotations) => {
      const reserved = pool("p", [{ cidr: "10.0.10.0/24" }], { allowFirstLastIPs: "No" });
      const world = new World().put(reserved, asking("a", "10.0.10.255", { annotations }));
      expect(world.condition("a")).toBe(
        "False already_allocated The IP '10.0.10.255' is already allocated to another service",
      );
    },
  );
  test("of several that cannot be had the last is told", () => {
    const world = new World().put(blue, service("a"), asking("b", "10.0.10.0,10.9.9.9"));
    expect(world.condition("b")).toMatch(/^False no_pool .*'10\.9\.9\.9'$/);
    expect(world.put(asking("b", "10.9.9.9,10.0.10.0")).condition("b")).toMatch(
      /^False already_allocated .*'10\.0\.10\.0'/,
    );
  });
  test("a request that changes: the old address goes, the new one comes", () => {
    const world = new World().put(blue, asking("a", "10.0.10.1"));
    expect(world.put(asking("a", "10.0.10.2")).ips("a")).toEqual(["10.0.10.2"]);
    expect(world.put(asking("b", "10.0.10.1")).ips("b")).toEqual(["10.0.10.1"]);
  });
});

describe("sharing", () => {
  const sharing = (
    name: string,
    of: { key?: string; port?: number; namespace?: string; across?: string; spec?: Spec } = {},
  ) => {
    const { key = "k", port = 80, namespace = "default", across, spec } = of;
    return service(name, {
      namespace,
      spec: { ports: [{ port }], ...spec },
      annotations: {
        "lbipam.cilium.io/sharing-key": key,
        ...(across !== undefined && { "lbipam.cilium.io/sharing-cross-namespace": across }),
      },
    });
  };
  test("the same key and other ports: one address", () => {
    const world = new World().put(blue, sharing("a"), sharing("b", { port: 443 }));
    expect([world.ips("a"), world.ips("b")]).toEqual([["10.0.10.0"], ["10.0.10.0"]]);
    expect(world.poolCondition("blue", "IPsUsed")).toBe("Unknown noreason 1");
    world.remove("a");
    expect(world.ips("b")).toEqual(["10.0.10.0"]);
    world.remove("b");
    expect(world.poolCondition("blue", "IPsUsed")).toBe("Unknown noreason 0");
  });
  test("the other spelling of the annotations", () => {
    const annotations = {
      "io.cilium/lb-ipam-sharing-key": "k",
      "io.cilium/lb-ipam-sharing-cross-namespace": "*",
    };
    const other = service("b", {
      spec: { ports: [{ port: 443 }] },
      annotations,
      namespace: "shop",
    });
    const world = new World().put(blue, sharing("a", { across: "shop" }), other);
    expect(world.ips("b", "shop")).toEqual(["10.0.10.0"]);
  });
  test("the same port and protocol: another address is added to the key's set", () => {
    const world = new World().put(blue, sharing("a"), sharing("b"), sharing("c", { port: 443 }));
    expect(["a", "b", "c"].flatMap((name) => world.ips(name))).toEqual([
      "10.0.10.0",
      "10.0.10.1",
      "10.0.10.0",
    ]);
    const udp = { ports: [{ port: 80, protocol: "UDP" }] };
    expect(world.put(sharing("d", { spec: udp })).ips("d")).toEqual(["10.0.10.0"]);
  });
  test.each([
    ["another key", { key: "other" }],
    ["another externalTrafficPolicy", { spec: { externalTrafficPolicy: "Local" } }],
    ["another namespace", { namespace: "shop" }],
    ["another namespace that is permitted by one side only", { namespace: "shop", across: "*" }],
  ] as [string, Parameters<typeof sharing>[1]][])("not with %s", (_, of) => {
    const world = new World().put(blue, sharing("a"), sharing("b", { port: 443, ...of }));
    expect(world.ips("b", of?.namespace)).toEqual(["10.0.10.1"]);
  });
  test("across namespaces where both permit it", () => {
    const world = new World().put(
      blue,
      sharing("a", { across: "shop" }),
      sharing("b", { port: 443, namespace: "shop", across: "default,other" }),
    );
    expect(world.ips("b", "shop")).toEqual(["10.0.10.0"]);
  });
  test("with externalTrafficPolicy Local the selectors must be there and be equal", () => {
    const local = (selector: Record<string, string>, port: number) => ({
      port,
      spec: { externalTrafficPolicy: "Local", selector, ports: [{ port }] },
    });
    const world = new World().put(
      blue,
      sharing("a", local({ app: "x" }, 80)),
      sharing("b", local({ app: "x" }, 81)),
      sharing("c", local({ app: "y" }, 82)),
      sharing("d", local({}, 83)),
    );
    expect(["a", "b", "c", "d"].flatMap((name) => world.ips(name))).toEqual([
      "10.0.10.0",
      "10.0.10.0",
      "10.0.10.1",
      "10.0.10.2",
    ]);
  });
  test.each([
    ["another key", { key: "other", port: 81 }, "different sharing key"],
    ["another namespace", { namespace: "shop", port: 81 }, "different and not permitted namespace"],
    ["the same port", {}, "same port and protocol"],
    [
      "another traffic policy",
      { port: 81, spec: { externalTrafficPolicy: "Local", ports: [{ port: 81 }] } },
      "different ExternalTrafficPolicy",
    ],
  ])("a requested address of an incompatible Service: %s", (_, of, why) => {
    const asking = sharing("b", of);
    asking.metadata.annotations!["lbipam.cilium.io/ips"] = "10.0.10.0";
    const world = new World().put(blue, sharing("a"), asking);
    expect(world.condition("b", asking.metadata.namespace)).toBe(
      `False already_allocated_incompatible_service The IP '10.0.10.0' is already allocated to an incompatible service. Reason: ${why}`,
    );
  });
  test("a requested address of an incompatible Service: other pods behind the policy Local", () => {
    const local = (name: string, port: number) =>
      sharing(name, {
        spec: { externalTrafficPolicy: "Local", selector: { app: name }, ports: [{ port }] },
      });
    const asking = local("b", 81);
    asking.metadata.annotations!["lbipam.cilium.io/ips"] = "10.0.10.0";
    const world = new World().put(blue, local("a", 80), asking);
    expect(world.condition("b")).toMatch(
      /Reason: compatible ExternalTrafficPolicy local but selecting different set of pods$/,
    );
  });
  test("a requested address of a Service that shares with nobody", () => {
    const asking = sharing("b", { port: 81 });
    asking.metadata.annotations!["lbipam.cilium.io/ips"] = "10.0.10.0";
    const world = new World().put(blue, service("a"), asking);
    expect(world.condition("b")).toMatch(/Reason: different sharing key$/);
  });
  test("a Service that becomes incompatible goes to another address", () => {
    const world = new World().put(blue, sharing("a"), sharing("b", { port: 443 }));
    expect(world.put(sharing("b")).ips("b")).toEqual(["10.0.10.1"]);
    expect(world.ips("a")).toEqual(["10.0.10.0"]);
  });
});
