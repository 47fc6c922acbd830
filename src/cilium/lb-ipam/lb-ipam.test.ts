/** Each test is named after the rule of Cilium's LB-IPAM that it holds. */
import { describe, expect, test } from "vitest";
import { blue, pool, service, World } from "./lb-ipam.testkit.ts";

describe("what LB-IPAM is responsible for", () => {
  test("dormant until the first pool", () => {
    const world = new World().put(service("a"));
    expect([world.ips("a"), world.condition("a")]).toEqual([[], undefined]);
    world.put(blue);
    expect([world.ips("a"), world.condition("a")]).toEqual([["10.0.10.0"], "True satisfied"]);
  });
  test("dormant again without pools, when the last has taken its addresses along", () => {
    const world = new World().put(blue, service("a")).remove("blue");
    expect([world.ips("a"), world.condition("a")]).toEqual([
      [],
      "False no_pool There are no enabled CiliumLoadBalancerIPPools that match this service",
    ]);
    expect(world.put(service("b")).condition("b")).toBeUndefined();
    world.put(blue);
    expect([world.ips("a"), world.ips("b")]).toEqual([["10.0.10.0"], ["10.0.10.1"]]);
  });
  test.each([
    [undefined, true, true],
    [undefined, false, false],
    ["io.cilium/bgp-control-plane", false, true],
    ["io.cilium/l2-announcer", true, false],
  ])("class %s, default-lb-service-ipam lbipam: %s", (loadBalancerClass, withoutClass, ours) => {
    const spec = loadBalancerClass === undefined ? {} : { loadBalancerClass };
    const world = new World({ withoutClass }).put(blue, service("a", { spec }));
    expect(world.ips("a")).toEqual(ours ? ["10.0.10.0"] : []);
  });
  test("a class that leaves the set: ingress cleared, condition removed", () => {
    const world = new World().put(blue, service("a"), service("b"));
    world.put(service("a", { spec: { loadBalancerClass: "example.com/other" } }));
    expect([world.ips("a"), world.condition("a")]).toEqual([[], undefined]);
    expect(world.put(service("c")).ips("c")).toEqual(["10.0.10.0"]);
  });
  test("the ingress of another load balancer's Service is left alone", () => {
    const other = service("a", {
      spec: { loadBalancerClass: "example.com/other" },
      ingress: ["203.0.113.1"],
    });
    const world = new World().put(blue, other);
    expect(world.ips("a")).toEqual(["203.0.113.1"]);
    expect(world.written).toEqual([]);
  });
});

describe("blocks", () => {
  test("a cidr from first to last, both included, ascending; then out of IPs", () => {
    const world = new World().put(blue, ...["a", "b", "c", "d", "e"].map((name) => service(name)));
    expect(["a", "b", "c", "d"].flatMap((name) => world.ips(name))).toEqual([
      "10.0.10.0",
      "10.0.10.1",
      "10.0.10.2",
      "10.0.10.3",
    ]);
    expect(world.ips("e")).toEqual([]);
    expect(world.condition("e")).toBe(
      "False out_of_ips All enabled CiliumLoadBalancerIPPools that match this service ran out of allocatable IPs",
    );
    world.remove("b");
    expect([world.ips("e"), world.condition("e")]).toEqual([["10.0.10.1"], "True satisfied"]);
  });
  test("start and stop; stop left out is one address; ranges in the order of the spec", () => {
    const blocks = [{ start: "10.0.20.5" }, { start: "10.0.10.9", stop: "10.0.10.10" }];
    const world = new World().put(pool("p", blocks), service("a"), service("b"), service("c"));
    expect(["a", "b", "c"].flatMap((name) => world.ips(name))).toEqual([
      "10.0.20.5",
      "10.0.10.9",
      "10.0.10.10",
    ]);
  });
  test("allowFirstLastIPs No reserves the first and the last of a cidr", () => {
    const reserved = pool("p", [{ cidr: "10.0.10.0/30" }], { allowFirstLastIPs: "No" });
    const world = new World().put(reserved, service("a"), service("b"), service("c"));
    expect(["a", "b", "c"].flatMap((name) => world.ips(name))).toEqual(["10.0.10.1", "10.0.10.2"]);
  });
  test("what is reserved is counted as used", () => {
    const world = new World().put(
      pool("p", [{ cidr: "10.0.10.0/24" }], { allowFirstLastIPs: "No" }),
      service("a"),
    );
    expect(
      ["IPsTotal", "IPsAvailable", "IPsUsed"].map((type) => world.poolCondition("p", type)),
    ).toEqual(["Unknown noreason 256", "Unknown noreason 253", "Unknown noreason 3"]);
  });
  test.each([
    [[{ cidr: "10.0.10.0/31" }], "IPv4", "10.0.10.0"],
    [[{ cidr: "10.0.10.7/32" }], "IPv4", "10.0.10.7"],
    [[{ cidr: "fd00::/127" }], "IPv6", "fd00::"],
    [[{ start: "10.0.10.0", stop: "10.0.10.255" }], "IPv4", "10.0.10.0"],
  ])("but not of /31, /32, /127, /128 and of start and stop: %j", (blocks, family, first) => {
    const world = new World().put(pool("p", blocks, { allowFirstLastIPs: "No" }));
    world.put(service("a", { spec: { ipFamilies: [family] } }));
    expect(world.ips("a")).toEqual([first]);
  });
  test("No turned on later does not revoke", () => {
    const world = new World().put(blue, service("a"));
    world.put(pool("blue", [{ cidr: "10.0.10.0/30" }], { allowFirstLastIPs: "No" }));
    expect(world.ips("a")).toEqual(["10.0.10.0"]);
    world.remove("a").put(service("b"));
    expect(world.ips("b")).toEqual(["10.0.10.1"]);
  });
  test("the smallest free block first: an address given back is given out again", () => {
    const wide = pool("p", [{ cidr: "10.0.10.0/24" }]);
    const world = new World().put(wide, service("a"), service("b"), service("c"));
    world.remove("b");
    expect(world.put(service("d")).ips("d")).toEqual(["10.0.10.1"]);
    expect(world.put(service("e")).ips("e")).toEqual(["10.0.10.3"]);
  });
  test("what is wrong with a block is told, and the others are used", () => {
    const blocks = [
      { start: "10.0.10.9", stop: "10.0.10.1" },
      { cidr: "10.0.0.0/8", start: "10.0.0.1" },
      {},
      { start: "10.0.30.1", stop: "fd00::1" },
      { start: "10.0.30.1" },
    ];
    const world = new World().put(pool("p", blocks), service("a"));
    expect(world.ips("a")).toEqual(["10.0.30.1"]);
    expect(world.problems).toEqual([
      "CiliumLoadBalancerIPPool p: spec.blocks[0]: stop 10.0.10.1 is before start 10.0.10.9",
      "CiliumLoadBalancerIPPool p: spec.blocks[1]: has a cidr and a start or stop: give one",
      "CiliumLoadBalancerIPPool p: spec.blocks[2]: has neither a cidr nor a start",
      "CiliumLoadBalancerIPPool p: spec.blocks[3]: start 10.0.30.1 and stop fd00::1 are of two families",
    ]);
  });
});

describe("selector", () => {
  const red = pool("red", [{ cidr: "10.0.20.0/24" }], {
    serviceSelector: { matchLabels: { color: "red" } },
  });
  test("a pool gives to the Services it selects", () => {
    const world = new World().put(red, service("a"), service("b", { labels: { color: "red" } }));
    expect(world.ips("b")).toEqual(["10.0.20.0"]);
    expect(world.condition("a")).toBe(
      "False no_pool There are no enabled CiliumLoadBalancerIPPools that match this service",
    );
  });
  test("by name and namespace too", () => {
    const serviceSelector = { matchLabels: { "io.kubernetes.service.namespace": "shop" } };
    const shop = pool("shop", [{ cidr: "10.0.30.0/24" }], { serviceSelector });
    const world = new World().put(shop, service("a", { namespace: "shop" }), service("a"));
    expect([world.ips("a", "shop"), world.ips("a")]).toEqual([["10.0.30.0"], []]);
  });
  test("a selector that changes: the address goes, and another comes of a pool that matches", () => {
    const world = new World().put(red, service("a", { labels: { color: "red" } }));
    world.put(blue);
    world.put(
      pool("red", [{ cidr: "10.0.20.0/24" }], {
        serviceSelector: { matchLabels: { color: "no" } },
      }),
    );
    expect(world.ips("a")).toEqual(["10.0.10.0"]);
  });
  test("a range that is removed takes its addresses with it", () => {
    const world = new World().put(pool("p", [{ cidr: "10.0.20.0/24" }]), service("a"));
    world.put(pool("p", [{ cidr: "10.0.40.0/24" }]));
    expect(world.ips("a")).toEqual(["10.0.40.0"]);
  });
});

describe("disabled", () => {
  const disabled = pool("blue", [{ cidr: "10.0.10.0/30" }], { disabled: true });
  test("nothing new is allocated, and what there is stays", () => {
    const world = new World().put(blue, service("a")).put(disabled, service("b"));
    expect([world.ips("a"), world.ips("b")]).toEqual([["10.0.10.0"], []]);
    expect(world.condition("b")).toMatch(/^False no_pool/);
    expect(world.put(blue).ips("b")).toEqual(["10.0.10.1"]);
  });
});

describe("families", () => {
  const dual = pool("dual", [{ cidr: "10.0.10.0/24" }, { cidr: "fd00:10::/112" }]);
  const both = ["10.0.10.0", "fd00:10::"];
  test.each([
    [{ ipFamilies: ["IPv6", "IPv4"] }, ["fd00:10::"]],
    [{ ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"] }, ["10.0.10.0"]],
    [{ ipFamilies: [] }, ["10.0.10.0"]],
    [{ ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4"] }, ["10.0.10.0"]],
    [{ ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4", "IPv6"] }, both],
    [{ ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv4"] }, both],
  ])("%j", (spec, ips) => {
    expect(new World().put(dual, service("a", { spec })).ips("a")).toEqual(ips);
  });
  test("only families that are enabled", () => {
    const spec = { ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4", "IPv6"] };
    expect(new World({ families: ["ipv4"] }).put(dual, service("a", { spec })).ips("a")).toEqual([
      "10.0.10.0",
    ]);
    const none = service("a", { spec: { ipFamilies: [] } });
    expect(new World({ families: ["ipv6"] }).put(dual, none).ips("a")).toEqual(["fd00:10::"]);
  });
  test("one family is there and the other is not: what there is, and the condition", () => {
    const spec = { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv4", "IPv6"] };
    const world = new World().put(blue, service("a", { spec }));
    // No pool has addresses of the other, which is not the same as all of them used up.
    expect([world.ips("a"), world.condition("a")]).toEqual([
      ["10.0.10.0"],
      "False no_pool There are no enabled CiliumLoadBalancerIPPools that match this service",
    ]);
  });
});
