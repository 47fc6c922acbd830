import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, start } from "../system/spinelab.ts";
import { leftovers, nothing } from "./kind-traces.ts";
import { type Sshd, startSshd } from "./sshd.ts";

/** The engine of DOCKER_HOST as another machine's, behind a real sshd. */
const lab = "rack-spine-far";
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-kind-ssh-"));
const minutes = 60_000;
let sshd: Sshd;

beforeAll(async () => {
  const cache = process.env["SPINELAB_CACHE"] ?? "/var/cache/spinelab";
  sshd = await startSshd(folder, path.join(cache, "sshd"));
});
afterAll(async () => {
  await sshd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test(
  "rack-spine passes on an engine that is reached over ssh, kind and all",
  async () => {
    const socket = new URL(process.env["DOCKER_HOST"]!).pathname;
    const engine = `ssh://root@127.0.0.1:${sshd.port}${socket}`;
    const report = path.join(folder, "reports");
    // What the command, kind and docker are told of the engine, they are told by --docker.
    const env = { HOME: sshd.home, DOCKER_HOST: undefined };
    const before = { HOME: process.env["HOME"], DOCKER_HOST: process.env["DOCKER_HOST"] };
    change(env);
    const child = start(
      ...["run", "rack-spine", "--name", lab, "--runtime", "docker", "--docker", engine],
      ...["--report", report],
    );
    change(before);
    const { status, stdout, stderr } = await finished(child);
    expect({ status, stderr, passed: stdout.includes("79 passed") || stdout }).toEqual({
      ...{ status: 0, stderr: "", passed: true },
    });
    expect(readFileSync(path.join(report, lab, "timeline.jsonl"), "utf8")).toContain(engine);
    expect(await leftovers(lab, "kind")).toEqual(nothing);
  },
  10 * minutes,
);

function change(env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
