import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parseDocument } from "yaml";
import { EnvironmentError } from "../../src/input/diagnostic.ts";
import { buildImage, ensureImage } from "../../src/runtime/docker/images.ts";
import { repository } from "../system/spinelab.ts";
import { commandsOn, leftOn } from "./commands.ts";
import { speakerImage, testEngine } from "./engine.ts";
import { proxyEngine } from "./engine-proxy.ts";
import { type OwnEngine, ownEngine } from "./own-engine.ts";

// An engine that is not there, may not be used, is too old, has no network, no disk or other networks
// in the way: the command says what it is and what to do, with status 3, and leaves nothing.
const docker = testEngine();
const enginePath = process.env["DOCKER_HOST"]!.slice("unix://".length);
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-lacking-"));
const lab = `lacking-${process.pid}`;
const run = (file: string) => [
  "run",
  file,
  "--runtime",
  "docker",
  "--report",
  folder,
  "--name",
  lab,
];
const twoRouters = path.join(repository, "test/docker/two-routers/lab.yaml");
const state = path.join(folder, "state");

afterEach(async () => {
  expect(await leftOn(docker, lab)).toEqual([]);
  expect(commandsOn("", state).folderOf(lab)).toBe(undefined);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("no engine is running", async () => {
  const commands = commandsOn(`unix://${folder}/none.sock`, state);
  const { status, stderr } = await commands.run(...run(twoRouters));
  expect(stderr).toContain(`no Docker engine is running at unix://${folder}/none.sock`);
  expect(stderr).toMatch(/what to do: .*systemctl start docker/);
  expect(status).toBe(3);
});

test("no permission: the socket is root's, the user is not", async () => {
  await using engine = await proxyEngine(path.join(folder, "root.sock"), enginePath);
  chmodSync(path.join(folder, "root.sock"), 0o600);
  chmodSync(folder, 0o755);
  const own = path.join(folder, "nobody");
  mkdirSync(own);
  const nobody = 65_534;
  chownSync(own, nobody, nobody);
  const commands = commandsOn(engine.host, path.join(own, "state"), { HOME: own });
  const asNobody = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] as const;
  const spinelab = [process.execPath, path.join(repository, "bin/spinelab.mjs")];
  const { status, stderr } = await commands.other(...asNobody, ...spinelab, ...run(twoRouters));
  expect(stderr).toContain(`no permission to use the Docker engine at ${engine.host}`);
  expect(stderr).toMatch(/what to do: .*group docker/);
  expect(status).toBe(3);
});

test("an engine whose API is too old", async () => {
  const socket = path.join(folder, "old.sock");
  // The real engine's answers, but for the version that it says.
  const old = createServer((asked, answer) => {
    const { url, method, headers } = asked;
    const toEngine = request({ socketPath: enginePath, path: url, method, headers }, (told) => {
      const chunks: Buffer[] = [];
      told.on("data", (chunk: Buffer) => chunks.push(chunk));
      told.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const body = text.replace(/"ApiVersion":"[^"]+"/g, '"ApiVersion":"1.30"');
        answer.writeHead(told.statusCode!, { "content-type": "application/json" }).end(body);
      });
    });
    asked.pipe(toEngine);
  }).listen(socket);
  await once(old, "listening");
  onTestFinished(() => void old.close());
  const { status, stderr } = await commandsOn(`unix://${socket}`, state).run(...run(twoRouters));
  expect(stderr).toMatch(/Docker \S+ \(API 1\.30\) at unix:\S+ is too old: API 1\.41 is needed/);
  expect(stderr).toMatch(/what to do: update it/);
  expect(status).toBe(3);
});

describe("containerlab's own network, clab", () => {
  const file = path.join(folder, "clab/lab.yaml");

  beforeAll(async () => {
    await speakerImage(docker);
    const source = path.dirname(twoRouters);
    const topology = parseDocument(
      readFileSync(path.join(source, "two-routers.clab.yaml"), "utf8"),
    );
    topology.delete("mgmt");
    mkdirSync(path.dirname(file));
    writeFileSync(path.join(folder, "clab/two-routers.clab.yaml"), topology.toString());
    for (const name of ["lab.yaml", "scenario.yaml"]) {
      copyFileSync(path.join(source, name), path.join(folder, "clab", name));
    }
  });

  test("another network has its addresses: it is named", async () => {
    const Config = [{ Subnet: "172.20.0.0/16" }];
    const network = await docker.createNetwork({
      Name: "in-the-way",
      IPAM: { Driver: "default", Config },
    });
    onTestFinished(() => network.remove());
    const commands = commandsOn(`unix://${enginePath}`, state);
    const { status, stdout } = await commands.run(...run(file));
    expect(stdout).toMatch(
      /network clab \(172\.20\.20\.0\/24\) overlaps with the Docker network in-the-way \(172\.20\.0\.0\/16\)/,
    );
    expect(stdout).toContain("docker network rm in-the-way");
    expect(status).toBe(3);
  });

  test("containerlab made it: the lab is on it, over both families, and it stays", async () => {
    const Config = [
      { Subnet: "172.20.20.0/24", Gateway: "172.20.20.1" },
      { Subnet: "3fff:172:20:20::/64", Gateway: "3fff:172:20:20::1" },
    ];
    const network = await docker.createNetwork({
      ...{ Name: "clab", EnableIPv6: true, Labels: { containerlab: "" } },
      IPAM: { Driver: "default", Config },
    });
    onTestFinished(() => network.remove());
    const commands = commandsOn(`unix://${enginePath}`, state);
    const up = await commands.run("up", file, "--runtime", "docker", "--name", lab);
    expect(up).toMatchObject({ status: 0 });
    const { NetworkSettings } = await docker.getContainer(`clab-${lab}-r2`).inspect();
    const { IPAddress, GlobalIPv6Address } = NetworkSettings.Networks["clab"]!;
    for (const address of [IPAddress, GlobalIPv6Address]) {
      const ping = ["exec", "r1", "--lab", lab, "--", "ping", "-c", "1", "-W", "5", address];
      expect(await commands.run(...ping)).toMatchObject({ status: 0 });
    }
    expect(await commands.run("down", lab)).toMatchObject({ status: 0 });
    expect(await network.inspect()).toMatchObject({ Name: "clab" });
  });
});

describe("an engine with a small disk and no network", () => {
  const registry = "127.0.0.1:5000";
  const home = path.join(folder, "small");
  let engine: OwnEngine;

  beforeAll(async () => {
    mkdirSync(home);
    engine = await ownEngine(home, 64);
    await engine.start();
  });

  afterEach(async () => {
    expect(await engine.docker.listImages({ all: true })).toEqual([]);
    expect(await engine.docker.listContainers({ all: true })).toEqual([]);
  });

  afterAll(() => engine?.[Symbol.asyncDispose]());

  test("an image that it has not, and no way to a registry", async () => {
    const error = await failure(ensureImage(engine.docker, "frrouting/frr:v8.2.2", () => {}));
    expect(error.message).toMatch(
      /^image frrouting\/frr:v8\.2\.2 cannot be pulled: the engine does not reach the registry: /,
    );
    expect(error.remedy).toContain("docker load");
  });

  test("the disk is full while an image is pulled", async () => {
    const program = new URL("one-image-registry.ts", import.meta.url).pathname;
    const serves = engine.beside(process.execPath, program, registry.split(":")[1]!, "256");
    onTestFinished(() => void serves.kill());
    await once(serves.stdout!, "data");
    const error = await failure(ensureImage(engine.docker, `${registry}/zeros:1`, () => {}));
    expect(error.message).toMatch(
      /zeros:1 cannot be pulled: the engine's disk is full: .*no space left/,
    );
    expect(error.remedy).toContain("docker system prune");
  });

  test("the disk is full while an image is built", async () => {
    const context = path.join(folder, "context");
    mkdirSync(context);
    writeFileSync(path.join(context, "Dockerfile"), "FROM scratch\nCOPY zeros /\n");
    writeFileSync(path.join(context, "zeros"), "");
    truncateSync(path.join(context, "zeros"), 256 * 2 ** 20);
    const files = { folder: context, files: ["Dockerfile", "zeros"] };
    const error = await failure(buildImage(engine.docker, "spinelab/zeros:1", files, () => {}));
    expect(error.message).toMatch(
      /zeros:1 cannot be built: the engine's disk is full: .*no space left/,
    );
    expect(error.remedy).toContain("docker system prune");
  });

  test("the command says so as well", async () => {
    const { status, stdout } = await commandsOn(engine.host, state).run(...run(twoRouters));
    expect(stdout).toMatch(/image spinelab\/\S+ cannot be built: the engine's disk is full/);
    expect(stdout).toContain("docker system prune");
    expect(status).toBe(3);
  });
});

async function failure(work: Promise<unknown>): Promise<EnvironmentError> {
  const error = await work.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EnvironmentError);
  return error as EnvironmentError;
}
