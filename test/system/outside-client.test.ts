import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { spinelab, traces } from "./spinelab.ts";

/** A client outside the cluster, behind a router that knows of the cluster by BGP alone. */
const folder = mkdtempSync(join(tmpdir(), "spinelab-outside-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Resolves with the verdict's words; nothing may be left behind. */
async function play(scenario: string, directory = "outside-client"): Promise<string> {
  const lab = `outside-${scenario}-${process.pid}`;
  const before = traces(lab);
  const files = join("test", "system", directory);
  const options = ["--name", lab, "--report", folder];
  const file = join(files, `${scenario}.yaml`);
  const { stdout, stderr } = await spinelab("run", files, "--scenario", file, ...options);
  expect(traces(lab)).toEqual(before);
  return stdout + stderr;
}

test("services: each kind of address, both traffic policies; endpoints and nodes fail over", async () => {
  expect(await play("services")).toContain("PASSED");
});

test("egress gateway: seen by the egress IP from every node; another gateway takes its place", async () => {
  expect(await play("egress")).toContain("PASSED");
});

test("egress gateway: by a named interface and its routes alone, in both address families", async () => {
  expect(await play("scenario", "egress-interface")).toContain("PASSED");
});

test("the control plane's node stops: no API, sessions and routes stay, all catches up", async () => {
  expect(await play("control-plane")).toContain("PASSED");
});

test("pod IP pools: CIDRs for the nodes whose pods ask, addresses of them, reached from outside", async () => {
  expect(await play("pools")).toContain("PASSED");
});
