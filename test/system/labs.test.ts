import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { repository, succeed, traces } from "./spinelab.ts";

/** Every lab that ships, whole: deployed, played, reported, gone. */
const folder = mkdtempSync(join(tmpdir(), "spinelab-labs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const labs = readdirSync(join(repository, "labs"));

// Side by side, as many at once as vitest.config.ts says: a lab mostly waits for timers.
test.concurrent.for(labs)("%s passes, writes its reports and leaves no trace", async (name) => {
  const lab = `${name}-${process.pid}`;
  const before = traces(lab);
  const stdout = await succeed("run", name, "--name", lab, "--report", folder);
  expect(stdout).toContain("PASSED");
  expect(traces(lab)).toEqual(before);

  const report = (file: string) => readFileSync(join(folder, lab, file), "utf8");
  const records = report("timeline.jsonl")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as TimelineRecord);
  const last = records.at(-1);
  if (last?.type !== "down") throw new Error(`the timeline ends with ${last?.type}`);
  // Nothing is waited for until its limit, the shortest of which is 5 s.
  expect(last.tookMs).toBeLessThan(4000);
  const checks = records.filter((record) => record.type === "check");
  expect(checks.length).toBeGreaterThan(20);
  expect(checks.every((check) => check.verdict === "pass")).toBe(true);
  expect(
    records.some(
      (record) => record.type === "step" && record.state === "end" && record.convergeMs! > 0,
    ),
  ).toBe(true);
  expect(report("junit.xml")).toContain(`tests="${checks.length}"`);
  expect(report("report.html")).not.toMatch(/(src|href)="https?:/);
});

test("npm run lab, by itself, lists the labs", () => {
  const text = execFileSync("npm", ["run", "--silent", "lab"], {
    cwd: repository,
    encoding: "utf8",
  });
  for (const name of labs) expect(text).toContain(name);
});
