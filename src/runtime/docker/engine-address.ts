import path from "node:path";
import { InputError } from "../../input/diagnostic.ts";
import { type Environment, homeOf } from "../../sys/ssh/client-config.ts";
import { parseSshUrl, type SshTarget, withoutPassword } from "../../sys/ssh/target.ts";
import { configFolder, currentContext, readContext } from "./engine-context.ts";

/** What the user said about the engine: `--docker` and `--context`. */
export type EngineChoice = {
  /** `unix:///path`, `tcp://host:port` or `ssh://user@host:port/path` */
  docker?: string | undefined;
  /** Name of a docker context. */
  context?: string | undefined;
};

export type EngineAddress =
  | { kind: "unix"; path: string }
  | { kind: "tcp"; host: string; port: number; tls: Tls | undefined }
  | { kind: "ssh"; target: SshTarget };

export type Tls = {
  /** Folder of ca.pem, cert.pem and key.pem; each may be missing. */
  folder: string;
  /** Whether the engine's certificate is checked. */
  verify: boolean;
};

/** The address to use, or where nothing names one, the usual sockets in the order to try. */
export type EngineLocation = {
  /** What named it: `--docker`, `DOCKER_HOST`, …; undefined for the usual sockets. */
  source: string | undefined;
  addresses: EngineAddress[];
};

/**
 * Which engine, in the docker command's own order: the options, DOCKER_HOST, DOCKER_CONTEXT, the
 * current context of config.json, the usual sockets. Throws InputError.
 */
export function locateEngine(choice: EngineChoice, env: Environment): EngineLocation {
  if (choice.docker !== undefined && choice.context !== undefined) {
    throw mistake("--docker", "--docker and --context both name an engine; give one of them");
  }
  if (choice.docker !== undefined) return named(choice.docker, "--docker", env);
  if (choice.context === undefined && env["DOCKER_HOST"]) {
    return named(env["DOCKER_HOST"], "DOCKER_HOST", env);
  }
  const context =
    choice.context === undefined
      ? currentContext(env)
      : choice.context === "default"
        ? undefined
        : choice.context;
  if (context !== undefined) {
    const source = choice.context === undefined ? "docker context" : "--context";
    const found = readContext(context, source, env);
    const tls =
      found.tlsFolder === undefined && !found.skipTlsVerify
        ? undefined
        : { folder: found.tlsFolder ?? "", verify: !found.skipTlsVerify };
    const address = parseAddress(found.host, found.file, tls);
    return { source: `docker context ${context}`, addresses: [address] };
  }
  return { source: undefined, addresses: usualSockets(env) };
}

function named(text: string, source: string, env: Environment): EngineLocation {
  return { source, addresses: [parseAddress(text, source, tlsOf(env))] };
}

/** DOCKER_TLS_VERIFY: TLS with the certificate checked; DOCKER_TLS: TLS without. */
function tlsOf(env: Environment): Tls | undefined {
  const verify = Boolean(env["DOCKER_TLS_VERIFY"]);
  if (!verify && !env["DOCKER_TLS"]) return undefined;
  return { folder: env["DOCKER_CERT_PATH"] || configFolder(env), verify };
}

function parseAddress(text: string, source: string, tls: Tls | undefined): EngineAddress {
  const scheme = /^(\w+):\/\//.exec(text)?.[1];
  switch (scheme) {
    case "unix": {
      const socket = text.slice("unix://".length) || "/var/run/docker.sock";
      if (!path.isAbsolute(socket)) throw mistake(source, `not an absolute path: ${text}`);
      return { kind: "unix", path: socket };
    }
    case "ssh":
      return { kind: "ssh", target: parseSshUrl(text, source) };
    case "tcp": {
      const url = URL.parse(text);
      if (url === null || url.hostname === "" || url.username !== "" || url.password !== "") {
        throw mistake(source, `expected tcp://host:port, found ${withoutPassword(text)}`);
      }
      if (url.pathname !== "" && url.pathname !== "/") {
        throw mistake(source, `an engine below a path is not supported: ${text}`);
      }
      const port = url.port === "" ? (tls === undefined ? 2375 : 2376) : Number(url.port);
      return { kind: "tcp", host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, tls };
    }
    default:
      throw mistake(
        source,
        `expected unix:///path, tcp://host:port or ssh://user@host, found ${withoutPassword(text)}`,
      );
  }
}

/** Docker's own, Docker Desktop's, rootless Docker's; then Podman's. */
function usualSockets(env: Environment): EngineAddress[] {
  const run = env["XDG_RUNTIME_DIR"];
  return [
    "/var/run/docker.sock",
    path.join(homeOf(env), ".docker/run/docker.sock"),
    ...(run ? [path.join(run, "docker.sock"), path.join(run, "podman/podman.sock")] : []),
    "/run/podman/podman.sock",
  ].map((socket) => ({ kind: "unix", path: socket }));
}

/** The address as DOCKER_HOST writes it. */
export function addressText(address: EngineAddress): string {
  switch (address.kind) {
    case "unix":
      return `unix://${address.path}`;
    case "tcp":
      return `tcp://${bracketed(address.host)}:${address.port}`;
    case "ssh": {
      const { user, host, port, path: socket } = address.target;
      const at = user === undefined ? "" : `${user}@`;
      return `ssh://${at}${bracketed(host)}${port === undefined ? "" : `:${port}`}${socket ?? ""}`;
    }
  }
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function mistake(source: string, message: string): InputError {
  return new InputError([{ file: source, line: 0, code: "BadEngineAddress", path: "", message }]);
}
