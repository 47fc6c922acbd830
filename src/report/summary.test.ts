import { describe, expect, test } from "vitest";
import type { RecordBody, TimelineRecord } from "../timeline/record.ts";
import { summarize } from "./summary.ts";
import {
  brokenOffTimeline,
  failedDeployTimeline,
  failingTimeline,
  inconclusiveTimeline,
  passingTimeline,
} from "./testdata/rack-spine.ts";

function at(...timed: [atMs: number, body: RecordBody][]): TimelineRecord[] {
  return timed.map(([atMs, body]) => Object.assign({ atMs }, body));
}
function check(verdict: "fail" | "inconclusive"): RecordBody {
  return {
    type: "check",
    step: 0,
    index: 0,
    kind: "ping",
    text: "ping",
    verdict,
    expected: "",
    seen: "",
    tookMs: 0,
    looks: 1,
  };
}
const noChecks = { pass: 0, fail: 0, warn: 0, inconclusive: 0 };

test("a run that passed", () => {
  const run = summarize(passingTimeline());
  expect(run.verdict).toBe("pass");
  expect(run.reason).toBeUndefined();
  expect(run.checks).toEqual({ pass: 17, fail: 0, warn: 1, inconclusive: 0 });
  expect(run.steps.map((step) => step.verdict)).toEqual(["pass", "pass", "pass", "warn", "pass"]);
  expect(run.steps.map((step) => step.convergeMs)).toEqual([undefined, 171, 1402, 188, 0]);
  // The outage ends in step 3; it belongs to step 2, where it began.
  expect(run.steps.map((step) => step.lost)).toEqual([undefined, 127, 0, 0, 0]);
  expect(run.steps.map((step) => step.outageMs)).toEqual([undefined, 1269, 0, 0, 0]);
  expect(run.stages.map((stage) => stage.stage)).toContain("teardown");
});

test("a run that failed keeps the steps that never ran", () => {
  const run = summarize(failingTimeline());
  expect(run.verdict).toBe("fail");
  expect(run.steps.map((step) => step.verdict)).toEqual([
    "pass",
    "fail",
    "notRun",
    "notRun",
    "notRun",
  ]);
  expect(run.probes[0]).toMatchObject({ sent: 531, lost: 482, outageMs: 4822 });
  expect(run.steps.every((step) => step.unfinished.length === 0)).toBe(true);
});

test("an inconclusive run says why", () => {
  const run = summarize(inconclusiveTimeline());
  expect(run.verdict).toBe("inconclusive");
  expect(run.reason).toMatch(/traceroute/);
});

test("a deploy that failed has no steps behind it", () => {
  const run = summarize(failedDeployTimeline());
  expect(run.verdict).toBe("fail");
  expect(run.failures).toHaveLength(1);
  expect(run.stages.find((stage) => stage.stage === "exec")?.tookMs).toBeUndefined();
});

test("a timeline that breaks off is never a pass", () => {
  const run = summarize(brokenOffTimeline());
  expect(run.verdict).toBe("inconclusive");
  expect(run.reason).toMatch(/broke off/);
  expect(run.steps[1]).toMatchObject({ verdict: "inconclusive", outageMs: expect.any(Number) });
  expect(run.steps[1]!.unfinished).toHaveLength(1);
  expect(run.probes[0]!.outages.at(-1)!.lost).toBeUndefined();
});

describe("a verdict that the records contradict", () => {
  const pass: RecordBody = { type: "verdict", verdict: "pass", tookMs: 1, checks: noChecks };
  const step: RecordBody = { type: "step", index: 0, name: "s", state: "begin" };
  test.each([
    ["a failed check", check("fail"), "fail"],
    ["a check without outcome", check("inconclusive"), "inconclusive"],
    ["a daemon that died", { type: "failure", message: "bgpd died" } as const, "fail"],
  ])("%s", (_name, body, verdict) => {
    const run = summarize(at([0, step], [1, body], [2, pass]));
    expect(run.verdict).toBe(verdict);
    expect(run.reason).toMatch(/written as pass, but/);
  });
  test("a step that did not run", () => {
    const records = passingTimeline().filter(
      (record) =>
        !("step" in record && record.step === 4) && !(record.type === "step" && record.index === 4),
    );
    expect(summarize(records)).toMatchObject({ verdict: "inconclusive" });
  });
  test("nothing contradicts: it stands", () => {
    expect(summarize(at([0, pass])).verdict).toBe("pass");
  });
});

test("an outage that names its step counts there", () => {
  const run = summarize(
    at(
      [0, { type: "step", index: 0, name: "a", state: "begin" }],
      [1, { type: "probe", probe: "p", state: "begin", from: "a", to: "b", everyMs: 1 }],
      [5, { type: "outage", probe: "p", fromMs: 2, toMs: 5, lost: 3, step: 1 }],
      [6, { type: "step", index: 0, name: "a", state: "end", verdict: "pass", tookMs: 6 }],
      [6, { type: "step", index: 1, name: "b", state: "begin" }],
      [9, { type: "step", index: 1, name: "b", state: "end", verdict: "pass", tookMs: 3 }],
    ),
  );
  expect(run.steps.map((step) => [step.lost, step.outageMs])).toEqual([
    [0, 0],
    [3, 3],
  ]);
});

test("of several runs in one timeline the last is read", () => {
  const first = failingTimeline();
  const laterMs = first.at(-1)!.atMs + 1000;
  const second = passingTimeline();
  for (const record of second) record.atMs += laterMs;
  const run = summarize([...first, ...second]);
  expect(run.verdict).toBe("pass");
  expect(run.fromMs).toBe(laterMs);
  expect(run.checks.fail).toBe(0);
});

test("no records at all", () => {
  expect(summarize([])).toMatchObject({ verdict: "inconclusive", steps: [], tookMs: 0 });
});
