import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import { describe, expect, test, vi } from "vitest";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { keyPair, knownHosts, sshHome, sshServer } from "../../sys/ssh/server.testkit.ts";
import { connectEngine } from "./engine.ts";
import { docker2010, playEngine } from "./engine.testkit.ts";

/** Message and remedy of the refusal; fails where the engine is taken. */
async function refusal(connecting: ReturnType<typeof connectEngine>): Promise<string> {
  const error: unknown = await connecting.then(
    async (engine) => {
      await engine[Symbol.asyncDispose]();
      return new Error("connected");
    },
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EnvironmentError);
  return `${(error as Error).message}\n${(error as EnvironmentError).remedy}`;
}

const silent = (): void => {};

describe("a Unix socket", () => {
  test("is described, and handed to child processes", async () => {
    const env = sshHome({});
    const socket = path.join(env.HOME, "docker.sock");
    await playEngine(socket);
    await using engine = await connectEngine({ docker: `unix://${socket}` }, env, silent);
    expect(engine.description).toBe(`Docker 20.10.24 (API 1.41) at unix://${socket}`);
    expect(engine.environment).toMatchObject({
      DOCKER_HOST: `unix://${socket}`,
      DOCKER_TLS_VERIFY: "",
      DOCKER_CONTEXT: "",
    });
  });

  test("chosen by --docker is used whatever this process's DOCKER_HOST says", async () => {
    const env = sshHome({});
    const socket = path.join(env.HOME, "docker.sock");
    await playEngine(socket);
    const before = process.env["DOCKER_HOST"];
    process.env["DOCKER_HOST"] = "tcp://127.0.0.1:1";
    try {
      await using engine = await connectEngine({ docker: `unix://${socket}` }, env, silent);
      expect(await engine.docker.version()).toMatchObject({ Version: "20.10.24" });
    } finally {
      if (before === undefined) delete process.env["DOCKER_HOST"];
      else process.env["DOCKER_HOST"] = before;
    }
  });

  test.each([
    ["too old", { ...docker2010, ApiVersion: "1.39" }, "is too old: API 1.41 is needed"],
    ["an age ago", { ...docker2010, ApiVersion: "0.99" }, "is too old"],
    ["something else", "hello", "is no Docker engine"],
  ])("with %s behind it is refused", async (_, version, why) => {
    const env = sshHome({});
    await playEngine(path.join(env.HOME, "s"), version);
    expect(await refusal(connectEngine({ docker: `unix://${env.HOME}/s` }, env))).toContain(why);
  });

  test.each(["1.41", "1.100", "2.0"])("with API %s behind it is taken", async (ApiVersion) => {
    const env = sshHome({});
    await playEngine(path.join(env.HOME, "s"), { ...docker2010, ApiVersion });
    await using engine = await connectEngine({ docker: `unix://${env.HOME}/s` }, env, silent);
    expect(engine.product).toBe("docker");
  });

  test("that nobody serves is an engine that does not run", async () => {
    const said = await refusal(connectEngine({ docker: "unix:///nowhere.sock" }, {}));
    expect(said).toContain("no Docker engine is running at unix:///nowhere.sock");
    expect(said).toContain("systemctl start docker");
  });

  test("of Podman is told apart, and what it lacks is told", async () => {
    const env = sshHome({});
    execFileSync("mkdir", [`${env.HOME}/podman`]);
    await playEngine(`${env.HOME}/podman/podman.sock`, {
      Version: "4.3.1",
      ApiVersion: "1.41",
      Components: [{ Name: "Podman Engine", Version: "4.3.1" }],
    });
    const notices: string[] = [];
    await using engine = await connectEngine(
      { docker: `unix://${env.HOME}/podman/podman.sock` },
      env,
      (notice) => notices.push(notice),
    );
    expect(engine.product).toBe("podman");
    expect(notices).toEqual([expect.stringMatching(/^Podman 4\.3\.1 .*kind clusters need Docker/)]);
  });
});

describe("tcp", () => {
  test("without TLS works, with a warning", async () => {
    const { port } = await playEngine({});
    const notices: string[] = [];
    const docker = `tcp://127.0.0.1:${port}`;
    await using engine = await connectEngine({ docker }, {}, (notice) => notices.push(notice));
    expect(engine.host).toBe(docker);
    expect(notices).toEqual([expect.stringContaining("is not encrypted")]);
  });

  test("that is taken and not answered", async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const said = await refusal(connectEngine({ docker: `tcp://127.0.0.1:${port}` }, {}, silent));
    expect(said).toContain("closed the connection");
    server.close();
  });
});

describe("tcp with TLS", () => {
  test("both sides show certificates of one CA", async () => {
    const { env, tls } = certificates();
    const { port } = await playEngine({ tls });
    const docker = `tcp://127.0.0.1:${port}`;
    await using engine = await connectEngine({ docker }, env, silent);
    expect(await engine.docker.version()).toMatchObject({ Version: "20.10.24" });
    expect(engine.environment).toMatchObject({
      DOCKER_HOST: docker,
      DOCKER_TLS_VERIFY: "1",
      DOCKER_CERT_PATH: env.DOCKER_CERT_PATH,
    });
  });

  test("an engine of another CA is refused", async () => {
    const { port } = await playEngine({ tls: certificates().tls });
    const { env } = certificates();
    const said = await refusal(connectEngine({ docker: `tcp://127.0.0.1:${port}` }, env, silent));
    expect(said).toContain("the engine's certificate is not trusted");
  });

  test("an engine that refuses the client says so", async () => {
    const { env, tls } = certificates();
    const { port } = await playEngine({ tls });
    execFileSync("rm", [`${env.DOCKER_CERT_PATH}/cert.pem`, `${env.DOCKER_CERT_PATH}/key.pem`]);
    const said = await refusal(connectEngine({ docker: `tcp://127.0.0.1:${port}` }, env, silent));
    expect(said).toContain("does not accept this client's certificate");
  });

  test("spoken to an engine without it", async () => {
    const { port } = await playEngine({});
    const { env } = certificates();
    const said = await refusal(connectEngine({ docker: `tcp://127.0.0.1:${port}` }, env, silent));
    expect(said).toContain("speaks no TLS that fits");
  });
});

describe("ssh", () => {
  const user = keyPair();

  async function remote(options: Partial<Parameters<typeof sshServer>[0]> = {}) {
    const server = await sshServer({ authorized: user, ...options });
    const env = sshHome({ id_ed25519: user.private, known_hosts: knownHosts(server) });
    const docker = `ssh://root@127.0.0.1:${server.port}${env.HOME}/docker.sock`;
    return { server, env, docker, socket: path.join(env.HOME, "docker.sock") };
  }

  test("calls and child processes go over one connection, by a socket that goes with it", async () => {
    const { server, env, docker, socket } = await remote();
    await playEngine(socket);
    const engine = await connectEngine({ docker }, env, silent);
    expect(engine.description).toContain(`at ${docker}`);
    await Promise.all([engine.docker.version(), engine.docker.version()]);
    expect(engine.host).toMatch(/^unix:\/\/.*\/spinelab-engine-\d+-\w+\/docker\.sock$/);
    expect(server.users).toEqual(["root"]);
    await engine[Symbol.asyncDispose]();
    expect(readdirSync(env.HOME).filter((name) => name.startsWith("spinelab-engine"))).toEqual([]);
  });

  test("a hijacked stream carries both directions, each with its own end", async () => {
    const { env, docker, socket } = await remote();
    await playEngine(socket);
    await using engine = await connectEngine({ docker }, env, silent);
    const stream = await hijack(engine.docker);
    stream.end("x".repeat(300_000));
    const echoed = Buffer.concat((await stream.toArray()) as Buffer[]);
    expect(echoed.length).toBe(300_000);
  });

  test("a connection that was lost is made again by the next call, and told", async () => {
    const { server, env, docker, socket } = await remote();
    await playEngine(socket);
    const notices: string[] = [];
    await using engine = await connectEngine({ docker }, env, (notice) => notices.push(notice));
    const open = await hijack(engine.docker);
    server.cut();
    await once(open.resume(), "close");
    await engine.docker.version();
    expect(server.users).toEqual(["root", "root"]);
    expect(notices).toEqual([expect.stringMatching(/was lost.*connects again$/)]);
  });

  test("an engine that goes away is told in the engine's own form", async () => {
    const { env, docker, socket } = await remote({
      run: () => ({ stdout: "missing", exitCode: 0 }),
    });
    const { server: played } = await playEngine(socket);
    await using engine = await connectEngine({ docker }, env, silent);
    played.closeAllConnections();
    await new Promise((resolve) => played.close(resolve));
    // A connection kept open may be used once more before its end has come through.
    await vi.waitFor(() =>
      expect(engine.docker.version()).rejects.toMatchObject({
        statusCode: 502,
        message: expect.stringContaining(`there is no ${socket} on root@127.0.0.1`),
      }),
    );
  });

  test.each([
    ["missing", "no Docker engine: there is no "],
    ["denied", "no permission to use "],
    ["", "no way to "],
  ])("no channel to the engine: %s", async (stdout, why) => {
    const { env, docker } = await remote({
      forwardUnix: false,
      run: () => ({ stdout, exitCode: 0 }),
    });
    expect(await refusal(connectEngine({ docker }, env, silent))).toContain(why);
    expect(readdirSync(env.HOME)).toEqual([".ssh"]);
  });
});

/** What exec and attach do: an HTTP connection that becomes a plain stream. */
function hijack(docker: Docker): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: "/exec/1/start",
        method: "POST",
        hijack: true,
        openStdin: true,
        options: { Detach: false },
        statusCodes: {},
      },
      (error, stream) => (error === null ? resolve(stream as Duplex) : reject(error)),
    );
  });
}

/** A CA with certificates of an engine at 127.0.0.1 and of a client; the client's side as a folder. */
function certificates() {
  const env = sshHome({});
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: env.HOME, stdio: "pipe" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  openssl("req", "-x509", ...key, "-subj", "/CN=ca", "-keyout", "ca-key.pem", "-out", "ca.pem");
  const sign = ["-x509", "-CA", "ca.pem", "-CAkey", "ca-key.pem", ...key];
  const names = ["-addext", "subjectAltName=IP:127.0.0.1"];
  openssl("req", ...sign, "-subj", "/CN=e", ...names, "-keyout", "e-key.pem", "-out", "e.pem");
  openssl("req", ...sign, "-subj", "/CN=c", "-keyout", "key.pem", "-out", "cert.pem");
  const read = (name: string): Buffer => readFileSync(path.join(env.HOME, name));
  return {
    env: { ...env, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: env.HOME },
    tls: {
      ca: read("ca.pem"),
      cert: read("e.pem"),
      key: read("e-key.pem"),
      requestCert: true,
      rejectUnauthorized: true,
    },
  };
}
