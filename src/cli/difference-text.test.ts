import { expect, test } from "vitest";
import { failingTimeline, passingTimeline } from "../report/testdata/rack-spine.ts";
import type { TimelineRecord } from "../timeline/record.ts";
import { figureChanges, otherFabric, stepOfMoment } from "./difference-text.ts";

const renamed = (records: TimelineRecord[], to: (name: string) => string) =>
  records.map((record) => {
    if (record.type === "step") return { ...record, name: to(record.name) };
    if (record.type !== "started" || record.scenario === undefined) return record;
    return { ...record, scenario: { ...record.scenario, steps: record.scenario.steps.map(to) } };
  });

test("two runs that went alike have no figures that differ, those that did not have", () => {
  expect(figureChanges(passingTimeline(), passingTimeline())).toEqual([]);
  expect(figureChanges(passingTimeline(), failingTimeline())).toContainEqual({
    step: "rack 1 loses its uplink",
    figure: "verdict",
    before: "pass",
    after: "fail",
  });
});

test("a step that one run has not come to, or does not have, is a difference", () => {
  const whole = passingTimeline();
  const ends = whole.findIndex(({ type }) => type === "step");
  const changes = figureChanges(whole, whole.slice(0, ends));
  expect(changes).toContainEqual({
    step: "and heals",
    figure: "verdict",
    before: "pass",
    after: "not run",
  });
  const other = renamed(whole, (name) => (name === "and heals" ? "and is mended" : name));
  expect(figureChanges(whole, other)).toEqual([
    { step: "and heals", figure: "verdict", before: "pass", after: "no such step" },
    { step: "and is mended", figure: "verdict", before: "no such step", after: "pass" },
  ]);
});

test("runs of other scenarios altogether have no figures to compare", () => {
  expect(
    figureChanges(
      passingTimeline(),
      renamed(passingTimeline(), (name) => `${name}!`),
    ),
  ).toEqual([]);
});

test("runs of two fabrics are told apart", () => {
  const one = { name: "a", nodes: ["tor0", "tor1"] };
  expect(otherFabric(one, { ...one, name: "b" })).toBeUndefined();
  expect(otherFabric(one, { name: "b", nodes: ["tor0", "leaf1"] })).toBe(
    "these are two fabrics: only in a: tor1; only in b: leaf1",
  );
});

test("moments of a run", () => {
  expect(["start", "0", "1", "5", "end"].map((each) => stepOfMoment("run", each, 5))).toEqual([
    -1,
    -1,
    0,
    4,
    Infinity,
  ]);
  expect(() => stepOfMoment("run", "6", 5)).toThrow("run has no step 6: it has 5");
  for (const wrong of ["-1", "1.5", "", "last"]) {
    expect(() => stepOfMoment("run", wrong, 5)).toThrow("expected start, end, or the number");
  }
});
