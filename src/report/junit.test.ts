import { expect, test } from "vitest";
import { junitXml } from "./junit.ts";
import { golden } from "./testdata/golden.ts";
import {
  brokenOffTimeline,
  failedDeployTimeline,
  failingTimeline,
  hostileTimeline,
  inconclusiveTimeline,
  passingTimeline,
} from "./testdata/rack-spine.ts";

const timelines = {
  pass: passingTimeline,
  fail: failingTimeline,
  inconclusive: inconclusiveTimeline,
  "broken-off": brokenOffTimeline,
  "failed-deploy": failedDeployTimeline,
};

test.each(Object.entries(timelines))("golden: %s", (name, timeline) => {
  const xml = junitXml([timeline()]);
  expect(xml).toBe(golden(`${name}.junit.xml`, xml));
  expect(wellFormed(xml)).toBe("");
});

test("hostile text stays text", () => {
  const xml = junitXml([hostileTimeline()]);
  expect(wellFormed(xml)).toBe("");
  expect(elementsOf(xml)).not.toContain("img");
  expect(elementsOf(xml)).not.toContain("script");
});

test("what CI counts is what is there", () => {
  for (const timeline of [...Object.values(timelines), hostileTimeline]) {
    const xml = junitXml([timeline()]);
    const suite = /<testsuite [^>]*tests="(\d+)" failures="(\d+)" errors="(\d+)" skipped="(\d+)"/;
    const counted = suite.exec(xml)!.slice(1).map(Number);
    const elements = elementsOf(xml);
    const found = ["testcase", "failure", "error", "skipped"].map(
      (name) => elements.filter((element) => element === name).length,
    );
    expect(counted).toEqual(found);
  }
});

test("only a passed run is green", () => {
  expect(red(junitXml([passingTimeline()]))).toBe(false);
  for (const timeline of [
    failingTimeline,
    inconclusiveTimeline,
    brokenOffTimeline,
    failedDeployTimeline,
  ]) {
    expect(red(junitXml([timeline()]))).toBe(true);
  }
  expect(red(junitXml([[]]))).toBe(true);
});

test("a run that failed without a failed check has an error", () => {
  const checks = { pass: 0, fail: 0, warn: 0, inconclusive: 0 };
  const xml = junitXml([
    [{ atMs: 0, type: "verdict", verdict: "fail", tookMs: 1, checks, reason: "disk full" }],
  ]);
  expect(xml).toContain('<error message="the run failed: disk full"');
});

test("a step that missed its convergence limit fails by itself", () => {
  const xml = junitXml([
    [
      { atMs: 0, type: "step", index: 0, name: "slow", state: "begin" },
      { atMs: 9, type: "step", index: 0, name: "slow", state: "end", verdict: "fail", tookMs: 9 },
    ],
  ]);
  expect(xml).toContain("<failure");
});

test("a suite a run, and the second check of one name gets a number", () => {
  const records = passingTimeline();
  const check = records.find((record) => record.type === "check")!;
  const twice = records.flatMap((record) => (record === check ? [record, record] : [record]));
  const xml = junitXml([twice, records]);
  expect(elementsOf(xml).filter((name) => name === "testsuite")).toHaveLength(2);
  expect(xml.match(/name="session router0 → tor0 Established"/g)).toHaveLength(2);
  expect(xml.match(/name="session router0 → tor0 Established \(2\)"/g)).toHaveLength(1);
});

function red(xml: string): boolean {
  return /<(failure|error)[ >]/.test(xml);
}

/** What is wrong with the document by XML 1.0's grammar, as far as it is used here; empty if nothing. */
function wellFormed(xml: string): string {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(xml)) return "a character";
  const open: string[] = [];
  const attribute = String.raw`\s+[\w:.-]+="(?:[^<&"]|&(?:amp|lt|gt|quot|#\d+);)*"`;
  const piece = new RegExp(
    String.raw`<\?xml[^?]*\?>|<(/?)([\w-]+)((?:${attribute})*)\s*(/?)>|(?:[^<&]|&(?:amp|lt|gt|quot|#\d+);)+`,
    "uy",
  );
  while (piece.lastIndex < xml.length) {
    const from = piece.lastIndex;
    const found = piece.exec(xml);
    if (found === null) return `at ${JSON.stringify(xml.slice(from, from + 60))}`;
    const [, closes, name, , empty] = found;
    if (name === undefined || empty === "/") continue;
    if (closes !== "/") open.push(name);
    else if (open.pop() !== name) return `</${name}> closes nothing`;
  }
  return open.join(" ");
}

function elementsOf(xml: string): string[] {
  return [...xml.matchAll(/<([\w-]+)/g)].map((found) => found[1]!);
}

test("the judge of the other tests sees broken XML", () => {
  expect(wellFormed("<a><b></a>")).not.toBe("");
  expect(wellFormed('<a b="<"/>')).not.toBe("");
  expect(wellFormed("<a>&nbsp;</a>")).not.toBe("");
  expect(wellFormed("<a>\u0007</a>")).not.toBe("");
  expect(wellFormed("<a>")).not.toBe("");
});
