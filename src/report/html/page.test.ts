import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";

type Change = { atMs: number; id: string; state: string };
type Look = {
  atMs: number;
  changes: { node: string; table: string; key: string; before?: string; after?: string }[];
};
type Moment = { atMs: number; text: string };

// The page's script as a browser runs it, but without a document.
const page = runInNewContext(
  `${readFileSync(new URL("page.js", import.meta.url), "utf8")};
  ({ tablesAt, statesAt, momentAt, nextMoment, axisTimes, axisLabel })`,
) as {
  statesAt(changes: Change[], atMs: number): Map<string, string>;
  tablesAt(state: Look[], node: string, atMs: number): { key: string; after: string }[];
  momentAt(moments: Moment[], atMs: number): Moment | undefined;
  nextMoment(moments: Moment[], atMs: number, direction: 1 | -1): Moment | undefined;
  axisTimes(fromMs: number, toMs: number, count: number): number[];
  axisLabel(atMs: number, spanMs: number): string;
};

test("the fabric at a time: the last change of each element counts", () => {
  const changes = [
    { atMs: 10, id: "link-1", state: "down" },
    { atMs: 20, id: "node-2", state: "degraded" },
    { atMs: 30, id: "link-1", state: "up" },
  ];
  expect([...page.statesAt(changes, 9)]).toEqual([]);
  expect([...page.statesAt(changes, 10)]).toEqual([["link-1", "down"]]);
  expect([...page.statesAt(changes, 99)]).toEqual([
    ["link-1", "up"],
    ["node-2", "degraded"],
  ]);
});

test("the tables of a node at a time: sessions first, what went is gone", () => {
  const rib = { node: "tor0", table: "rib", key: "10.0.0.0/8" };
  const state: Look[] = [
    {
      atMs: 10,
      changes: [
        { ...rib, after: "via a" },
        { ...rib, node: "tor1", after: "via x" },
        { node: "tor0", table: "session", key: "spine", after: "Established" },
      ],
    },
    { atMs: 20, changes: [{ ...rib, before: "via a", after: "via b" }] },
    { atMs: 30, changes: [{ ...rib, before: "via b" }] },
  ];
  const at = (atMs: number) => page.tablesAt(state, "tor0", atMs).map(({ after }) => after);
  expect(at(9)).toEqual([]);
  expect(at(10)).toEqual(["Established", "via a"]);
  expect(at(25)).toEqual(["Established", "via b"]);
  expect(at(30)).toEqual(["Established"]);
});

test("moments: at a time, before it and after it", () => {
  const moments = [10, 20, 30].map((atMs) => ({ atMs, text: String(atMs) }));
  expect(page.momentAt(moments, 9)).toBeUndefined();
  expect(page.momentAt(moments, 25)?.atMs).toBe(20);
  expect(page.nextMoment(moments, 20, 1)?.atMs).toBe(30);
  expect(page.nextMoment(moments, 20, -1)?.atMs).toBe(10);
  expect(page.nextMoment(moments, 30, 1)).toBeUndefined();
});

test.each([
  [0, 8000, 9, [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000]],
  [2870, 3500, 6, [3000, 3200, 3400]],
  [0, 0, 5, []],
  [0, 9_000_000, 9, [0, 20, 40, 60, 80, 100, 120, 140].map((minutes) => minutes * 60_000)],
])("an axis from %d to %d ms in about %d parts", (fromMs, toMs, count, times) => {
  expect([...page.axisTimes(fromMs, toMs, count)]).toEqual(times);
});

test("hours are told as hours", () => {
  expect(page.axisLabel(40_000, 60_000)).toBe("40 s");
  expect(page.axisLabel(1_200_000, 9_000_000)).toBe("20:00");
  expect(page.axisLabel(8_400_000, 9_000_000)).toBe("2:20:00");
  expect(page.axisLabel(125_300, 9_000)).toBe("2:05.3");
});

test("an axis tells its times apart", () => {
  for (const spanMs of [7, 40, 600, 5000, 90_000]) {
    const labels = page.axisTimes(1000, 1000 + spanMs, 8).map((at) => page.axisLabel(at, spanMs));
    expect(new Set(labels).size).toBe(labels.length);
    expect(labels.length).toBeGreaterThan(2);
  }
});
