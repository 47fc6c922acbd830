/** Each test is named after the rule of Cilium's LB-IPAM that it holds. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Service, serviceKey } from "../service/service.ts";
import { blue, pool, service, World } from "./lb-ipam.testkit.ts";

describe("conflicts", () => {
  const older = pool("older", [{ cidr: "10.0.10.0/24" }], {}, "2026-01-01T00:00:00Z");
  const newer = pool("newer", [{ cidr: "10.0.10.128/25" }], {}, "2026-02-01T00:00:00Z");
  const message =
    "Pool conflicts since range '10.0.10.128 - 10.0.10.255' overlaps range '10.0.10.0 - 10.0.10.255' from IP Pool 'older'";
  test("the newer of two pools that overlap is in conflict, whichever is seen first", () => {
    for (const pools of [
      [older, newer],
      [newer, older],
    ]) {
      const world = new World().put(...pools);
      expect(world.poolCondition("newer", "PoolConflict")).toBe(`True cidr_overlap ${message}`);
      expect(world.poolCondition("older", "PoolConflict")).toBe("False resolved");
    }
  });
  test("nothing new comes out of it, what there is stays; unmarked by itself", () => {
    const world = new World().put(newer, service("a"));
    expect(world.ips("a")).toEqual(["10.0.10.128"]);
    world.put(older);
    expect(world.ips("a")).toEqual(["10.0.10.128"]);
    // Of the older one: what is above the address taken is its smaller free block.
    expect(world.put(service("b")).ips("b")).toEqual(["10.0.10.129"]);
    world.remove("older");
    expect(world.poolCondition("newer", "PoolConflict")).toBe("False resolved");
    expect(world.put(service("c")).ips("c")).toEqual(["10.0.10.130"]);
  });
  test("a pool that overlaps itself", () => {
    const world = new World().put(pool("p", [{ cidr: "10.0.10.0/24" }, { start: "10.0.10.7" }]));
    expect(world.poolCondition("p", "PoolConflict")).toBe(
      "True cidr_overlap Pool conflicts since range '10.0.10.0 - 10.0.10.255' overlaps range '10.0.10.7 - 10.0.10.7' from IP Pool 'p'",
    );
  });
  test("a pool that overlaps itself and an older one: itself is told", () => {
    const blocks = [{ cidr: "10.0.10.0/28" }, { start: "10.0.10.7" }];
    const world = new World().put(older, pool("p", blocks, {}, "2026-02-01T00:00:00Z"));
    expect(world.poolCondition("p", "PoolConflict")).toContain("from IP Pool 'p'");
  });
  test("a pool in conflict is in nobody's way", () => {
    const blocks = [{ cidr: "10.0.10.128/25" }, { cidr: "10.0.11.0/24" }];
    const between = pool("between", blocks, {}, "2026-02-01T00:00:00Z");
    const newest = pool("newest", [{ cidr: "10.0.11.0/24" }], {}, "2026-03-01T00:00:00Z");
    const world = new World().put(older, between, newest);
    expect(world.poolCondition("between", "PoolConflict")).toMatch(/^True/);
    expect(world.poolCondition("newest", "PoolConflict")).toBe("False resolved");
  });
});

test("counts are conditions of status Unknown with reason noreason", () => {
  const world = new World().put(blue, service("a"));
  expect(
    ["IPsTotal", "IPsAvailable", "IPsUsed"].map((type) => world.poolCondition("blue", type)),
  ).toEqual(["Unknown noreason 4", "Unknown noreason 3", "Unknown noreason 1"]);
  expect(world.ipam.counts()).toEqual({
    conflictingPools: 0,
    pools: [{ pool: "blue", total: 4n, available: 3n, used: 1n }],
    servicesMatching: 1,
    servicesUnsatisfied: 0,
  });
});

describe("restart", () => {
  test("existing ingress IPs are taken up before anything new is allocated", () => {
    const first = new World().put(blue, service("a"), service("b"), service("c")).remove("a");
    const second = new World();
    second.ipam.putService(service("new"));
    second.services.set("default/new", service("new"));
    for (const each of first.services.values()) {
      second.services.set(serviceKey(each), each);
      second.ipam.putService(each);
    }
    second.put(first.pools.get("blue")!);
    expect(["b", "c", "new"].flatMap((name) => second.ips(name))).toEqual([
      "10.0.10.1",
      "10.0.10.2",
      "10.0.10.0",
    ]);
    expect(second.written).toEqual(["default/new"]);
  });
  test("of two Services with one address that do not share it, one keeps it", () => {
    const world = new World().put(service("a", { ingress: ["10.0.10.1"] }));
    world.put(service("b", { ingress: ["10.0.10.1"] })).put(blue);
    expect([world.ips("a"), world.ips("b")]).toEqual([["10.0.10.1"], ["10.0.10.0"]]);
  });
});

test("a change of one Service is written for that one alone", () => {
  const wide = pool("p", [{ cidr: "10.0.0.0/16" }]);
  const world = new World().put(wide, ...Array.from({ length: 300 }, (_, n) => service(`s${n}`)));
  world.put(service("s7", { annotations: { "lbipam.cilium.io/ips": "10.0.9.9" } }));
  expect(world.written).toEqual(["default/s7"]);
});

test("whatever happens, no address is two Services' that do not share, and counts are right", () => {
  const name = fc.integer({ min: 0, max: 7 }).map((n) => `s${n}`);
  const change = fc.oneof(
    fc.record({
      do: fc.constant("service" as const),
      name,
      ips: fc.option(fc.integer({ min: 0, max: 9 })),
      key: fc.option(fc.constantFrom("k", "l")),
      port: fc.constantFrom(80, 443),
    }),
    fc.record({ do: fc.constant("remove" as const), name }),
    fc.record({
      do: fc.constant("pool" as const),
      length: fc.constantFrom(29, 30, 31),
      disabled: fc.boolean(),
      no: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
      const world = new World().put(blue);
      let reserved = 0;
      for (const one of changes) {
        if (one.do === "remove") {
          if (world.services.has(`default/${one.name}`)) world.remove(one.name);
        } else if (one.do === "pool") {
          reserved = one.no && one.length < 31 ? 2 : 0;
          const allow = one.no ? ({ allowFirstLastIPs: "No" } as const) : {};
          world.put(
            pool("blue", [{ cidr: `10.0.10.0/${one.length}` }], {
              disabled: one.disabled,
              ...allow,
            }),
          );
        } else {
          const annotations = {
            ...(one.ips !== null && { "lbipam.cilium.io/ips": `10.0.10.${one.ips}` }),
            ...(one.key !== null && { "lbipam.cilium.io/sharing-key": one.key }),
          };
          world.put(service(one.name, { annotations, spec: { ports: [{ port: one.port }] } }));
        }
        const holders = new Map<string, Service[]>();
        for (const each of world.services.values()) {
          for (const ip of world.ips(each.metadata.name)) {
            holders.set(ip!, [...(holders.get(ip!) ?? []), each]);
          }
        }
        for (const sharers of holders.values()) {
          const ports = sharers.map(({ spec }) => spec!.ports![0]!.port);
          expect(new Set(ports).size).toBe(ports.length);
          const keys = sharers.map((s) => s.metadata.annotations!["lbipam.cilium.io/sharing-key"]);
          expect(new Set(keys).size).toBe(1);
        }
        const { pools } = world.ipam.counts();
        const inPool = [...holders.keys()].length;
        // A reserved address may be held from before it was one.
        expect(Number(pools[0]!.used)).toBeLessThanOrEqual(inPool + reserved);
      }
    }),
    { numRuns: 200 },
  );
});
