import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRecorder, openTimelineLog, readTimeline } from "./log.ts";
import type { TimelineRecord } from "./record.ts";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "spinelab-timeline-"));
  file = join(directory, "timeline.jsonl");
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const records: TimelineRecord[] = [
  { atMs: 0, type: "stage", stage: "links", state: "begin" },
  { atMs: 1.5, type: "log", level: "info", message: "line one\nline two \u2028 </script>" },
  { atMs: 2, type: "down", tookMs: 3 },
];

test("what was written is read back, also before close", () => {
  const log = openTimelineLog(file);
  for (const record of records) log.write(record);
  expect(readTimeline(file)).toEqual(records);
  log.close();
  log.close();
  expect(readFileSync(file, "utf8").split("\n")).toHaveLength(records.length + 1);
});

test("a second writer appends", () => {
  for (const record of records) {
    const log = openTimelineLog(file);
    log.write(record);
    log.close();
  }
  expect(readTimeline(file)).toEqual(records);
});

test("a torn last line is dropped and said", () => {
  writeFileSync(file, `${JSON.stringify(records[0])}\n{"atMs":7,"type":"sta`);
  expect(readTimeline(file)).toEqual([
    records[0],
    {
      atMs: 0,
      type: "log",
      level: "warn",
      message: `${file}:2: no whole record; 21 characters dropped`,
    },
  ]);
});

test("a whole last line without its newline counts", () => {
  writeFileSync(file, JSON.stringify(records[2]));
  expect(readTimeline(file)).toEqual([records[2]]);
});

test("JSON that is no record is dropped and said", () => {
  writeFileSync(file, 'null\n[]\n{"type":"down"}\n');
  expect(readTimeline(file).map((record) => record.type)).toEqual(["log", "log", "log"]);
});

test("a writer after a crash does not continue the torn line", () => {
  appendFileSync(file, '{"atMs":7,"ty');
  const log = openTimelineLog(file);
  log.write(records[2]!);
  log.close();
  expect(readTimeline(file).map((record) => record.type)).toEqual(["log", "down"]);
});

test("a full disk is told at once, and close throws it", () => {
  const onError = vi.fn<(error: Error) => void>();
  const log = openTimelineLog("/dev/full", onError);
  log.write(records[0]!);
  log.write(records[1]!);
  expect(onError).toHaveBeenCalledTimes(1);
  expect(onError.mock.calls[0]![0].message).toMatch(/cannot write the timeline .*ENOSPC/);
  expect(() => log.close()).toThrow(/ENOSPC/);
});

test("a record after close is an error, not lost", () => {
  const onError = vi.fn<(error: Error) => void>();
  const log = openTimelineLog(file, onError);
  log.close();
  log.write(records[0]!);
  expect(onError).toHaveBeenCalledTimes(1);
});

test("a directory that is not there is an error when opening", () => {
  expect(() => openTimelineLog(join(directory, "no", "where"))).toThrow(/ENOENT/);
});

test("the recorder stamps by its clock, in order, to every sink", () => {
  const nows = [0.50004, 2, 1];
  const seen: TimelineRecord[] = [];
  const other: TimelineRecord[] = [];
  const record = createRecorder(() => nows.shift()!, [(r) => seen.push(r), (r) => other.push(r)]);
  for (let i = 0; i < 3; i++) record({ type: "down", tookMs: i });
  expect(seen.map((r) => r.atMs)).toEqual([0.5, 2, 2]);
  expect(other).toEqual(seen);
});
