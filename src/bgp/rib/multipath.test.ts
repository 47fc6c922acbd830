import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestPath } from "./decision.ts";
import { LocRib } from "./loc-rib.ts";
import { PrefixTable } from "./prefix-table.ts";
import { onePath, usedPaths } from "./multipath.ts";
import { ownPath, type Path } from "./path.ts";
import { learned, p, sequence } from "./rib.testkit.ts";

/** Paths of peers 10.0.0.N with identifier 10.0.0.N: the first is the best. */
function path(n: number, of: Parameters<typeof learned>[1] = {}): Path {
  const at = `10.0.0.${n}`;
  return learned(`p${n}`, { address: at, identifier: at, nextHop: at, ...of });
}

const of = (paths: Path[], maximum: Partial<typeof onePath>) =>
  usedPaths(paths, paths[0]!, { ...onePath, ...maximum }).map(({ source }) =>
    source.kind === "own" ? "own" : source.peer,
  );

describe("paths used at once", () => {
  it("are those that the decision process chooses one after the other", () => {
    const several = fc.array(
      fc.record({
        identifier: fc.integer({ min: 1, max: 4 }),
        address: fc.integer({ min: 1, max: 30 }),
        nextHop: fc.integer({ min: 1, max: 5 }),
        med: fc.integer({ min: 0, max: 1 }),
        asn: fc.integer({ min: 65001, max: 65002 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(several, (drawn) => {
        const paths = drawn.map(({ identifier, address, nextHop, med, asn }) =>
          learned(`p${address}`, {
            identifier: `10.0.0.${identifier}`,
            address: `10.0.1.${address}`,
            nextHop: `10.0.2.${nextHop}`,
            ...{ med, asPath: sequence(asn) },
          }),
        );
        const maximum = { external: 8, internal: 1, asPathRelax: true };
        const best = bestPath(paths);
        const lowest = (asn: number) =>
          Math.min(...drawn.filter((one) => one.asn === asn).map(({ med }) => med));
        // Beside the best one are those that MED leaves: of each neighbouring AS the lowest.
        let left = paths.filter((_, i) => drawn[i]!.med === lowest(drawn[i]!.asn));
        const chosen: Path[] = [];
        for (let next = best; ; next = bestPath(left)) {
          chosen.push(next);
          left = left.filter(({ set }) => set.nextHop !== next.set.nextHop);
          if (left.length === 0) break;
        }
        expect(usedPaths(paths, best, maximum)).toEqual(chosen);
      }),
    );
  });

  it("are as many as allowed, in the order in which they would win", () => {
    const paths = [path(1), path(3), path(2), path(4)].toSorted(() => 0);
    expect(of(paths, {})).toEqual(["p1"]);
    expect(of(paths, { external: 3 })).toEqual(["p1", "p2", "p3"]);
    expect(of(paths, { external: 8 })).toEqual(["p1", "p2", "p3", "p4"]);
    expect(of(paths, { internal: 8 })).toEqual(["p1"]);
  });

  it.each([
    ["a higher MED", { med: 5 }],
    ["a longer path", { asPath: sequence(65001, 65002) }],
    ["another origin", { origin: "egp" as const }],
    ["an internal peer", { internal: true }],
    ["a lower LOCAL_PREF", { localPref: 50 }],
    ["another neighbouring AS", { asPath: sequence(65009) }],
    ["the same next hop", { nextHop: "10.0.0.1" }],
  ])("not with %s", (_, other) => {
    expect(of([path(1), path(2, other)], { external: 8, internal: 8 })).toEqual(["p1"]);
  });

  it("over two links to one router, which has one link-local address on both", () => {
    const same = { address: "fe80::1", nextHop: "fe80::1", identifier: "1.1.1.1" };
    const paths = ["eth1", "eth2"].map((peer) => learned(peer, same));
    expect(of(paths, { external: 8 })).toEqual(["eth1", "eth2"]);
    // Two paths that one peer sends are one way.
    const numbered = [1, 2].map((pathId) => ({ ...learned("eth1", same), pathId }));
    expect(of(numbered, { external: 8 })).toEqual(["eth1"]);
  });

  it("with asPathRelax through any neighbouring AS, but equally long", () => {
    const paths = [
      path(1),
      path(2, { asPath: sequence(65009) }),
      path(3, { asPath: sequence(1, 2) }),
    ];
    expect(of(paths, { external: 8, asPathRelax: true })).toEqual(["p1", "p2"]);
  });

  it("internal ones have the same AS path", () => {
    const internal = (n: number, ...asns: number[]) =>
      path(n, { internal: true, asPath: sequence(...asns) });
    const paths = [internal(1, 1, 2), internal(2, 1, 3), internal(3, 1, 2)];
    expect(of(paths, { internal: 8, asPathRelax: true })).toEqual(["p1", "p3"]);
  });

  it("an own route is used alone", () => {
    expect(of([ownPath, path(1)], { external: 8 })).toEqual(["own"]);
  });
});

describe("loc-rib", () => {
  it("tells a change of the paths used beside the best", () => {
    const prefixes = new PrefixTable("ipv4");
    const loc = new LocRib(prefixes);
    const prefix = p("10.1.0.0/16");
    const id = prefixes.addPrefix(prefix);
    loc.setMaximumPaths({ ...onePath, external: 2 });
    loc.replace(id, "p1", path(1));
    loc.replace(id, "p2", path(2));
    expect([...loc.takeChanged()]).toEqual([id]);
    expect(loc.used(prefix)).toHaveLength(2);
    // A third one changes nothing.
    loc.replace(id, "p3", path(3));
    expect([...loc.takeChanged()]).toEqual([]);
    loc.replace(id, "p2", undefined);
    expect([...loc.takeChanged()]).toEqual([id]);
    loc.setMaximumPaths(onePath);
    expect([...loc.takeChanged()]).toEqual([id]);
    expect(loc.used(prefix)).toEqual([loc.best(prefix)]);
  });
});
