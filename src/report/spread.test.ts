import { expect, test } from "vitest";
import type { TimelineRecord } from "../timeline/record.ts";
import { holdLimits, spreadOf, spreadText } from "./spread.ts";

/** A run in which one step converged in so long, and a probe had this outage. */
function run(convergeMs: number | undefined, outageMs: number): TimelineRecord[] {
  const step = { index: 0, name: "cut" };
  return [
    { atMs: 0, type: "step", ...step, state: "begin" },
    { atMs: 1, type: "probe", probe: "p", state: "begin", from: "a", to: "b", everyMs: 10 },
    { atMs: 2, type: "probe", probe: "p", state: "end", sent: 9, received: 9, lost: 0, outageMs },
    {
      ...{ atMs: 3, type: "step", ...step, state: "end", verdict: "pass", tookMs: 3 },
      ...(convergeMs !== undefined && { convergeMs }),
    },
  ];
}

const runs = Array.from({ length: 20 }, (_, n) => run(n === 7 ? undefined : 10 * (n + 1), n));

test("median, p95 and worst of each measure, of the runs that have it", () => {
  expect(spreadOf(runs)).toMatchObject([
    { measure: "converge", of: "cut", medianMs: 110, p95Ms: 200, worstMs: 200 },
    { measure: "outage", of: "p", medianMs: 9, p95Ms: 18, worstMs: 19 },
  ]);
  expect(spreadOf(runs)[0]!.valuesMs).toHaveLength(19);
  expect(spreadOf([])).toEqual([]);
});

test("limits hold, are broken, or are of something that no run measured", () => {
  const limit = (more: object) => ({ measure: "outage" as const, of: "p", source: "s:1", ...more });
  const results = holdLimits(spreadOf(runs), [
    limit({ medianMs: 9, p95Ms: 18, worstMs: 19 }),
    limit({ p95Ms: 17, worstMs: 19 }),
    limit({ of: "q", worstMs: 1 }),
  ]);
  expect(results.map(({ verdict }) => verdict)).toEqual(["pass", "fail", "inconclusive"]);
  expect(results[1]!.text).toBe("outage of p: p95 18 ms, at most 17 ms");
  const text = spreadText(spreadOf(runs), results, 20, 80);
  expect(text).toMatch(/converge of cut +19 of 20 +110 ms +200 ms +200 ms/);
  expect(text).toContain("? outage of q: no run measured it");
});

test("of each event: its control plane where a step has several, its loss by probe, the worst of those of one name", () => {
  const event = (text: string, controlPlaneMs: number, dataPlaneMs?: number) => ({
    ...{ text, atMs: 1, controlPlaneMs, nodesMs: { a: controlPlaneMs } },
    ...(dataPlaneMs !== undefined && { probes: { p: { lost: 1, dataPlaneMs, errorMs: 10 } } }),
  });
  const measured = (...events: ReturnType<typeof event>[]): TimelineRecord[] => [
    { atMs: 0, type: "step", index: 0, name: "cut", state: "begin" },
    { atMs: 1, type: "measures", step: 0, events, updates: {} },
  ];
  expect(spreadOf([measured(event("down", 5, 70))])).toMatchObject([
    { measure: "dataPlane", of: "down (cut), p", valuesMs: [70] },
  ]);
  const twice = [
    measured(event("down", 5, 70), event("down", 9, 30), event("up", 3)),
    measured(event("down", 4), event("down", 2), event("up", 4)),
  ];
  expect(spreadOf(twice)).toMatchObject([
    { measure: "controlPlane", of: "down (cut)", valuesMs: [4, 9] },
    { measure: "dataPlane", of: "down (cut), p", valuesMs: [70] },
    { measure: "controlPlane", of: "up (cut)", valuesMs: [3, 4] },
  ]);
  expect(spreadText(spreadOf(twice), [], 2, 80)).toMatch(/control plane of down \(cut\) +2 of 2/);
});
