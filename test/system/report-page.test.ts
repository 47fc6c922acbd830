import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { failingTimeline } from "../../src/report/testdata/rack-spine.ts";
import { writeReports } from "../../src/report/write.ts";
import { BrowserPage } from "./browser.ts";
import { spinelab } from "./spinelab.ts";

/** The HTML page as a browser has it: the slider moves, the picture follows. */
const folder = mkdtempSync(join(tmpdir(), "spinelab-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the slider moves the picture, the tables and the words; evidence is linked", async () => {
  const records = failingTimeline();
  const cut = records.find((record) => record.type === "event" && record.changes !== undefined)!;
  await writeReports(folder, records, [{ path: "tor0/frr.log", content: "a line of the log" }]);
  await using page = await BrowserPage.open(join(folder, "report.html"));

  const slideTo = (atMs: number) =>
    page.evaluate<string>(`(() => {
      const slider = document.getElementById("time");
      slider.value = ${atMs};
      slider.dispatchEvent(new Event("input"));
      return document.getElementById("now").textContent;
    })()`);
  const linksDown = () =>
    page.evaluate<string[]>(
      `[...document.querySelectorAll('g.link[data-state="down"]')].map((link) => link.dataset.detail)`,
    );
  await slideTo(cut.atMs - 50);
  expect(await linksDown()).toEqual([]);
  expect(Number.parseFloat(await slideTo(cut.atMs + 500))).toBeCloseTo((cut.atMs + 500) / 1000, 1);
  expect(await linksDown()).toEqual(["router0:net1 – tor1:net0"]);
  expect(await page.evaluate<string>(`document.getElementById("moment").textContent`)).not.toBe("");

  // A node chosen shows what it held then.
  const tables = (node: string) =>
    page.evaluate<string>(`(() => {
      const of = [...document.querySelectorAll("g.node")].find((one) =>
        one.getAttribute("aria-label").startsWith("${node}"));
      of.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      return document.getElementById("node-tables").innerText;
    })()`);
  await slideTo(cut.atMs - 50);
  expect(await tables("router0")).toMatch(/session\s+tor1\s+Established/);
  await slideTo(records.at(-1)!.atMs);
  expect(await page.evaluate<string>(`document.getElementById("node-tables").innerText`)).toMatch(
    /session\s+tor1\s+Idle/,
  );

  // Marks, bars and differences are drawn, each with a size.
  for (const what of [".mark.event", ".bar.loss", ".cursor"]) {
    const width = await page.evaluate<number>(
      `document.querySelector("${what}").getBoundingClientRect().width`,
    );
    expect({ what, width }).not.toEqual({ what, width: 0 });
  }
  expect(
    await page.evaluate<string>(`document.querySelector(".state-changes").textContent`),
  ).toMatch(/BGP table\s+10\.1\.3\.0\/24\s+via tor1/);
  const href = await page.evaluate<string>(`document.querySelector(".evidence a").href`);
  expect(href).toBe(`file://${folder}/evidence/tor0/frr.log`);
  expect(page.complaints).toEqual([]);
});

test("report makes the page anew and tells the figures", async () => {
  await writeReports(folder, failingTimeline(), [{ path: "tor0/frr.log", content: "x" }]);
  writeFileSync(join(folder, "report.html"), "");
  const made = await spinelab("report", folder);
  expect(made.status).toBe(1);
  expect(made.stdout).toContain(join(folder, "report.html"));
  await using page = await BrowserPage.open(join(folder, "report.html"));
  expect(await page.evaluate<number>(`document.querySelectorAll(".evidence a").length`)).toBe(1);

  const [run] = JSON.parse((await spinelab("report", folder, "--json")).stdout);
  expect(run).toMatchObject({ lab: "rack-spine", verdict: "fail" });
  expect((await spinelab("report", folder, "--markdown")).stdout).toMatch(
    /^### ❌ Spinelab: 1 of 1/,
  );
  expect(await spinelab("report", join(folder, "nowhere"))).toMatchObject({ status: 2 });
});
