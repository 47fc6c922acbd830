import {
  createReadStream,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTimeline } from "../timeline/log.ts";
import { failingTimeline, passingTimeline } from "./testdata/rack-spine.ts";
import { holdLimits, spreadOf } from "./spread.ts";
import { writeReports, writeSpread } from "./write.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "spinelab-report-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test("a large file is written as it is read, not from memory", async () => {
  const source = join(directory, "source.pcap");
  writeFileSync(source, Buffer.alloc(200_000, "packet"));
  const content = createReadStream(source);
  await writeReports(directory, failingTimeline(), [{ path: "captures/tor0-net0.pcap", content }]);
  expect(content.bytesRead).toBe(200_000);
  const written = readFileSync(join(directory, "evidence/captures/tor0-net0.pcap"));
  expect(written.equals(readFileSync(source))).toBe(true);
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

test("of several runs: their spread is on the page and in JUnit, and a broken limit is a failed case", async () => {
  const runs = [passingTimeline(), passingTimeline()];
  const spreads = spreadOf(runs);
  const { of } = spreads.find(({ measure }) => measure === "converge")!;
  const limit = { measure: "converge" as const, of, source: "s.yaml:9" };
  const results = holdLimits(spreads, [
    { ...limit, worstMs: 1 },
    { ...limit, worstMs: 1e9 },
  ]);
  await writeReports(directory, runs[1]!);
  await writeSpread(directory, runs[1]!, { runs: 2, spreads, results });
  const junit = readFileSync(join(directory, "junit.xml"), "utf8");
  expect(junit).toContain('<testsuite name="rack-spine, spread of 2 runs" tests="2" failures="1"');
  expect(junit).toMatch(/<failure message="converge of [^"]*: worst [^"]*at most 1 ms"/);
  expect(junit).toMatch(/<property name="data plane of link [^"]*\.worst_ms" value="2140"/);
  const page = readFileSync(join(directory, "report.html"), "utf8");
  expect(page).toContain("Over 2 runs");
  // Where the verdict is, of the run that is shown.
  const header = page.slice(page.indexOf("<header"), page.indexOf("</header>"));
  expect(header).toMatch(/over 2 runs: converge of [^<]*: worst [^<]*at most 1 ms/);
  expect(header.match(/over 2 runs/g)).toHaveLength(1);
  expect(page.match(/<circle cx="234.0"/g)!.length).toBeGreaterThan(2);
  // And goes with the next run.
  await writeReports(directory, runs[0]!);
  expect(readdirSync(directory)).not.toContain("spread.json");
  expect(readFileSync(join(directory, "report.html"), "utf8")).not.toContain("Over 2 runs");
});

test.each(["../out", "a/../../out", "/etc/out", ""])("evidence cannot leave: %j", async (path) => {
  await expect(writeReports(directory, [], [{ path, content: "" }])).rejects.toThrow(/outside/);
});

test("a file that cannot be written is an error", async () => {
  const file = join(directory, "a file");
  writeFileSync(file, "");
  await expect(writeReports(file, passingTimeline())).rejects.toThrow(/EEXIST|ENOTDIR/);
});
