import fc from "fast-check";
import { expect, it } from "vitest";
import { listDifference } from "./list-difference.ts";

const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });

it("is the one element that is another, came or went", () => {
  const list = ["a", "b", "c", "d"];
  expect(listDifference(list, [...list])).toEqual({ removed: [], added: [] });
  expect(listDifference(list, list.with(1, "x"))).toEqual({ removed: ["b"], added: ["x"] });
  expect(listDifference(list, list.toSpliced(1, 1))).toEqual({ removed: ["b"], added: [] });
  expect(listDifference(list, list.toSpliced(2, 0, "x"))).toEqual({ removed: [], added: ["x"] });
  expect(listDifference(["a", "a"], ["a"])).toEqual({ removed: ["a"], added: [] });
});

it("makes the one list of the other", () => {
  fc.assert(
    fc.property(letters, letters, (before, after) => {
      const { removed, added } = listDifference(before, after);
      const count = (list: readonly string[], of: string) => list.filter((x) => x === of).length;
      for (const each of ["a", "b", "c"]) {
        const made = count(before, each) - count(removed, each) + count(added, each);
        expect(made).toBe(count(after, each));
      }
      expect(before.length === after.length && removed.length === 0).toBe(
        before.join("") === after.join(""),
      );
    }),
  );
});

it("asks about what is not the same object", () => {
  const isSame = (a: { n: number }, b: { n: number }) => a.n === b.n;
  const before = [{ n: 1 }, { n: 2 }, { n: 3 }];
  const after = [{ n: 1 }, { n: 4 }, { n: 3 }];
  expect(listDifference(before, after, isSame)).toEqual({ removed: [{ n: 2 }], added: [{ n: 4 }] });
});
