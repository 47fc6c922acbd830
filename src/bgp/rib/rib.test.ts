import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import type { PathAttributes } from "../wire/message.ts";
import { AdjRibIn } from "./adj-rib-in.ts";
import { AttributePool } from "./attribute-pool.ts";
import { type LocalSide, whyIneligible } from "./import.ts";
import { LocRib } from "./loc-rib.ts";
import { ownPath } from "./path.ts";
import { PrefixTable } from "./prefix-table.ts";
import { learned, p, sequence } from "./rib.testkit.ts";

const [one, two, three] = [p("10.1.0.0/16"), p("10.2.0.0/16"), p("10.3.0.0/16")];

describe("AdjRibIn", () => {
  const tables = () => {
    const prefixes = new PrefixTable("ipv4");
    const [id1, id2, id3] = [one, two, three].map((prefix) => prefixes.addPrefix(prefix));
    return { prefixes, rib: new AdjRibIn(prefixes), id1: id1!, id2: id2!, id3: id3! };
  };

  it("counts eligible routes through replacing and withdrawing", () => {
    const { rib, id1, id2 } = tables();
    const good = learned("a");
    const loop = learned("a", { ineligible: "loop" });
    expect(rib.announce(id1, good)).toBe(true);
    expect(rib.announce(id1, good)).toBe(false);
    expect(rib.announce(id1, { ...good })).toBe(false);
    expect(rib.announce(id2, loop)).toBe(true);
    expect([rib.size, rib.eligible]).toEqual([2, 1]);
    rib.announce(id1, loop);
    expect([rib.size, rib.eligible]).toEqual([2, 0]);
    rib.announce(id2, good);
    expect(rib.withdraw(id1, undefined)).toBe(true);
    expect(rib.withdraw(id1, undefined)).toBe(false);
    expect([rib.size, rib.eligible]).toEqual([1, 1]);
  });

  it.each([[undefined], [7]])(
    "tells what was marked stale and not announced again: %s",
    (pathId) => {
      const { rib, id1, id2, id3 } = tables();
      const path = { ...learned("a"), ...(pathId !== undefined && { pathId }) };
      for (const id of [id1, id2, id3]) rib.announce(id, path);
      rib.markStale();
      expect(rib.stale).toBe(3);
      rib.announce(id1, path);
      rib.withdraw(id2, pathId);
      expect(rib.entries().map(({ prefix, isStale }) => [prefix, isStale])).toEqual([
        [one, false],
        [three, true],
      ]);
      const stale: number[] = [];
      rib.forEachStale((_, id) => stale.push(id));
      expect(stale).toEqual([id3]);
      const marked = { ...path, set: learned("a", { communities: [1] }).set };
      rib.replaceStale(id3, marked);
      expect([rib.stale, rib.size, rib.pathsTo(three)]).toEqual([1, 2, [marked]]);
      rib.withdraw(id3, pathId);
      expect([rib.stale, rib.size]).toEqual([0, 1]);
    },
  );

  it("keeps its prefixes, and lets go of them", () => {
    const { prefixes, rib, id1 } = tables();
    rib.announce(id1, { ...learned("a"), pathId: 1 });
    rib.announce(id1, { ...learned("a"), pathId: 2 });
    rib.withdraw(id1, 1);
    prefixes.sweep();
    expect([prefixes.findPrefix(one), prefixes.findPrefix(two)]).toEqual([id1, -1]);
    rib.withdraw(id1, 2);
    prefixes.sweep();
    expect(prefixes.size).toBe(0);
  });
});

describe("LocRib", () => {
  const prefixes = new PrefixTable("ipv4");
  const [id1, id2] = [prefixes.addPrefix(one), prefixes.addPrefix(two)];

  it("reports of gathered changes those that come to something", () => {
    const rib = new LocRib(prefixes);
    rib.gather();
    const [best, other] = [learned("a", { localPref: 200 }), learned("b")];
    rib.replace(id1, "a", best);
    rib.replace(id2, "b", other);
    expect([...rib.takeChanged()]).toEqual([id1, id2]);
    // There and back: it is as it was when somebody asks.
    rib.replace(id1, "a", undefined);
    rib.replace(id1, "b", other);
    rib.replace(id1, "a", best);
    rib.replace(id1, "b", undefined);
    rib.replace(id2, "a", best);
    expect(rib.hasChanged).toBe(true);
    expect([...rib.takeChanged()]).toEqual([id2]);
    rib.replace(id2, "b", undefined);
    expect([...rib.takeChanged()]).toEqual([]);
    expect(rib.best(two)).toBe(best);
  });

  it("stays with the external path in use, and of gathered ones with that of the lowest identifier", () => {
    const rib = new LocRib(prefixes);
    rib.keepExternalBest(true);
    rib.gather();
    const [high, middle, low] = [9, 8, 7].map((n) =>
      learned(`peer${n}`, { identifier: `10.0.0.${n}` }),
    );
    rib.replace(id1, "peer9", high);
    rib.replace(id2, "peer9", high);
    rib.replace(id2, "peer8", middle);
    rib.takeChanged();
    expect([rib.best(one), rib.best(two)]).toEqual([high, middle]);
    for (const id of [id1, id2]) rib.replace(id, "peer7", low);
    rib.takeChanged();
    expect([rib.best(one), rib.best(two)]).toEqual([high, middle]);
    // What was in use goes, and two come before anything is chosen.
    for (const id of [id1, id2]) {
      for (const n of [7, 8, 9]) rib.replace(id, `peer${n}`, undefined);
    }
    rib.replace(id1, "peer9", high);
    rib.replace(id1, "peer8", middle);
    expect(rib.best(one)).toBe(middle);
    rib.takeChanged();
    rib.replace(id1, "peer8", undefined);
    rib.replace(id1, "peer7", low);
    rib.takeChanged();
    expect(rib.best(one)).toBe(low);
  });

  it("reports a prefix as changed only when its best path is another", () => {
    const rib = new LocRib(prefixes);
    const better = learned("a", { localPref: 200 });
    const worse = learned("b");
    expect(rib.replace(id1, "a", better)).toBe(false);
    expect([...rib.takeChanged()]).toEqual([id1]);
    rib.replace(id1, "b", worse);
    expect(rib.replace(id1, "b", undefined)).toBe(true);
    expect(rib.replace(id2, "b", undefined)).toBe(false);
    expect([...rib.takeChanged()]).toEqual([]);
    rib.replace(id1, "b", worse);
    rib.replace(id1, "a", undefined);
    expect([...rib.takeChanged()]).toEqual([id1]);
    expect(rib.best(one)).toBe(worse);
    rib.replace(id1, undefined, ownPath);
    expect(rib.best(one)).toBe(ownPath);
    expect(rib.candidates(one)).toEqual([worse, ownPath]);
    rib.replace(id1, undefined, undefined);
    rib.replace(id1, "b", undefined);
    expect([rib.best(one), rib.candidates(one), rib.prefixes()]).toEqual([undefined, [], []]);
  });

  it("replaces a peer's path, whatever session it came over", () => {
    const rib = new LocRib(prefixes);
    rib.replace(id1, "a", learned("a", { identifier: "10.0.0.8" }));
    const again = learned("a", { identifier: "10.0.0.9" });
    rib.replace(id1, "a", again);
    expect(rib.candidates(one)).toEqual([again]);
  });
});

describe("AttributePool", () => {
  const asn = fc.integer({ min: 1, max: 2 });
  const value = fc.uint8Array({ minLength: 1, maxLength: 2, max: 1 });
  const flags = fc.constantFrom(0xc0, 0xe0);
  const extended = fc.uint8Array({ minLength: 8, maxLength: 8, max: 1 });
  const large = fc.tuple(asn, asn, asn);
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
      communities: fc.array(asn, { minLength: 1, maxLength: 2 }),
      originatorId: fc.constantFrom(address("1.1.1.1"), address("2.2.2.2")),
      clusterList: fc.array(fc.constant(address("1.1.1.1")), { minLength: 1, maxLength: 2 }),
      extendedCommunities: fc.array(extended, { minLength: 1, maxLength: 2 }),
      largeCommunities: fc.uniqueArray(large, { minLength: 1, maxLength: 2, selector: String }),
      unknown: fc.array(fc.record({ flags, code: asn.map((n) => 200 + n), value }), {
        minLength: 1,
        maxLength: 2,
      }),
    },
    { requiredKeys: ["origin", "asPath"], noNullPrototype: true },
  );

  it("keeps what is live, and forgets the rest", () => {
    const pool = new AttributePool();
    const nextHop = address("10.0.0.1");
    const sets = Array.from({ length: 70_000 }, (_, i) =>
      pool.intern({ origin: "igp", asPath: sequence(1 + i) }, nextHop),
    );
    expect(pool.isFull(0)).toBe(true);
    // So many prefixes may have as many sets, and those of routes taken back can wait for a while.
    expect(pool.isFull(200_000)).toBe(false);
    expect(pool.isFull(0)).toBe(false);
    pool.sweep((call) => sets.slice(0, 10).forEach((set) => call(set)));
    expect([pool.size, pool.isFull(0)]).toEqual([10, false]);
    const again = (i: number) => pool.intern({ origin: "igp", asPath: sequence(1 + i) }, nextHop);
    expect([again(3) === sets[3], again(11) === sets[11]]).toEqual([true, false]);
  });

  it("gives one object for equal values and another for others", () => {
    const nextHop = fc.constantFrom(address("10.0.0.1"), address("fd00::1"), undefined);
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
    sharedSubnets: undefined,
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

  it("keeps out a next hop that an external peer one hop away does not share (RFC 4271 §6.3)", () => {
    const shared = { ...local, sharedSubnets: [p("10.0.0.0/24"), p("10.0.9.0/24")] };
    const reason = (nextHop: string, of: LocalSide = shared) =>
      whyIneligible(learned("a", { nextHop }).set, of);
    expect(reason("10.0.0.7")).toBeUndefined();
    expect(reason("10.0.9.7")).toBeUndefined();
    expect(reason("10.0.1.7")).toMatch(/10.0.1.7 is not on the subnet/);
    expect(reason("10.0.1.7", local)).toBeUndefined();
    // IPv4 routes over IPv6: the IPv4 subnets say nothing of it.
    expect(reason("2001:db8::7")).toBeUndefined();
    expect(reason("fe80::7", { ...shared, address: address("2001:db8::1") })).toBeUndefined();
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
