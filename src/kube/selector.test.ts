import { describe, expect, test } from "vitest";
import {
  formatLabelSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  requirementsOf,
  SelectorError,
} from "./selector.ts";

const matches = (text: string, labels: Record<string, string>) =>
  matchesLabels(parseLabelSelector(text), labels);

describe("label selectors as text", () => {
  test.each([
    ["", {}, true],
    ["app=netshoot", { app: "netshoot" }, true],
    ["app==netshoot", { app: "netshoot" }, true],
    ["app = netshoot , rack=rack0", { app: "netshoot", rack: "rack0" }, true],
    ["app=netshoot,rack=rack0", { app: "netshoot", rack: "rack1" }, false],
    ["app!=netshoot", {}, true],
    ["app!=netshoot", { app: "netshoot" }, false],
    ["rack in (rack0, rack1)", { rack: "rack1" }, true],
    ["rack in (rack0,rack1)", {}, false],
    ["rack notin (rack0)", {}, true],
    ["rack notin (rack0)", { rack: "rack0" }, false],
    ["rack", { rack: "" }, true],
    ["!rack", { rack: "" }, false],
    ["!rack", {}, true],
    ["app=", { app: "" }, true],
    ["size>3", { size: "10" }, true],
    ["size<3", { size: "10" }, false],
    [
      "node-role.kubernetes.io/control-plane=",
      { "node-role.kubernetes.io/control-plane": "" },
      true,
    ],
    // A label that objects inherit from JavaScript is none of theirs.
    ["constructor", {}, false],
  ] as const)("%j on %j: %s", (text, labels, expected) => {
    expect(matches(text, labels)).toBe(expected);
  });

  test.each(["app in netshoot", "a=b=c", "=x", "app in (a", "a b"])("%j is refused", (text) => {
    expect(() => parseLabelSelector(text)).toThrow(SelectorError);
  });
});

test("label selectors as objects, and how kubectl prints them", () => {
  const selector = {
    matchLabels: { app: "a" },
    matchExpressions: [{ key: "rack", operator: "In", values: ["x", "y"] }],
  };
  expect(matchesLabels(requirementsOf(selector), { app: "a", rack: "y" })).toBe(true);
  expect(matchesLabels(requirementsOf(selector), { app: "a", rack: "z" })).toBe(false);
  expect(formatLabelSelector(selector)).toBe("app=a,rack in (x,y)");
  expect(formatLabelSelector(undefined)).toBe("<none>");
  expect(() => requirementsOf({ matchExpressions: [{ key: "a", operator: "Maybe" }] })).toThrow(
    SelectorError,
  );
});

test("field selectors compare an absent field as the empty text", () => {
  const pod = { metadata: { name: "a" }, spec: {}, status: { phase: "Running" } };
  const holds = (text: string) => matchesFields(parseFieldSelector(text), pod);
  expect(holds("metadata.name=a,status.phase!=Failed")).toBe(true);
  expect(holds("metadata.name=b")).toBe(false);
  expect(holds("spec.nodeName=")).toBe(true);
  expect(holds("spec.nodeName!=")).toBe(false);
  expect(() => parseFieldSelector("metadata.name")).toThrow(SelectorError);
});
