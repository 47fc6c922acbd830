import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { spinelab, traces } from "./spinelab.ts";

/** What of FRR's configuration is subtle, asked of FRR itself and of the simulation. */
const folder = mkdtempSync(join(tmpdir(), "spinelab-frr-configuration-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["frr-configuration", "netns"],
  ["frr-configuration", "sim"],
  ["frr-way-out", "netns"],
  ["frr-way-out", "sim"],
])("%s: routes and attributes are as the lab says on %s", async (name, runtime) => {
  const lab = `${name}-${process.pid}`;
  const before = traces(lab);
  const files = join("test", "system", name);
  const options = ["--runtime", runtime, "--name", lab, "--report", folder];
  const { stdout, stderr } = await spinelab("run", files, ...options);
  expect(traces(lab)).toEqual(before);
  expect(stdout + stderr).toContain("PASSED");
});
