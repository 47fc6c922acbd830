import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { speakerImage, testEngine } from "./engine.ts";
import { type EngineProxy, proxyEngine } from "./engine-proxy.ts";
import { type Commands, commandsOn, leftOn } from "./commands.ts";

// The engine goes away under the command, at every moment of a lab's life. A socket in front of the
// real engine is what goes, so that the moment can be chosen and the engine's other users are left alone.
const docker = testEngine();
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-lost-"));
const labFile = new URL("two-routers/lab.yaml", import.meta.url).pathname;
/** What a lost engine may cost: it is looked for again for 5 seconds, and the machine may be busy. */
const secondsMax = 20;

let count = 0;
let lab: string;
let engine: EngineProxy;
let commands: Commands;

beforeAll(async () => {
  await speakerImage(docker); // so that no test builds it
});

beforeEach(async () => {
  lab = `lost-${process.pid}-${++count}`;
  const socket = process.env["DOCKER_HOST"]!.slice("unix://".length);
  engine = await proxyEngine(path.join(folder, `${count}.sock`), socket);
  commands = commandsOn(engine.host, path.join(folder, `state-${count}`));
});

afterEach(async () => {
  await engine.appear();
  await commands.run("down", lab);
  await engine[Symbol.asyncDispose]();
  expect(await leftOn(docker, lab)).toEqual([]);
  expect(commands.folderOf(lab)).toBe(undefined);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const up = ["up", labFile, "--runtime", "docker", "--name"];
const run = ["run", labFile, "--runtime", "docker", "--report", folder, "--name"];

test.each([
  ["while containers are made", /POST .*\/containers\/create/],
  ["while exec lines run", /POST .*\/exec\/.*\/start/],
])(
  "killed %s: up ends, says what is lost, and down clears it once the engine is back",
  async (_, moment) => {
    const ended = commands.start(...up, lab);
    await engine.request(moment);
    engine.vanish();
    const { status, stderr, seconds } = await ended;
    expect(seconds).toBeLessThan(secondsMax);
    expect(stderr).toMatch(/cannot do this here: .*Docker engine at unix:.* the lab on it is lost/);
    expect(stderr).toMatch(/what to do: .*docker version/);
    expect(status).toBe(3);

    const early = await commands.run("down", lab);
    expect(early.stderr).toContain(`label spinelab.lab=${lab}`);
    expect(early.stderr).toContain(`spinelab down ${lab}`);
    expect(early.status).toBe(3);
    expect(early.seconds).toBeLessThan(secondsMax);
    expect(commands.folderOf(lab)).not.toBe(undefined);

    await engine.appear();
    expect(await commands.run("down", lab)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`cleared what lab ${lab} had left behind`),
    });
  },
);

test.each([
  ["while containers are made", /POST .*\/containers\/create/],
  ["while containers start", /POST .*\/containers\/.*\/start/],
  ["while links are made and exec lines run", /POST .*\/exec\/.*\/start/],
])("Ctrl-C %s: status 3, and nothing is left", async (_, moment) => {
  const ended = commands.start(...run, lab);
  await engine.request(moment);
  ended.child.kill("SIGINT");
  const { status, stdout, seconds } = await ended;
  expect(stdout).toContain("interrupted (SIGINT)");
  expect(status).toBe(3);
  expect(seconds).toBeLessThan(secondsMax);
  expect(await leftOn(docker, lab)).toEqual([]);
});

test("whoever reads the output goes away, as in `| head`: as with Ctrl-C", async () => {
  const ended = commands.start(...run, lab);
  await engine.request(/POST .*\/containers\/create/);
  ended.child.stdout!.destroy();
  const { status, stderr, seconds } = await ended;
  expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
  expect(seconds).toBeLessThan(secondsMax);
});

test("restarted while a scenario plays: inconclusive, told in the report, and nothing is left", async () => {
  const ended = commands.start(...run, lab);
  await engine.request(/POST .*\/exec\/.*\/start/);
  await commands.until("the scenario's second step", () =>
    readFileSync(`${commands.folderOf(lab)}/timeline.jsonl`, "utf8").includes('"event"'),
  );
  engine.vanish();
  await engine.appear();
  const { status, stdout, seconds } = await ended;
  expect(stdout).toMatch(/stopped or restarted, or the connection to it was cut/);
  expect(stdout).toMatch(/inconclusive/i);
  expect(status).toBe(3);
  expect(readFileSync(path.join(folder, lab, "junit.xml"), "utf8")).toContain(
    "the lab on it is lost",
  );
  expect(seconds).toBeLessThan(60);
  expect(await leftOn(docker, lab)).toEqual([]);
});

test("hung while a lab is built, and then Ctrl-C: it ends", async () => {
  const ended = commands.start(...run, lab);
  await engine.request(/POST .*\/containers\/create/);
  engine.freeze();
  ended.child.kill("SIGINT");
  const { status, stderr, seconds } = await ended;
  expect(seconds).toBeLessThan(60);
  expect(stderr).toContain(`label spinelab.lab=${lab}`);
  expect(status).toBe(3);
});

test("killed while the lab is taken down: what is left is named, and the next down removes it", async () => {
  expect(await commands.run(...up, lab)).toMatchObject({ status: 0 });
  const ended = commands.start("down", lab);
  await engine.request(/DELETE .*\/containers\//);
  engine.vanish();
  const { status, stderr, seconds } = await ended;
  expect(seconds).toBeLessThan(secondsMax);
  expect(stderr).toContain(`there may still be containers of lab ${lab}`);
  expect(status).toBe(3);
});

test("an engine that never comes back: the lab can be forgotten", async () => {
  expect(await commands.run(...up, lab)).toMatchObject({ status: 0 });
  engine.vanish();
  const before = await commands.run("down", lab);
  expect(before.status).toBe(3);
  const refused = await commands.run("down", lab);
  expect(refused.stderr).toContain(`spinelab down ${lab} --forget`);
  expect(refused.status).toBe(3);
  const { stdout } = await commands.run("down", lab, "--forget");
  expect(stdout).toContain(`the containers bear the label spinelab.lab=${lab}`);
  expect(existsSync(commands.folderOf(lab) ?? "/nowhere")).toBe(false);
  const { sweepLab } = await import("../../src/runtime/docker/sweep.ts");
  await sweepLab(docker, lab);
});

test("a container that ends under a running lab fails it, with its log", async () => {
  const ended = commands.start(...run, lab);
  await commands.until("the scenario begins", () =>
    readFileSync(`${commands.folderOf(lab)}/timeline.jsonl`, "utf8").includes('"deployed"'),
  );
  await docker.getContainer(`clab-${lab}-r2`).kill();
  const { status, stdout, seconds } = await ended;
  expect(seconds).toBeLessThan(60);
  expect(stdout).toContain("the container of r2 ended with status 137");
  expect(status).toBe(1);
});
