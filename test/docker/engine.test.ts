import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectEngine, type Engine } from "../../src/runtime/docker/engine.ts";
import { type Sshd, startSshd } from "./sshd.ts";

// A real engine (the one that the environment names), a real sshd in front of it.
const image = "spinelab-test/shell:latest";
const folder = mkdtempSync(path.join(tmpdir(), "spinelab-test-"));
const cache = process.env["SPINELAB_CACHE"] ?? "/var/cache/spinelab";

let local: Engine;
let sshd: Sshd;
let notices: string[];

beforeAll(async () => {
  local = await connectEngine({}, process.env);
  await importShell(local.docker);
  sshd = await startSshd(folder, path.join(cache, "sshd"));
});

afterAll(async () => {
  await sshd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  await local?.docker.getImage(image).remove({ force: true });
  await local?.[Symbol.asyncDispose]();
});

const tell = (notice: string): void => void notices.push(notice);

function overSsh(env: Record<string, string> = {}): Promise<Engine> {
  notices = [];
  const socket = local.host.slice("unix://".length);
  const docker = `ssh://root@127.0.0.1:${sshd.port}${socket}`;
  return connectEngine({ docker }, { PATH: process.env["PATH"], HOME: sshd.home, ...env }, tell);
}

test("the engine here is described by its version", async () => {
  const { Version, ApiVersion } = await local.docker.version();
  expect(local.description).toContain(`${Version} (API ${ApiVersion}) at ${local.host}`);
});

describe("over ssh", () => {
  test("it is the same engine, and a call costs little", async () => {
    await using engine = await overSsh();
    expect(await engine.docker.info()).toMatchObject({ ID: (await local.docker.info()).ID });
    const hereMs = await medianMs(() => local.docker.ping());
    const thereMs = await medianMs(() => engine.docker.ping());
    console.log(`ping: ${hereMs.toFixed(2)} ms here, ${thereMs.toFixed(2)} ms over ssh`);
    // Nagle's algorithm or a channel for each call would cost 40 ms and more.
    expect(thereMs - hereMs).toBeLessThan(20);
    expect(notices).toEqual([]);
  });

  test("exec carries input, its end, output, errors and the status", async () => {
    await using engine = await overSsh();
    await using container = await running(engine.docker);
    const script = 'cat; echo "read all"; echo careful >&2; exit 4';
    const exec = await container.it.exec({
      Cmd: ["/bin/sh", "-c", script],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    engine.docker.modem.demuxStream(stream, stdout, stderr);
    stream.once("end", () => (stdout.end(), stderr.end()));
    const input = "line\n".repeat(100_000);
    stream.end(input);
    expect(await Promise.all([text(stdout), text(stderr)])).toEqual([
      `${input}read all\n`,
      "careful\n",
    ]);
    expect(await exec.inspect()).toMatchObject({ ExitCode: 4, Running: false });
  });

  test("many execs at once", async () => {
    await using engine = await overSsh();
    await using container = await running(engine.docker);
    const outputs = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const Cmd = ["/bin/sh", "-c", `echo ${index}`];
        const exec = await container.it.exec({ Cmd, AttachStdout: true, Tty: true });
        return (await text(await exec.start({ hijack: true, stdin: false, Tty: true }))).trim();
      }),
    );
    expect(outputs).toEqual(Array.from({ length: 30 }, (_, index) => String(index)));
  });

  test("child processes use the same connection by DOCKER_HOST", async () => {
    await using engine = await overSsh();
    await using container = await running(engine.docker);
    const env = { ...process.env, HOME: sshd.home, ...engine.environment };
    const argv = ["exec", "-i", container.it.id, "cat"];
    const child = spawn("docker", argv, { env, stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end("x".repeat(2_000_000));
    expect((await text(child.stdout)).length).toBe(2_000_000);
  });

  test("an ssh-agent's key serves where there is no file", async () => {
    const home = path.join(folder, "agent-home");
    mkdirSync(path.join(home, ".ssh"), { recursive: true });
    copyFileSync(path.join(sshd.home, ".ssh/known_hosts"), path.join(home, ".ssh/known_hosts"));
    const socket = path.join(folder, "agent.sock");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(agent.stdout, "data"); // it prints its socket once it listens
      await expect(overSsh({ HOME: home, SSH_AUTH_SOCK: socket })).rejects.toThrow(
        /there is no key to try; the server allows publickey$/,
      );
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      execFileSync("ssh-add", ["-q", path.join(sshd.home, ".ssh/id_ed25519")], { env });
      await using engine = await overSsh({ HOME: home, SSH_AUTH_SOCK: socket });
      expect(engine.product).toBe("docker");
    } finally {
      agent.kill();
      await once(agent, "close");
    }
  });

  test("a broken connection ends what is open, is told, and the next call works", async () => {
    await using engine = await overSsh();
    await using container = await running(engine.docker);
    const attached = await container.it.attach({ stream: true, stdout: true, hijack: true });
    sshd.cutSessions();
    await once(attached.resume(), "close");
    expect(await container.it.inspect()).toMatchObject({ State: { Running: true } });
    expect(notices).toEqual([expect.stringContaining("was lost")]);
  });

  test("an unknown host key is refused before any key is shown", async () => {
    const home = path.join(folder, "fresh-home");
    mkdirSync(path.join(home, ".ssh"), { recursive: true });
    await expect(overSsh({ HOME: home })).rejects.toThrow(/is not known; it shows SHA256:/);
  });

  test("an engine's socket that is not there is named", async () => {
    const docker = `ssh://root@127.0.0.1:${sshd.port}${folder}/none.sock`;
    await expect(connectEngine({ docker }, { HOME: sshd.home }, tell)).rejects.toThrow(
      `there is no ${folder}/none.sock on root@127.0.0.1:${sshd.port}`,
    );
  });
});

/** A container that sleeps, removed at the end of the test. */
async function running(docker: Docker): Promise<{ it: Docker.Container } & AsyncDisposable> {
  const it = await docker.createContainer({
    Image: image,
    Cmd: ["/bin/sleep", "1000"],
    HostConfig: { NetworkMode: "none" },
  });
  await it.start();
  return { it, [Symbol.asyncDispose]: async () => void (await it.remove({ force: true })) };
}

/** An image of this machine's sh, cat and sleep: no registry needed. */
async function importShell(docker: Docker): Promise<void> {
  const root = path.join(folder, "image");
  const copy = (file: string): void => {
    mkdirSync(path.dirname(root + file), { recursive: true });
    copyFileSync(file, root + file); // follows links, as /bin/sh is one
  };
  for (const command of ["sh", "cat", "sleep"]) {
    copy(`/bin/${command}`);
    const libraries = execFileSync("ldd", [`/bin/${command}`], { encoding: "utf8" });
    for (const [library] of libraries.matchAll(/\/\S+/g)) copy(library);
  }
  const tar = spawn("tar", ["-C", root, "-c", "."], { stdio: ["ignore", "pipe", "inherit"] });
  const [repo, tag] = image.split(":");
  const progress = await docker.importImage(tar.stdout, { repo, tag });
  await text(progress);
}

async function medianMs(call: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < 51; round++) {
    const startMs = performance.now();
    await call();
    took.push(performance.now() - startMs);
  }
  return took.sort((a, b) => a - b)[25]!;
}
