import { existsSync, readFileSync } from "node:fs";
import { Agent } from "node:https";
import path from "node:path";
import Docker from "dockerode";
import { EnvironmentError } from "../../input/diagnostic.ts";
import type { Environment } from "../../sys/ssh/client-config.ts";
import {
  addressText,
  type EngineAddress,
  type EngineChoice,
  locateEngine,
  type Tls,
} from "./engine-address.ts";
import { forwardEngine } from "./engine-ssh.ts";
import { explainEngineError } from "./errors.ts";

/** Engine API that Docker 20.10 and Podman 4 serve. */
const apiVersionMin = "1.41";
const answerTimeoutMs = 10_000;

/** An engine that answers. Disposing it ends its connections, for child processes too. */
export type Engine = AsyncDisposable & {
  readonly docker: Docker;
  /** `Docker 20.10.24 (API 1.41) at unix:///var/run/docker.sock` */
  readonly description: string;
  /** The engine as the user named it: `ssh://me@lab-host`. */
  readonly where: string;
  /**
   * DOCKER_HOST for child processes such as kind. Over SSH it is a socket that this process serves:
   * so never wait for a child by execFileSync or spawnSync, which would stop both.
   */
  readonly host: string;
  /** What child processes need beside PATH and HOME: DOCKER_HOST, TLS; empty means unset. */
  readonly environment: Readonly<Record<string, string>>;
  readonly product: "docker" | "podman";
  /** Where the engine is on another machine: leads a local port to one of its loopback. */
  readonly forwardPort?: (port: number) => Promise<number>;
};

/**
 * Finds an engine (see locateEngine) and checks that it answers with an API that is new enough.
 * `tell` hears what a user should know and that stops nothing: plain TCP, Podman, a connection that
 * was lost and made again. Throws InputError for a wrong address, else EnvironmentError.
 */
export async function connectEngine(
  choice: EngineChoice,
  env: Environment,
  tell: (notice: string) => void = (notice) => process.emitWarning(notice),
): Promise<Engine> {
  const { source, addresses } = locateEngine(choice, env);
  if (source !== undefined) return await connectTo(addresses[0]!, env, tell);
  const sockets = addresses.filter((each) => each.kind === "unix" && existsSync(each.path));
  let first: unknown;
  for (const address of sockets) {
    try {
      return await connectTo(address, env, tell);
    } catch (error) {
      first ??= error;
    }
  }
  // Docker's own socket comes first: what is wrong with it is what helps.
  if (first !== undefined) throw first;
  throw new EnvironmentError(
    `no Docker engine: none of ${addresses.map((each) => addressText(each)).join(", ")} is there`,
    "install and start Docker (Debian, Ubuntu: sudo apt install docker.io), or name an engine by --docker",
  );
}

async function connectTo(
  address: EngineAddress,
  env: Environment,
  tell: (notice: string) => void,
): Promise<Engine> {
  const reached = await reach(address, env, tell);
  try {
    const found = await identify(reached.docker, reached.where);
    if (found.product === "podman") {
      tell(
        `${found.name} serves the Docker API: containers and links need it to run as root, ` +
          "kind clusters need Docker itself",
      );
    }
    return { ...reached, product: found.product, description: `${found.name} at ${reached.where}` };
  } catch (error) {
    await reached[Symbol.asyncDispose]();
    throw error;
  }
}

type Reached = AsyncDisposable &
  Pick<Engine, "docker" | "host" | "environment" | "forwardPort" | "where">;

async function reach(
  address: EngineAddress,
  env: Environment,
  tell: (notice: string) => void,
): Promise<Reached> {
  const where = addressText(address);
  switch (address.kind) {
    case "unix":
      return { ...overSocket(address.path), where, [Symbol.asyncDispose]: async () => {} };
    case "ssh": {
      const forwarded = await forwardEngine(address.target, env, tell);
      const close = (): PromiseLike<void> => forwarded[Symbol.asyncDispose]();
      const { forwardPort } = forwarded;
      return {
        ...overSocket(forwarded.socketPath),
        where,
        forwardPort,
        [Symbol.asyncDispose]: close,
      };
    }
    case "tcp": {
      if (address.tls === undefined) {
        tell(
          `${where} is not encrypted, and whoever reaches it is root on that machine: use TLS or ssh://`,
        );
      }
      const agent = address.tls && tlsAgent(address.tls);
      // docker-modem takes an agent, which its types for dockerode leave out.
      const options: Docker.DockerOptions & { agent: Agent | undefined } = {
        ...unset,
        protocol: agent === undefined ? "http" : "https",
        host: address.host.includes(":") ? `[${address.host}]` : address.host,
        port: address.port,
        agent,
      };
      const docker = new Docker(options);
      const environment = childEnvironment(where, address.tls);
      const close = async (): Promise<void> => agent?.destroy();
      return { docker, host: where, environment, where, [Symbol.asyncDispose]: close };
    }
  }
}

function overSocket(socketPath: string): Pick<Engine, "docker" | "host" | "environment"> {
  const host = `unix://${socketPath}`;
  const docker = new Docker({ ...unset, protocol: "http", socketPath });
  return { docker, host, environment: childEnvironment(host, undefined) };
}

/** dockerode fills in from DOCKER_HOST and its kin what it is not given; the choice was made here. */
const unset = {
  host: undefined,
  port: undefined,
  socketPath: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
  timeout: undefined,
};

function childEnvironment(host: string, tls: Tls | undefined): Record<string, string> {
  return {
    DOCKER_HOST: host,
    DOCKER_CONTEXT: "",
    DOCKER_TLS: tls !== undefined && !tls.verify ? "1" : "",
    DOCKER_TLS_VERIFY: tls?.verify === true ? "1" : "",
    DOCKER_CERT_PATH: tls?.folder ?? "",
  };
}

/** The files of a folder that are there; an engine that wants more refuses the connection. */
function tlsAgent({ folder, verify }: Tls): Agent {
  const read = (name: string): Buffer | undefined => {
    const file = path.join(folder, name);
    try {
      return existsSync(file) ? readFileSync(file) : undefined;
    } catch (error) {
      throw new EnvironmentError(
        `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
        "it belongs to the engine's TLS: check DOCKER_CERT_PATH or the docker context, and who may read it",
      );
    }
  };
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => read(name));
  return new Agent({
    rejectUnauthorized: verify,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  });
}

type Version = {
  Version?: string;
  ApiVersion?: string;
  Components?: { Name?: string; Version?: string }[];
};

/** Asks for its version, which is the sign of life, too. */
async function identify(
  docker: Docker,
  where: string,
): Promise<{ name: string; product: "docker" | "podman" }> {
  const version = await ask(docker).catch((error: unknown) => {
    throw explainEngineError(error, where);
  });
  if (version.ApiVersion === undefined) {
    throw new EnvironmentError(`what answers at ${where} is no Docker engine`, "check --docker");
  }
  const podman = version.Components?.find((each) => each.Name?.startsWith("Podman"));
  const product = podman === undefined ? "Docker" : "Podman";
  const name = `${product} ${podman?.Version ?? version.Version} (API ${version.ApiVersion})`;
  if (isOlder(version.ApiVersion, apiVersionMin)) {
    throw new EnvironmentError(
      `${name} at ${where} is too old: API ${apiVersionMin} is needed`,
      "update it: Docker 20.10 and Podman 4 have that API",
    );
  }
  return { name, product: podman === undefined ? "docker" : "podman" };
}

function ask(docker: Docker): Promise<Version> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: "/version",
        method: "GET",
        statusCodes: { 200: true, 400: "bad request", 500: "server error" },
        abortSignal: AbortSignal.timeout(answerTimeoutMs),
      },
      (error, version) => (error === null ? resolve(version as Version) : reject(error)),
    );
  });
}

/** Of versions `major.minor`. */
function isOlder(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}
