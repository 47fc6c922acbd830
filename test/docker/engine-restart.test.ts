import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository, until } from "../system/spinelab.ts";
import { type Commands, commandsOn, leftOn } from "./commands.ts";
import { frrImage, speakerImage, testEngine } from "./engine.ts";

// An engine of its own, since it is killed: in a network namespace, without rules or a bridge of its own.
const shared = testEngine();
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-engine-"));
const socket = path.join(folder, "docker.sock");
const own = new Docker({ socketPath: socket });
const lab = `restart-${process.pid}`;

/** Holds the network namespace; the engine comes and goes in it. */
let holder: ChildProcess;
let engine: ChildProcess;
let commands: Commands;

beforeAll(async () => {
  holder = spawn("unshare", ["-n", "-m", "sh", "-c", "ip link set lo up; exec sleep infinity"]);
  await until("the namespace", () =>
    execFileSync("readlink", [`/proc/${holder.pid}/exe`], { encoding: "utf8" }).includes("sleep"),
  );
  await startEngine();
  for (const name of [
    frrImage,
    await speakerImage(shared),
    `spinelab/node:${process.versions.node}`,
  ]) {
    const image = await shared.getImage(name).get();
    for await (const _ of await own.loadImage(image as NodeJS.ReadableStream));
  }
  commands = commandsOn(`unix://${socket}`, path.join(folder, "state"));
}, 300_000);

afterAll(async () => {
  if (engine) await endEngine("SIGTERM");
  holder?.kill("SIGKILL");
  await once(holder, "close");
  const mounted = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((each) => each.startsWith(`${folder}/`))
    .sort()
    .toReversed();
  for (const each of mounted) execFileSync("umount", [each]);
  rmSync(folder, { recursive: true, force: true });
});

test("killed and started again under a running lab: play says so, down leaves nothing", async () => {
  const file = path.join(repository, "test/docker/two-routers");
  const up = ["up", `${file}/lab.yaml`, "--name", lab, "--runtime", "docker"];
  expect(await commands.run(...up)).toMatchObject({ status: 0 });
  await endEngine("SIGKILL");
  await startEngine();
  const play = await commands.run("play", lab, `${file}/scenario.yaml`, "--report", folder);
  expect(play.stderr).toContain("was stopped or restarted");
  expect(play.status).toBe(3);
  expect(await commands.run("down", lab)).toMatchObject({ status: 0 });
  expect(await leftOn(own, lab)).toEqual([]);
  expect(commands.folderOf(lab)).toBe(undefined);
  const networks = await own.listNetworks();
  expect(networks.map(({ Name }) => Name)).not.toContain("two-routers");
});

async function startEngine(): Promise<void> {
  // Of a killed one, whose containerd went with it, the next would wait for.
  for (const name of ["pid", "exec/containerd/containerd.pid"])
    rmSync(path.join(folder, name), { force: true });
  const roots = ["--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`];
  const apart = ["--bridge", "none", "--iptables=false", "--ip6tables=false", "--group", "root"];
  const argv = [
    "dockerd",
    ...roots,
    ...apart,
    "--pidfile",
    `${folder}/pid`,
    "--host",
    `unix://${socket}`,
  ];
  engine = spawn("nsenter", ["-t", String(holder.pid), "-n", "-m", ...argv], { stdio: "ignore" });
  await until(
    "the engine answers",
    async () => existsSync(socket) && (await own.ping()) !== undefined,
    60_000,
  );
}

async function endEngine(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const ended = once(engine, "close");
  engine.kill(signal);
  await ended;
  rmSync(socket, { force: true });
}
