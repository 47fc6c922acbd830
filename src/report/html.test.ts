import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { reportHtml } from "./html.ts";
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
  hostile: hostileTimeline,
};

test.each(Object.entries(timelines))("%s: golden text", (name, timeline) => {
  // What a reader sees; the markup around it may change without anybody's notice.
  const text = visibleText(reportHtml(timeline()));
  expect(text).toBe(golden(`${name}.html.txt`, text));
});

test.each(Object.entries(timelines))("%s: asks nothing of anyone", (_name, timeline) => {
  const page = reportHtml(timeline(), ["tor0/frr.log", "../<a>:http"]);
  expect(page).not.toMatch(/https?:|@import|\burl\(/i);
  for (const tag of page.match(/<[a-z][^>]*>/gi) ?? []) {
    expect(tag).not.toMatch(/^<(link|iframe|img|object|embed|base)\b/i);
    // To the bundle beside the page, and nowhere else.
    if (/^<a href="evidence\/[^":]*"/.test(tag)) continue;
    expect(tag.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/\s(src|href|action|on\w+)=/i);
  }
});

test("what a router told by BMP stands in its lane, in order of time with the rest", () => {
  const timeline = passingTimeline();
  const at = timeline.findIndex((record) => record.type === "routeChange");
  const { atMs } = timeline[at]!;
  const of = { node: "tor0", peer: "10.0.0.9", atMs };
  timeline.splice(
    at,
    0,
    { type: "sessionChange", ...of, state: "down", reason: "received Cease/Hard Reset" },
    {
      type: "routeChange",
      ...of,
      table: "rib",
      rib: "post-policy",
      change: "delete",
      prefix: "10.1.9.0/24",
    },
  );
  const page = reportHtml(timeline);
  expect(page).toContain("session with 10.0.0.9 down: received Cease/Hard Reset");
  expect(page).toContain("post-policy delete 10.1.9.0/24 of 10.0.0.9");
});

test("hostile text stays text", () => {
  const page = reportHtml(hostileTimeline());
  // The data of the page and of the timeline, and the page's own script.
  expect(page.match(/<script/gi)).toHaveLength(3);
  expect(page.match(/<\/script/gi)).toHaveLength(3);
  const benign = Object.values(timelines).filter((timeline) => timeline !== hostileTimeline);
  const known = tagNames(benign.map((timeline) => reportHtml(timeline())).join(""));
  expect([...tagNames(page)].filter((name) => !known.has(name))).toEqual([]);
  expect(page).not.toContain("<!--");
});

test("the records in the page are the timeline, byte for byte as JSON", () => {
  for (const timeline of Object.values(timelines)) {
    const page = reportHtml(timeline());
    const embedded = /<script type="application\/json" id="timeline">([^<]*)<\/script>/.exec(page);
    expect(JSON.parse(embedded![1]!)).toEqual(timeline());
  }
});

test("the policy lets the page's own script run, and no other", () => {
  const page = reportHtml(passingTimeline());
  const script = /<script>([\s\S]*?)<\/script>/.exec(page)![1]!;
  const hash = createHash("sha256").update(script).digest("base64");
  expect(page).toContain(`script-src &#39;sha256-${hash}&#39;`);
  expect(page).toContain("default-src &#39;none&#39;");
});

test("every element that the script moves is in the page", () => {
  const page = reportHtml(passingTimeline());
  const data = /<script type="application\/json" id="page-data">([^<]*)<\/script>/.exec(page)!;
  const { changes, routes } = JSON.parse(data[1]!);
  expect(changes).toEqual([
    { atMs: expect.any(Number), id: "link-1", state: "down" },
    { atMs: expect.any(Number), id: "link-1", state: "up" },
    { atMs: expect.any(Number), id: "node-6", state: "degraded" },
    { atMs: expect.any(Number), id: "node-6", state: "up" },
  ]);
  for (const { id } of [...changes, ...routes]) expect(page).toContain(`id="${id}"`);
});

function tagNames(page: string): Set<string> {
  return new Set([...page.matchAll(/<([a-z][\w-]*)/gi)].map((found) => found[1]!));
}

function visibleText(page: string): string {
  const body = page.slice(page.indexOf("<main>"), page.indexOf("</main>"));
  const text = body
    .replaceAll(/<(title|style)>[^<]*<\/\1>/g, "")
    .replaceAll(/<\/?(b|em|i|mark|span|small|code|dt|dd|th|td|time|button|output)\b[^>]*>/g, " ")
    .replaceAll(/<[^>]*>/g, "\n");
  const lines = text.split("\n").map((line) => line.replaceAll(/\s+/g, " ").trim());
  return `${lines.filter((line) => line !== "").join("\n")}\n`;
}
