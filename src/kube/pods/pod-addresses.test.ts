import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prefix, prefixContains } from "../../net/prefix.ts";
import { PodAddresses, podCidrRange } from "./pod-addresses.ts";

describe("pod addresses", () => {
  test("begin after the gateway, one a family, and fill gaps", () => {
    const of = new PodAddresses();
    const cidrs = [prefix("10.1.1.0/24"), prefix("fd00:1::/64")];
    expect(of.allocate("a", cidrs.map(podCidrRange))).toEqual(["10.1.1.2", "fd00:1::2"]);
    expect(of.allocate("b", cidrs.map(podCidrRange))).toEqual(["10.1.1.3", "fd00:1::3"]);
    of.free("a");
    expect(of.allocate("c", cidrs.map(podCidrRange))).toEqual(["10.1.1.2", "fd00:1::2"]);
    expect(of.allocate("d", [prefix("10.1.2.0/24")].map(podCidrRange))).toEqual(["10.1.2.2"]);
  });

  test.each([
    ["10.0.0.0/29", 5],
    ["10.0.0.0/30", 1],
    ["10.0.0.0/31", 0],
    ["10.0.0.0/32", 0],
    ["fd00::/126", 2],
    ["fd00::/128", 0],
  ])("%s has room for %i pods", (cidr, room) => {
    const of = new PodAddresses();
    for (let i = 0; i < room; i++)
      expect(of.allocate(`p${i}`, [prefix(cidr)].map(podCidrRange))).toHaveLength(1);
    expect(of.allocate("more", [prefix(cidr)].map(podCidrRange))).toEqual({ exhausted: cidr });
  });

  test("a podCIDR that is full takes nothing of the other", () => {
    const of = new PodAddresses();
    const full = prefix("10.0.0.0/32");
    const other = prefix("fd00::/64");
    expect(of.allocate("a", [other, full].map(podCidrRange))).toEqual({ exhausted: full });
    expect(of.allocate("b", [other].map(podCidrRange))).toEqual(["fd00::2"]);
  });

  test("are never given twice, and always of the podCIDR", () => {
    const cidr = prefix("10.9.0.0/28");
    const room = 13;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 20 }))), (steps) => {
        const of = new PodAddresses();
        const held = new Map<string, string>();
        return steps.every(([take, n]) => {
          const pod = `p${n}`;
          if (!take || held.has(pod)) {
            of.free(pod);
            held.delete(pod);
            return true;
          }
          const got = of.allocate(pod, [cidr].map(podCidrRange));
          if (!Array.isArray(got)) return held.size === room;
          const fresh = ![...held.values()].includes(got[0]!) && prefixContains(cidr, got[0]!);
          held.set(pod, got[0]!);
          return fresh && held.size <= room;
        });
      }),
    );
  });
});
