import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../system/spinelab.ts";
import { type Commands, commandsOn, leftOn } from "./commands.ts";
import { frrImage, speakerImage, testEngine } from "./engine.ts";
import { type OwnEngine, ownEngine } from "./own-engine.ts";

const shared = testEngine();
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-engine-"));
const lab = `restart-${process.pid}`;

let engine: OwnEngine;
let commands: Commands;

beforeAll(async () => {
  engine = await ownEngine(folder);
  await engine.start();
  for (const name of [
    frrImage,
    await speakerImage(shared),
    `spinelab/node:${process.versions.node}`,
  ]) {
    const image = await shared.getImage(name).get();
    for await (const _ of await engine.docker.loadImage(image as NodeJS.ReadableStream));
  }
  commands = commandsOn(engine.host, path.join(folder, "state"));
}, 300_000);

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("killed and started again under a running lab: play says so, down leaves nothing", async () => {
  const file = path.join(repository, "test/docker/two-routers");
  const up = ["up", `${file}/lab.yaml`, "--name", lab, "--runtime", "docker"];
  expect(await commands.run(...up)).toMatchObject({ status: 0 });
  await engine.end("SIGKILL");
  await engine.start();
  const play = await commands.run("play", lab, `${file}/scenario.yaml`, "--report", folder);
  expect(play.stdout).toContain("was stopped or restarted");
  expect(play.status).toBe(3);
  expect(await commands.run("down", lab)).toMatchObject({ status: 0 });
  expect(await leftOn(engine.docker, lab)).toEqual([]);
  expect(commands.folderOf(lab)).toBe(undefined);
  const networks = await engine.docker.listNetworks();
  expect(networks.map(({ Name }) => Name)).not.toContain("two-routers");
});
