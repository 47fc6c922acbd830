import fc from "fast-check";
import { expect, it } from "vitest";
import { prefix, type Prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "./config.ts";
import { concernedPrefixes, policyChange } from "./policy-change.ts";

const of = (n: number) => prefix(`192.0.2.${n}/32`);
const concerned = (before: readonly PolicyStatement[], after: readonly PolicyStatement[]) => {
  const change = policyChange(before, after);
  return change && concernedPrefixes(change);
};
const statement = (n: number, localPref = 100): PolicyStatement => ({
  name: `s${n}`,
  prefixes: [of(n)],
  action: "accept",
  set: { localPref },
});

it("names the prefixes of the one statement that is another among equal ones", () => {
  const before = Array.from({ length: 100 }, (_, n) => statement(n));
  expect(concerned(before, [...before])).toBeUndefined();
  const changed = before.with(40, statement(40, 200));
  expect(concerned(before, changed)).toEqual(new Set([of(40)]));
  expect(concerned(before, before.toSpliced(40, 1))).toEqual(new Set([of(40)]));
  expect(concerned(before, before.toSpliced(40, 0, statement(140)))).toEqual(new Set([of(140)]));
});

it("says all where a statement that names no prefixes came or went", () => {
  const any: PolicyStatement = { name: "any", action: "accept" };
  expect(concerned([statement(1)], [any, statement(1)])).toBe("all");
});

it("leaves out no prefix that is decided about otherwise", () => {
  const some = fc.record({
    n: fc.nat(5),
    more: fc.array(fc.nat(5), { maxLength: 2 }),
    localPref: fc.nat(2),
  });
  const policy = fc.array(some, { maxLength: 8 }).map((all) =>
    all.map(({ n, more, localPref }) => ({
      ...statement(n, localPref),
      prefixes: [of(n), ...more.map(of)],
    })),
  );
  const decides = (statements: readonly PolicyStatement[], about: Prefix) =>
    statements.find(({ prefixes }) => prefixes!.includes(about))?.set?.localPref;
  fc.assert(
    fc.property(policy, policy, (before, after) => {
      const change = concerned(before, after) ?? new Set();
      for (let n = 0; n <= 5; n++) {
        const isOther = decides(before, of(n)) !== decides(after, of(n));
        expect(isOther && !(change as ReadonlySet<Prefix>).has(of(n))).toBe(false);
      }
    }),
  );
});
