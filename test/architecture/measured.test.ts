import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { withMeasured } from "../../bench/measured.ts";

const page = [
  "# Page",
  "<!-- measured: one -->",
  "old",
  "<!-- end -->",
  "prose",
  "<!-- measured: two -->",
  "<!-- end -->",
  "",
].join("\n");

it("what a bench printed takes the place of what it printed before, and of nothing else", () => {
  const once = withMeasured(page, "one", "| | a |\n|---|---|\n| x | 1 |\n")!;
  expect(once).toBe(page.replace("old", "\n| | a |\n|---|---|\n| x | 1 |\n"));
  expect(withMeasured(once, "one", "| | a |\n|---|---|\n| x | 1 |\n")).toBe(once);
  expect(withMeasured(page, "two", "took 5 ms\n")).toContain("```\ntook 5 ms\n```");
});

it("a page without a place for it stays; one whose place has no end is refused", () => {
  expect(withMeasured(page, "three", "")).toBeUndefined();
  expect(() => withMeasured(page.replace("old\n<!-- end -->\n", ""), "one", "")).toThrow("no '<!");
});

it("docs/performance.md has a place for every bench that it says is written by a run", () => {
  const file = new URL("../../docs/performance.md", import.meta.url);
  const text = readFileSync(file, "utf8");
  const names = [...text.matchAll(/<!-- measured: (.*) -->/g)].map(([, name]) => name!);
  const benches = readFileSync(new URL("../../bench/all.ts", import.meta.url), "utf8");
  expect(names).toContain("speakers side by side");
  for (const name of names) {
    expect(benches).toContain(`name: "${name}"`);
    expect(withMeasured(text, name, "x")).toBeDefined();
  }
});
