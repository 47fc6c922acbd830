import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestPath, decisionSteps, type Elimination } from "./decision.ts";
import { decisionCases } from "./decision.testkit.ts";
import type { Path } from "./path.ts";
import { learned, sequence } from "./rib.testkit.ts";

/** The best path, and the step that left it alone. */
function decided(...paths: Path[]): { best: Path; by: string } {
  let by = "nothing to decide";
  const best = bestPath(paths, ({ step, kept, dropped }) => {
    if (kept.length === 1 && dropped.length > 0) by = step.name;
  });
  return { best, by };
}

describe("decision process", () => {
  it.each(decisionCases)("%s decides", (step, winner, loser) => {
    expect(decided(winner, loser)).toEqual({ best: winner, by: step });
    expect(decided(loser, winner)).toEqual({ best: winner, by: step });
  });

  it("has a deciding case for every step", () => {
    expect(decisionCases.map(([step]) => step)).toEqual(decisionSteps.map(({ name }) => name));
  });

  it("compares MED within one neighbouring AS only", () => {
    const a = learned("a", { asPath: sequence(1, 9), med: 50, identifier: "10.0.0.1" });
    const b = learned("b", { asPath: sequence(2, 9), med: 10, identifier: "10.0.0.2" });
    expect(decided(a, b)).toEqual({ best: a, by: "lowest BGP Identifier or ORIGINATOR_ID" });
  });

  it("comes out right where comparing in pairs runs in a circle (MED is not transitive)", () => {
    // a beats b by identifier, b beats c by identifier, c beats a by MED.
    const a = learned("a", { asPath: sequence(1, 9), med: 20, identifier: "10.0.0.1" });
    const b = learned("b", { asPath: sequence(2, 9), med: 0, identifier: "10.0.0.2" });
    const c = learned("c", { asPath: sequence(1, 9), med: 10, identifier: "10.0.0.3" });
    expect(decided(a, b).best).toBe(a);
    expect(decided(b, c).best).toBe(b);
    expect(decided(a, c).best).toBe(c);
    // All three: c drops a first, then b has the lower identifier. In whatever order they came.
    for (const order of [
      [a, b, c],
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ]) {
      expect(bestPath(order)).toBe(b);
    }
  });

  it("counts confederation segments as no length", () => {
    const a = learned("a", { asPath: [{ kind: "confedSequence", asns: [7, 8] }, ...sequence(1)] });
    const b = learned("b", { asPath: sequence(1, 2) });
    expect(decided(b, a)).toEqual({ best: a, by: "shortest AS_PATH" });
  });

  it("says of every loser which step dropped it, once", () => {
    const paths = [
      learned("a", { med: 1 }),
      learned("b", { asPath: sequence(1, 2) }),
      learned("c", { origin: "incomplete" }),
      learned("d"),
    ];
    const eliminations: Elimination[] = [];
    const best = bestPath(paths, (elimination) => eliminations.push(elimination));
    const dropped = eliminations.flatMap((of) => of.dropped);
    expect(best).toBe(paths[3]);
    expect(new Set(dropped)).toEqual(new Set(paths.slice(0, 3)));
    expect(dropped).toHaveLength(3);
  });

  it("stays with the path in use among external ones that are equal, and among no others (RFC 5004)", () => {
    const of = (internal: boolean, identifier: string) =>
      learned(identifier, { internal, identifier, asPath: sequence(1) });
    const inUse = (internal: boolean, more: Path[] = []) => {
      const [lower, used] = [of(internal, "10.0.0.1"), of(internal, "10.0.0.9")];
      return bestPath([lower, used, ...more], undefined, used) === used;
    };
    expect(inUse(false)).toBe(true);
    expect(inUse(true)).toBe(false);
    // What is better wins all the same.
    expect(inUse(false, [learned("c", { asPath: sequence(1), localPref: 200 })])).toBe(false);
  });

  it("does not depend on the order of the paths", () => {
    const octet = fc.integer({ min: 1, max: 3 });
    const path = fc.record({
      localPref: fc.constantFrom(100, 200),
      asPath: fc.array(octet, { minLength: 1, maxLength: 2 }).map((asns) => sequence(...asns)),
      med: fc.integer({ min: 0, max: 2 }),
      internal: fc.boolean(),
      identifier: octet.map((n) => `10.0.0.${n}`),
    });
    fc.assert(
      fc.property(
        fc.array(path, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (all, random) => {
          // Of one peer there may be two, and one address may be on two links.
          const paths = all.map((of, i) => {
            const peer = learned(`peer${i >> 1}`, { ...of, address: `fe80::${i >> 2}` });
            return { ...peer, pathId: i & 1 };
          });
          const keyed = paths.map((of) => ({ of, key: random.next().value as number }));
          const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ of }) => of);
          expect(bestPath(shuffled)).toBe(bestPath(paths));
        },
      ),
    );
  });
});
