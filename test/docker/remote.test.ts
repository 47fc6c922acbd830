import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { speakerImage, testEngine } from "./engine.ts";
import { type Commands, commandsOn, leftOn } from "./commands.ts";
import { writeRackSpineRouters } from "./rack-spine-routers.ts";
import { type Sshd, startSshd } from "./sshd.ts";

// A lab on another machine's engine, which is reached by SSH alone: there is no docker command here.
const docker = testEngine();
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-remote-"));
const cache = process.env["SPINELAB_CACHE"] ?? "/var/cache/spinelab";
const lab = `remote-${process.pid}`;

let sshd: Sshd;
let address: string;
let commands: Commands;
let files: { lab: string; scenario: string };

beforeAll(async () => {
  await speakerImage(docker);
  sshd = await startSshd(folder, path.join(cache, "sshd"));
  const socket = process.env["DOCKER_HOST"]!.slice("unix://".length);
  address = `ssh://root@127.0.0.1:${sshd.port}${socket}`;
  commands = commandsOn("", path.join(folder, "state"), {
    HOME: sshd.home,
    PATH: pathWithout("docker"),
    DOCKER_HOST: undefined,
  });
  files = writeRackSpineRouters(folder, "rack-spine-routers");
  const up = ["up", files.lab, "--name", lab, "--runtime", "docker", "--docker", address];
  expect(await commands.run(...up)).toMatchObject({ status: 0 });
});

afterAll(async () => {
  expect(await commands.run("down", lab)).toMatchObject({ status: 0 });
  expect(await leftOn(docker, lab)).toEqual([]);
  expect(commands.folderOf(lab)).toBe(undefined);
  await sshd[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test("exec: output, errors, input and status are the command's own", async () => {
  const script = "cat; echo careful >&2; exit 7";
  const ended = commands.start("exec", "tor0", "--", "sh", "-c", script);
  ended.child.stdin!.end("line\n".repeat(10_000));
  const { status, stdout, stderr } = await ended;
  expect({ status, stderr }).toEqual({ status: 7, stderr: "careful\n" });
  expect(stdout).toBe("line\n".repeat(10_000));
  expect(await commands.run("exec", "tor0", "--", "no-such-command")).toMatchObject({
    status: 127,
  });
});

test("exec: a signal reaches the command there", async () => {
  const script = 'trap "echo caught; exit 3" INT; echo ready; while :; do sleep 0.1; done';
  const ended = commands.start("exec", "tor0", "--", "sh", "-c", script);
  await new Promise((resolve) => ended.child.stdout!.once("data", resolve));
  ended.child.kill("SIGINT");
  expect(await ended).toMatchObject({ status: 3 });
});

test("a scenario plays as on this machine", async () => {
  const { status, stdout } = await commands.run("play", lab, files.scenario, "--report", folder);
  expect(stdout).toContain("srv-worker");
  expect({ status, stdout }).toMatchObject({ status: 0 });
});

test("capture: bytes as tcpdump wrote them, and it ends with its count", async () => {
  const filter = ["-c", "4", "-w", "-", "tcp", "port", "179"];
  const { status, bytes } = await commands.bytes(
    "capture",
    "tor0:net0",
    "--lab",
    lab,
    "--",
    ...filter,
  );
  // The magic number of a capture file, with microseconds, as little-endian machines write it.
  expect(bytes.readUInt32LE(0)).toBe(0xa1b2c3d4);
  expect(status).toBe(0);
});

test("a terminal: the shell has one, of this window's size", async () => {
  // script(1) makes a terminal and runs the command in it.
  const size = 'while [ "$(stty size)" = "0 0" ]; do sleep 0.1; done; stty size';
  const line = `stty rows 33 cols 99; ${commands.line("exec", "tor0", "--", "sh", "-c", size)}`;
  const { stdout } = await commands.other("script", "-qec", line, "/dev/null");
  expect(stdout).toContain("33 99");
});

test("logs: the container's own output and the daemons' files", async () => {
  await commands.run("exec", "tor0", "--", "sh", "-c", "echo from a daemon >/var/log/frr/bgpd.log");
  const { stdout, status } = await commands.run("logs", "tor0");
  expect(stdout).toContain(`==> container clab-${lab}-tor0 <==`);
  expect(stdout).toContain("watchfrr");
  expect(stdout).toContain("==> /var/log/frr/bgpd.log <==\nfrom a daemon");
  expect(status).toBe(0);
});

test("the connection is cut while a scenario plays: inconclusive, and down connects anew", async () => {
  const ended = commands.start("play", lab, files.scenario, "--report", folder);
  await new Promise((resolve) => ended.child.stdout!.once("data", resolve));
  sshd.cutSessions();
  const { status, stdout, seconds } = await ended;
  expect(stdout).toMatch(/Docker engine at ssh:\/\/.* was stopped or restarted, or the connection/);
  expect(status).toBe(3);
  expect(seconds).toBeLessThan(30);
});

/** The folders of PATH, each as links to all but that command. */
function pathWithout(command: string): string {
  const folders = process.env["PATH"]!.split(":").concat("/usr/sbin", "/sbin");
  const links = path.join(folder, "bin");
  mkdirSync(links);
  for (const each of folders.filter((name) => existsSync(name))) {
    for (const name of readdirSync(each)) {
      if (name !== command && !existsSync(path.join(links, name))) {
        try {
          symlinkSync(path.join(each, name), path.join(links, name));
        } catch {
          // A link that leads nowhere has the name already.
        }
      }
    }
  }
  return links;
}
