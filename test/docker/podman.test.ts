import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentError } from "../../src/input/diagnostic.ts";
import { repository, until } from "../system/spinelab.ts";
import { type Commands, commandsOn, leftOn } from "./commands.ts";
import { frrImage, speakerImage, testEngine } from "./engine.ts";

// Podman's own service, in network and mount namespaces of its own, with the images of the test engine.
const docker = testEngine();
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-podman-"));
const socket = path.join(folder, "podman.sock");
const lab = `podman-${process.pid}`;
const podman = new Docker({ socketPath: socket });

let service: ChildProcess;
let commands: Commands;

beforeAll(async () => {
  requirePodman();
  const settings = path.join(folder, "containers.conf");
  // A machine's own limits may be lower than Podman's wishes, and it may not raise them.
  writeFileSync(
    settings,
    `[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n` +
      `[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "${folder}/networks"\n`,
  );
  const own = ["root", "runroot", "tmpdir"].flatMap((name) => [`--${name}`, `${folder}/${name}`]);
  const argv = ["podman", ...own, "--cgroup-manager", "cgroupfs", "--events-backend", "file"];
  const script = 'ip link set lo up && exec "$@"';
  const serve = [...argv, "system", "service", "--time", "0", `unix://${socket}`];
  service = spawn("unshare", ["-n", "-m", "sh", "-c", script, "sh", ...serve], {
    env: { ...process.env, CONTAINERS_CONF: settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  service.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  await until("Podman answers", async () => {
    if (service.exitCode !== null) throw new Error(said);
    return existsSync(socket) && (await podman.ping()) !== undefined;
  });
  await copyImages([
    frrImage,
    await speakerImage(docker),
    `spinelab/node:${process.versions.node}`,
  ]);
  commands = commandsOn(`unix://${socket}`, path.join(folder, "state"));
}, 300_000);

afterAll(async () => {
  if (service) {
    const ended = once(service, "close");
    service.kill("SIGTERM");
    await ended;
  }
  const mounted = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((each) => each.startsWith(`${folder}/`))
    .sort()
    .toReversed();
  for (const each of mounted) execFileSync("umount", [each]);
  rmSync(folder, { recursive: true, force: true });
});

test("routers and links: a lab plays, and nothing is left of it", async () => {
  const file = path.join(repository, "test/docker/two-routers/lab.yaml");
  const args = ["run", file, "--name", lab, "--runtime", "docker", "--report", folder];
  const { status, stdout, stderr } = await commands.run(...args);
  expect(stderr).toContain("note: Podman");
  expect({ status, stdout }).toMatchObject({ status: 0 });
  expect(await leftOn(podman, lab)).toEqual([]);
});

test("kind clusters are refused before anything is made", async () => {
  const args = ["run", "rack-spine", "--name", lab, "--runtime", "docker", "--report", folder];
  const { status, stdout } = await commands.run(...args);
  expect(stdout).toMatch(/is\s+Podman,\s+and\s+clusters\s+need\s+Docker/);
  expect(stdout).toContain("--runtime netns");
  expect(status).toBe(3);
  expect(await leftOn(podman, lab)).toEqual([]);
});

function requirePodman(): void {
  try {
    execFileSync("podman", ["--version"], { stdio: "pipe" });
  } catch (cause) {
    const install =
      "apt-get install --no-install-recommends podman netavark aardvark-dns catatonit";
    throw Object.assign(new EnvironmentError("Podman is not installed", install), { cause });
  }
}

async function copyImages(names: string[]): Promise<void> {
  for (const name of names) {
    const image = await docker.getImage(name).get();
    const progress = await podman.loadImage(image as NodeJS.ReadableStream);
    for await (const _ of progress);
  }
}
