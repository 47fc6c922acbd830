import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository, start, until } from "../system/spinelab.ts";

// Spinelab's own API server takes what kind's takes. It needs kubectl and helm, as the tests on kind do.
const deploy = join(repository, "deploy");
const folder = mkdtempSync(join(tmpdir(), "spinelab-deploy-"));
const kubeconfig = join(folder, "kubeconfig");
const flags = ["--listen", "127.0.0.1:0", "--kubeconfig-out", kubeconfig];
const server = start("apiserver", ...flags);

function kubectl(args: readonly string[], input?: string): string {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const options = { env, stdio: ["pipe", "pipe", "pipe"], ...(input !== undefined && { input }) };
  return execFileSync("kubectl", args, options as { env: NodeJS.ProcessEnv }).toString();
}

beforeAll(async () => {
  let said = "";
  server.stdout!.on("data", (bytes: Buffer) => (said += bytes.toString()));
  await until("the API server serves", () => said.includes("serving on"));
});
afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true });
});

test("deploy/ applies in its own order, and once more", () => {
  expect(kubectl(["apply", "-f", deploy])).toContain("daemonset.apps/spinelab-agent created");
  const again = kubectl(["apply", "--dry-run=server", "-f", deploy]);
  expect(again).toContain("daemonset.apps/spinelab-agent unchanged (server dry run)");
  expect(again).not.toMatch(/created/);
});

test("the chart's manifests are taken as well", () => {
  const chart = join(deploy, "helm/spinelab");
  const args = ["template", "spinelab", chart, "--namespace", "spinelab-system"];
  const manifests = execFileSync("helm", args).toString();
  expect(kubectl(["apply", "--dry-run=server", "-f", "-"], manifests)).toContain(
    "deployment.apps/spinelab-operator",
  );
});
