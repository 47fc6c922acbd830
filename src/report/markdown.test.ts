import { expect, test } from "vitest";
import { reportMarkdown } from "./markdown.ts";
import { golden } from "./testdata/golden.ts";
import {
  failedDeployTimeline,
  failingTimeline,
  hostileTimeline,
  inconclusiveTimeline,
  passingTimeline,
} from "./testdata/rack-spine.ts";

test("a comment: every run in the table, what failed below it", () => {
  const text = reportMarkdown([
    passingTimeline(),
    failingTimeline(),
    inconclusiveTimeline(),
    failedDeployTimeline(),
  ]);
  expect(text).toBe(golden("comment.md", text));
});

test("all passed: a title and a table", () => {
  expect(reportMarkdown([passingTimeline()])).toMatch(/^### ✅ Spinelab: 1 run passed\n/);
  expect(reportMarkdown([passingTimeline()])).not.toContain("<details>");
});

test("hostile text makes no tag, no cell and calls nobody", () => {
  const text = reportMarkdown([hostileTimeline()]).replaceAll(/(`+)[^`]+\1(?!`)/g, "code");
  expect(text.replaceAll(/<\/?(?:details|summary)>/g, "")).not.toMatch(/<[a-z/]/i);
  for (const row of text.split("\n").filter((line) => line.startsWith("|"))) {
    expect(row.split("|")).toHaveLength(10);
  }
  expect(text).not.toContain("@");
});
