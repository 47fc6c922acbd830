import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { InputError } from "../../src/input/diagnostic.ts";
import { lab } from "spinelab";
import "spinelab/vitest";
import { readTimeline } from "../../src/timeline/log.ts";
import { succeed } from "./spinelab.ts";

test("matchers fail with what was seen, mistakes are all told, and nothing is left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-library-"));
  let name: string;
  {
    await using fabric = await lab("rack-spine", { report: folder });
    ({ name } = fabric);
    expect(await succeed("list")).toMatch(new RegExp(`${name} +up`));
    const tor0 = fabric.at("tor0");
    await expect(tor0).toHaveRoute("10.1.1.0/24", { via: "kind-worker" });

    await expect(
      expect(tor0).toHaveRoute("10.1.1.0/24", { via: "router0", within: "200ms" }),
    ).rejects.toThrow(/differs +via kind-worker, not router0/);
    await expect(
      expect(tor0).not.toHaveRoute("10.1.1.0/24", { via: "kind-worker" }),
    ).rejects.toThrow(/expected this not to hold/);
    await expect(expect(tor0).not.toHaveRoute("10.1.1.0/24", { within: "200ms" })).rejects.toThrow(
      /differs +it is there/,
    );
    await expect(expect(tor0).toHaveSession("tor1", { within: "100ms" })).rejects.toThrow(
      /no such session/,
    );
    await expect(
      expect(fabric.at("netshoot@kind-worker")).not.toReach("tor0", { count: 1, within: "100ms" }),
    ).rejects.toThrow(/loss/);
    expect(() => expect(fabric).toConvergeWithin("1s")).toThrow(/nothing converged/);

    // What cannot be seen does not hold, and does not not hold.
    await fabric.do({ daemon: { on: "tor1", daemon: "bgpd", do: "stop" } });
    await expect(expect(fabric.at("tor1")).not.toHaveSession("router0")).rejects.toThrow(
      /inconclusive[\s\S]*bgpd is not running/,
    );
    await fabric.do({ daemon: { on: "tor1", daemon: "bgpd", do: "start" } });

    const wrong = fabric.step({
      within: "5",
      do: [{ link: { between: ["router0", "tor7"], set: "down" } }],
    });
    await expect(wrong).rejects.toThrow(InputError);
    await expect(wrong).rejects.toThrow(
      /write the unit[\s\S]*no node 'tor7'|tor7[\s\S]*write the unit/,
    );
    await expect(fabric.do({ exec: { on: "tor0", command: "false" } })).rejects.toThrow(/exit 1/);
  }
  expect(await succeed("list")).not.toContain(name);
  const records = readTimeline(join(folder, "timeline.jsonl"));
  expect(records.findLast((record) => record.type === "verdict")).toMatchObject({
    verdict: "fail",
  });
  expect(existsSync(join(folder, "report.html"))).toBe(true);
  rmSync(folder, { recursive: true });
});

test("a lab that cannot be built is reported as failed, and nothing of it is left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-library-"));
  const topology = join(folder, "broken.clab.yaml");
  const name = `broken-${process.pid}`;
  writeFileSync(
    topology,
    `name: ${name}\ntopology: { nodes: { r1: { kind: linux, exec: ["false"] } } }\n`,
  );
  await expect(lab({ topology }, { report: folder })).rejects.toThrow(/r1: status 1: false/);
  expect(await succeed("list")).not.toContain(name);
  const records = readTimeline(join(folder, "timeline.jsonl"));
  expect(records.findLast((record) => record.type === "verdict")).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("status 1: false"),
  });
  rmSync(folder, { recursive: true });
});
