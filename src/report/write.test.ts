import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTimeline } from "../timeline/log.ts";
import { failingTimeline, passingTimeline } from "./testdata/rack-spine.ts";
import { writeReports } from "./write.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "spinelab-report-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test("three readings and the evidence, in a directory that was not there", async () => {
  const reports = join(directory, "reports", "rack-spine");
  await writeReports(reports, failingTimeline(), [
    { path: "tor0/frr.conf", content: "router bgp" },
  ]);
  expect(readdirSync(reports).sort()).toEqual([
    "evidence",
    "junit.xml",
    "report.html",
    "timeline.jsonl",
  ]);
  expect(readTimeline(join(reports, "timeline.jsonl"))).toEqual(failingTimeline());
  expect(readFileSync(join(reports, "evidence/tor0/frr.conf"), "utf8")).toBe("router bgp");
});

test("the evidence of an earlier run goes", async () => {
  await writeReports(directory, failingTimeline(), [{ path: "old", content: "" }]);
  await writeReports(directory, passingTimeline());
  expect(readdirSync(directory)).not.toContain("evidence");
});

test.each(["../out", "a/../../out", "/etc/out", ""])("evidence cannot leave: %j", async (path) => {
  await expect(writeReports(directory, [], [{ path, content: "" }])).rejects.toThrow(/outside/);
});

test("a file that cannot be written is an error", async () => {
  const file = join(directory, "a file");
  writeFileSync(file, "");
  await expect(writeReports(file, passingTimeline())).rejects.toThrow(/EEXIST|ENOTDIR/);
});
