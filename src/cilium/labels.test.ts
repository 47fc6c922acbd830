import { describe, expect, test } from "vitest";
import { LabelSelectorError, matchesLabels } from "./labels.ts";

const labels = { rack: "rack0", role: "worker" };

describe("matchLabels", () => {
  test("all must be equal", () => {
    expect(matchesLabels({ matchLabels: { rack: "rack0" } }, labels)).toBe(true);
    expect(matchesLabels({ matchLabels: { rack: "rack0", role: "infra" } }, labels)).toBe(false);
    expect(matchesLabels({ matchLabels: { zone: "a" } }, labels)).toBe(false);
  });
  test("the empty selector selects everything, labelled or not", () => {
    expect(matchesLabels({}, labels)).toBe(true);
    expect(matchesLabels({}, undefined)).toBe(true);
  });
  test("names of Object.prototype are no labels", () => {
    const selector = { matchExpressions: [{ key: "constructor", operator: "Exists" as const }] };
    expect(matchesLabels(selector, {})).toBe(false);
  });
});

describe("matchExpressions", () => {
  test.each([
    ["In", ["rack0", "rack1"], "rack", true],
    ["In", ["rack1"], "rack", false],
    ["In", ["a"], "zone", false],
    ["NotIn", ["rack1"], "rack", true],
    ["NotIn", ["rack0"], "rack", false],
    ["NotIn", ["a"], "zone", true],
    ["Exists", undefined, "rack", true],
    ["Exists", undefined, "zone", false],
    ["DoesNotExist", undefined, "zone", true],
    ["DoesNotExist", undefined, "rack", false],
  ] as const)("%s %s of %s: %s", (operator, values, key, expected) => {
    const expression = { key, operator, ...(values && { values: [...values] }) };
    expect(matchesLabels({ matchExpressions: [expression] }, labels)).toBe(expected);
  });
  test("are joined by and, also with matchLabels", () => {
    const matchExpressions = [{ key: "zone", operator: "Exists" as const }];
    expect(matchesLabels({ matchLabels: { rack: "rack0" }, matchExpressions }, labels)).toBe(false);
  });
  test("In and NotIn need values, the others take none, even where matchLabels fails already", () => {
    const matchLabels = { rack: "another" };
    const bad = [
      { key: "rack", operator: "In" as const },
      { key: "rack", operator: "NotIn" as const, values: [] },
      { key: "rack", operator: "Exists" as const, values: ["a"] },
      { key: "rack", operator: "DoesNotExist" as const, values: ["a"] },
    ];
    for (const expression of bad) {
      const selector = { matchLabels, matchExpressions: [expression] };
      expect(() => matchesLabels(selector, labels)).toThrow(LabelSelectorError);
    }
  });
});
