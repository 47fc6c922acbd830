import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import type { PathAttributes } from "../wire/message.ts";
import { ipv4Unicast } from "../wire/registry.ts";
import { AdjRibIn } from "./adj-rib-in.ts";
import { AdjRibOut } from "./adj-rib-out.ts";
import { AttributePool } from "./attribute-pool.ts";
import { whyIneligible } from "./import.ts";
import { LocRib } from "./loc-rib.ts";
import { ownPath } from "./path.ts";
import { learned, p, sequence } from "./rib.testkit.ts";

const [one, two, three] = [p("10.1.0.0/16"), p("10.2.0.0/16"), p("10.3.0.0/16")];

describe("AdjRibIn", () => {
  it("counts eligible routes through replacing, withdrawing and clearing", () => {
    const rib = new AdjRibIn();
    const good = learned("a");
    const loop = learned("a", { ineligible: "loop" });
    expect(rib.announce(one, good)).toBe(true);
    expect(rib.announce(one, good)).toBe(false);
    expect(rib.announce(two, loop)).toBe(true);
    expect([rib.size, rib.eligible]).toEqual([2, 1]);
    rib.announce(one, loop);
    expect([rib.size, rib.eligible]).toEqual([2, 0]);
    rib.announce(two, good);
    expect(rib.withdraw(one)).toBe(true);
    expect(rib.withdraw(one)).toBe(false);
    expect([rib.size, rib.eligible]).toEqual([1, 1]);
    expect(rib.clear()).toEqual([two]);
    expect([rib.size, rib.eligible]).toEqual([0, 0]);
  });

  it("sweeps what was marked stale and not announced again", () => {
    const rib = new AdjRibIn();
    const path = learned("a");
    for (const prefix of [one, two, three]) rib.announce(prefix, path);
    rib.markStale();
    expect(rib.stale).toBe(3);
    rib.announce(one, path);
    rib.withdraw(two);
    expect([rib.isStale(one), rib.isStale(three)]).toEqual([false, true]);
    expect(rib.sweepStale()).toEqual([three]);
    expect([...rib.entries()]).toEqual([[one, path]]);
    expect(rib.sweepStale()).toEqual([]);
  });
});

describe("LocRib", () => {
  it("reports a prefix as changed only when its best path is another", () => {
    const rib = new LocRib();
    const better = learned("a", { localPref: 200 });
    const worse = learned("b");
    rib.replace(one, "a", better);
    expect([...rib.takeChanged()]).toEqual([one]);
    rib.replace(one, "b", worse);
    rib.replace(one, "b", undefined);
    rib.replace(two, "b", undefined);
    expect([...rib.takeChanged()]).toEqual([]);
    rib.replace(one, "b", worse);
    rib.replace(one, "a", undefined);
    expect([...rib.takeChanged()]).toEqual([one]);
    expect(rib.best(one)).toBe(worse);
    rib.replace(one, undefined, ownPath);
    expect(rib.best(one)).toBe(ownPath);
    expect(rib.candidates(one)).toEqual([worse, ownPath]);
    rib.replace(one, undefined, undefined);
    rib.replace(one, "b", undefined);
    expect([rib.best(one), rib.candidates(one), [...rib.prefixes()]]).toEqual([undefined, [], []]);
  });

  it("replaces a peer's path, whatever session it came over", () => {
    const rib = new LocRib();
    rib.replace(one, "a", learned("a", { identifier: "10.0.0.8" }));
    const again = learned("a", { identifier: "10.0.0.9" });
    rib.replace(one, "a", again);
    expect(rib.candidates(one)).toEqual([again]);
  });
});

describe("AdjRibOut", () => {
  const pool = new AttributePool();
  const set = (asn: number) =>
    pool.intern({ origin: "igp", asPath: sequence(asn) }, address("10.0.0.1"));

  it("sends the difference, one UPDATE for each attribute set, withdrawals first", () => {
    const rib = new AdjRibOut(ipv4Unicast);
    const first = rib.update([one, two, three], (prefix) => [
      { set: set(prefix === three ? 2 : 1) },
    ]);
    expect(first.map(({ announced }) => announced[0]!.prefixes)).toEqual([[one, two], [three]]);
    expect(rib.size).toBe(3);

    expect(
      rib.update([one, two, three], (prefix) => [{ set: set(prefix === three ? 2 : 1) }]),
    ).toEqual([]);

    const next = rib.update([one, two], (prefix) => (prefix === one ? [] : [{ set: set(2) }]));
    expect(next).toEqual([
      {
        type: "UPDATE",
        withdrawn: [{ family: ipv4Unicast, prefixes: [one] }],
        attributes: undefined,
        announced: [],
      },
      {
        type: "UPDATE",
        withdrawn: [],
        attributes: set(2).attributes,
        announced: [{ family: ipv4Unicast, nextHop: "10.0.0.1", prefixes: [two] }],
      },
    ]);
    expect([...rib.entries()]).toEqual([
      [two, set(2)],
      [three, set(2)],
    ]);
  });

  it("with numbered paths (RFC 7911) withdraws and sends each by its identifier", () => {
    const rib = new AdjRibOut(ipv4Unicast, true);
    const wanted = (...ids: number[]) => ids.map((pathId) => ({ pathId, set: set(pathId) }));
    rib.update([one], () => wanted(1, 2));
    rib.update([two], () => wanted(1));
    expect(rib.size).toBe(3);
    expect(rib.everything().map(({ announced }) => announced[0])).toMatchObject([
      { prefixes: [one, two], pathIds: [1, 1] },
      { prefixes: [one], pathIds: [2] },
    ]);
    const next = rib.update([one, two], (prefix) => (prefix === one ? wanted(2, 3) : []));
    expect(next.map(({ withdrawn, announced }) => [withdrawn[0], announced[0]])).toMatchObject([
      [{ prefixes: [one, two], pathIds: [1, 1] }, undefined],
      [undefined, { prefixes: [one], pathIds: [3] }],
    ]);
    expect(rib.update([one], () => [])[0]!.withdrawn).toEqual([
      { family: ipv4Unicast, prefixes: [one, one], pathIds: [2, 3] },
    ]);
    expect(rib.size).toBe(0);
  });

  it("sends everything again in as few UPDATEs", () => {
    const rib = new AdjRibOut(ipv4Unicast);
    rib.update([one], () => [{ set: set(1) }]);
    rib.update([two], () => [{ set: set(1) }]);
    expect(rib.everything().map(({ announced }) => announced[0]!.prefixes)).toEqual([[one, two]]);
  });
});

describe("AttributePool", () => {
  const asn = fc.integer({ min: 1, max: 2 });
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 2, max: 1 });
  const attributes: fc.Arbitrary<PathAttributes> = fc.record(
    {
      origin: fc.constantFrom("igp", "egp"),
      asPath: fc.array(
        fc.record({
          kind: fc.constantFrom("sequence", "set"),
          asns: fc.array(asn, { minLength: 1, maxLength: 2 }),
        }),
        { maxLength: 2 },
      ),
      med: asn,
      localPref: asn,
      atomicAggregate: fc.constant(true),
      aggregator: fc.record({ asn, address: fc.constant(address("1.1.1.1")) }),
      communities: fc.array(asn, { maxLength: 2 }),
      originatorId: fc.constantFrom(address("1.1.1.1"), address("2.2.2.2")),
      clusterList: fc.array(fc.constant(address("1.1.1.1")), { maxLength: 2 }),
      extendedCommunities: fc.array(bytes, { maxLength: 2 }),
      largeCommunities: fc.array(fc.tuple(asn, asn, asn), { maxLength: 2 }),
      unknown: fc.array(fc.record({ flags: asn, code: asn, value: bytes }), { maxLength: 2 }),
    },
    { requiredKeys: ["origin", "asPath"], noNullPrototype: true },
  );

  it("gives one object for equal values and another for others", () => {
    const nextHop = fc.constantFrom(address("10.0.0.1"), undefined);
    fc.assert(
      fc.property(attributes, attributes, nextHop, nextHop, (a, b, hopA, hopB) => {
        const pool = new AttributePool();
        const isEqual = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b)) && hopA === hopB;
        const set = pool.intern(a, hopA);
        expect(pool.intern(structuredClone(a), hopA)).toBe(set);
        expect(pool.intern(b, hopB) === set).toBe(isEqual);
      }),
      { numRuns: 500 },
    );
  });
});

describe("import", () => {
  const local = {
    asns: [65000],
    allowAsIn: 0,
    routerId: address("1.1.1.1"),
    clusterId: address("4.4.4.4"),
    address: address("10.0.0.1"),
    role: undefined,
    peerAsn: 65001,
  };

  it.each([
    [{ asPath: sequence(65001, 65000, 65002) }, /AS 65000 is already/],
    [{ asPath: [{ kind: "set" as const, asns: [3, 65000] }] }, /AS 65000 is already/],
    [{ nextHop: "10.0.0.1" }, /next hop 10.0.0.1/],
    [{ originatorId: address("1.1.1.1") }, /ORIGINATOR_ID/],
    [{ clusterList: [address("2.2.2.2"), address("4.4.4.4")] }, /CLUSTER_LIST/],
  ])("keeps out of the decision: %o", (of, reason) => {
    expect(whyIneligible(learned("a", of).set, local)).toMatch(reason);
  });

  it("lets every other path be looked at", () => {
    expect(whyIneligible(learned("a").set, local)).toBeUndefined();
  });

  it("lets our own AS be in the path as often as allowed, and no oftener", () => {
    const { set } = learned("a", { asPath: sequence(65001, 65000, 65000) });
    expect(whyIneligible(set, { ...local, allowAsIn: 1 })).toMatch(/AS 65000/);
    expect(whyIneligible(set, { ...local, allowAsIn: 2 })).toBeUndefined();
  });
});

function sorted(of: PathAttributes) {
  return Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
}
