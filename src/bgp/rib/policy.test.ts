import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { listDifference } from "../../net/list-difference.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import { AttributePool } from "./attribute-pool.ts";
import { Importer } from "./import.ts";
import { ownPath, type Path } from "./path.ts";
import { Policy, type PolicyMatch, type PolicyStatement } from "./policy.ts";
import { learned, p, sequence } from "./rib.testkit.ts";

function matches(match: PolicyMatch, path: Path, prefix = "10.1.0.0/24"): boolean {
  const policy = new Policy([{ name: "s", match, action: "accept" }]);
  return policy.match(p(prefix), path) !== undefined;
}

describe("conditions", () => {
  it.each([
    ["10.1.0.0/16", true],
    ["10.1.2.0/24", false],
    ["10.2.1.0/24", true],
    ["10.2.1.0/28", true],
    ["10.2.1.0/29", false],
    ["10.2.0.0/16", false],
    ["fd00:2::/64", true],
    ["fd00:2::/48", false],
    ["0.0.0.0/0", false],
  ])("prefix ranges: %s is %s", (prefix, holds) => {
    const prefixRanges = [
      { prefix: p("10.1.0.0/16") },
      { prefix: p("10.2.0.0/16"), minLength: 24, maxLength: 28 },
      // Without an upper end, exactly this length.
      { prefix: p("fd00:2::/32"), minLength: 64 },
    ];
    expect(matches({ prefixRanges }, learned("a"), prefix)).toBe(holds);
  });

  it.each([
    ["10.1.2.0/24", false],
    ["10.1.3.0/24", true],
    ["10.2.0.0/24", false],
  ])("prefix ranges that exclude: of %s the first says %s", (prefix, holds) => {
    const prefixRanges = [
      { prefix: p("10.1.2.0/24"), isExcluded: true as const },
      { prefix: p("10.1.0.0/16"), maxLength: 32 },
      { prefix: p("10.1.3.0/24"), isExcluded: true as const },
    ];
    expect(matches({ prefixRanges }, learned("a"), prefix)).toBe(holds);
  });

  const path = learned("tor0", {
    asPath: [
      { kind: "sequence", asns: [65001, 65002] },
      { kind: "set", asns: [65003, 65004] },
    ],
    origin: "egp",
    communities: [1, 2],
    largeCommunities: [[1, 2, 3]],
    extendedCommunities: [Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 1)],
  });

  it.each<[PolicyMatch, boolean]>([
    [{}, true],
    [{ neighbors: ["tor1", "tor0"] }, true],
    [{ neighbors: ["tor1"] }, false],
    [{ originated: false }, true],
    [{ originated: true }, false],
    [{ origin: ["igp", "egp"] }, true],
    [{ origin: ["igp"] }, false],
    [{ communities: { any: [2, 3] } }, true],
    [{ communities: { any: [3] } }, false],
    [{ communities: { all: [1, 2] } }, true],
    [{ communities: { all: [1, 3] } }, false],
    [{ communities: { any: [1], none: [2] } }, false],
    [{ largeCommunities: { all: [[1, 2, 3]] } }, true],
    [{ largeCommunities: { all: [[1, 2, 4]] } }, false],
    [{ extendedCommunities: { any: [Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 1)] } }, true],
    [{ extendedCommunities: { any: [Uint8Array.of(0, 3, 0, 1, 0, 0, 0, 1)] } }, false],
    [{ asPath: { contains: [65002, 65004] } }, true],
    [{ asPath: { contains: [65002, 65005] } }, false],
    [{ asPath: { beginsWith: 65001 } }, true],
    [{ asPath: { beginsWith: 65002 } }, false],
    // A path that ends in a set has no one AS that it comes from.
    [{ asPath: { endsWith: 65004 } }, false],
    [{ asPath: { minLength: 3, maxLength: 3 } }, true],
    [{ asPath: { maxLength: 2 } }, false],
    [{ asPath: { regex: "_65002_" } }, true],
    [{ asPath: { regex: "_6500_" } }, false],
    [{ asPath: { regex: "^65001 6500[23] " } }, true],
    [{ asPath: { regex: "_65004_?}$" } }, true],
    [{ neighbors: ["tor0"], origin: ["igp"] }, false],
  ])("%j: %s", (match, holds) => {
    expect(matches(match, path)).toBe(holds);
  });

  it("own routes have no neighbour and an empty path", () => {
    expect(matches({ originated: true, asPath: { maxLength: 0, regex: "^$" } }, ownPath)).toBe(
      true,
    );
    expect(matches({ neighbors: ["tor0"] }, ownPath)).toBe(false);
    expect(
      matches({ asPath: { endsWith: 65001 } }, learned("a", { asPath: sequence(65002, 65001) })),
    ).toBe(true);
  });
});

it("the first statement that matches decides, with conditions or without", () => {
  const statements: PolicyStatement[] = [
    { name: "named", prefixes: [p("10.1.0.0/16")], action: "accept" },
    { name: "tor0", match: { neighbors: ["tor0"] }, action: "reject" },
    {
      name: "both",
      prefixes: [p("10.2.0.0/16")],
      match: { neighbors: ["tor1"] },
      action: "accept",
    },
    { name: "named too", prefixes: [p("10.1.0.0/16"), p("10.2.0.0/16")], action: "accept" },
  ];
  const policy = new Policy(statements);
  const name = (prefix: string, peer: string) => policy.match(p(prefix), learned(peer))?.name;
  expect(name("10.1.0.0/16", "tor0")).toBe("named");
  expect(name("10.2.0.0/16", "tor0")).toBe("tor0");
  expect(name("10.2.0.0/16", "tor1")).toBe("both");
  expect(name("10.2.0.0/16", "tor2")).toBe("named too");
  expect(name("10.3.0.0/16", "tor2")).toBeUndefined();
});

it("decides after a change as a policy that was made anew", () => {
  const prefixes = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"].map(p);
  const named = fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    prefixes: fc.array(fc.constantFrom(...prefixes), { maxLength: 3 }),
    action: fc.constant("accept" as const),
  });
  const any: PolicyStatement = { name: "any", action: "accept" };
  const fromPeer: PolicyStatement = { name: "p", match: { neighbors: ["x"] }, action: "reject" };
  const list = fc.array(
    fc.oneof({ weight: 10, arbitrary: named }, fc.constantFrom(any, fromPeer)),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(fc.array(list, { minLength: 2, maxLength: 4 }), ([first, ...others]) => {
      const changing = new Policy(first!);
      for (const next of others) {
        changing.replace(next, listDifference(changing.statements, next));
        const anew = new Policy(next);
        expect(changing.isBlindToPrefix).toBe(anew.isBlindToPrefix);
        for (const path of [ownPath, learned("x")]) {
          for (const prefix of prefixes) {
            const decided = changing.match(prefix, path);
            expect(decided).toBe(anew.match(prefix, path));
            expect(decided).toBe(
              next.find((each) =>
                each === fromPeer
                  ? path !== ownPath
                  : each.prefixes === undefined || each.prefixes.includes(prefix),
              ),
            );
          }
        }
      }
    }),
  );
});

describe("import", () => {
  const pool = new AttributePool();
  const imported = (set: PolicyStatement["set"], path: Path) => {
    const statement = { name: "s", action: "accept" as const, ...(set && { set }) };
    const result = new Importer([statement], pool).admit(p("10.1.0.0/24"), path);
    if (!("path" in result)) throw new Error(result.rejected);
    return result.path;
  };

  it("sets what the statement says and leaves the rest", () => {
    const path = learned("a", {
      asPath: sequence(65001, 65002),
      communities: [1, 2],
      largeCommunities: [[1, 1, 1]],
      extendedCommunities: [Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 1)],
      atomicAggregate: true,
    });
    const set = {
      localPref: 300,
      med: 5,
      asPathPrepend: 2,
      nextHop: address("10.0.0.9"),
      communities: [9, 2],
      remove: { communities: [1], extendedCommunities: [Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 1)] },
      replace: { largeCommunities: [[2, 2, 2] as [number, number, number]] },
    };
    expect(imported(set, path)).toMatchObject({
      ...path,
      set: {
        attributes: {
          origin: "igp",
          atomicAggregate: true,
          asPath: sequence(65001, 65001, 65001, 65002),
          localPref: 300,
          med: 5,
          communities: [2, 9],
          largeCommunities: [[2, 2, 2]],
        },
        nextHop: "10.0.0.9",
      },
    });
  });

  it("gives one path for routes that shared one, and the path itself where nothing is set", () => {
    const path = learned("a");
    expect(imported(undefined, path)).toBe(path);
    const importer = new Importer([{ name: "s", action: "accept", set: { med: 1 } }], pool);
    expect(importer.admit(p("10.1.0.0/24"), path)).toBe(importer.admit(p("10.2.0.0/24"), path));
  });

  it.each<[PolicyStatement[] | "reject", string]>([
    ["reject", "the import policy rejects it"],
    [[], "there is no import policy (RFC 8212)"],
    [[{ name: "no", action: "reject" }], "import statement no rejects it"],
    [[{ name: "x", prefixes: [p("10.0.0.0/8")], action: "accept" }], "no import statement matches"],
  ])("says why a route is not taken: %j", (policy, rejected) => {
    const importer = new Importer(policy, pool);
    expect(importer.admit(p("10.1.0.0/24"), learned("a"))).toEqual({ rejected });
  });

  it.each([
    { replace: { communities: [9] } },
    { remove: { communities: [WellKnownCommunity.llgrStale] }, communities: [9] },
  ])("no policy takes the mark of long-lived stale routes away (RFC 9494 §4.3): %o", (set) => {
    const { llgrStale } = WellKnownCommunity;
    const stale = learned("a", { communities: [llgrStale] });
    const importer = new Importer([{ name: "s", action: "accept", set }], new AttributePool());
    expect(importer.admit(p("10.0.0.0/8"), stale)).toMatchObject({
      path: { set: { attributes: { communities: [9, llgrStale] } } },
    });
  });

  it("no policy lets in what cannot be used", () => {
    const path = learned("a", { ineligible: "loop" });
    expect(new Importer("accept", pool).admit(p("10.1.0.0/24"), path)).toEqual({
      rejected: "loop",
    });
  });
});
