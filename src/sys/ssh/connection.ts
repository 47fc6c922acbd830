import { once } from "node:events";
import type { Readable } from "node:stream";
import {
  Client,
  type ClientChannel,
  type ClientErrorExtensions,
  type ConnectConfig,
  type ServerHostKeyAlgorithm,
} from "ssh2";
import { EnvironmentError } from "../../input/diagnostic.ts";
import {
  type Environment,
  readIfThere,
  readSshSettings,
  type SshSettings,
} from "./client-config.ts";
import { authSequence, findIdentities, type Identities } from "./identities.ts";
import {
  checkHostKey,
  fingerprint,
  hostKeyAlgorithms,
  type HostKeyVerdict,
  knownHostName,
  parseKnownHosts,
} from "./known-hosts.ts";
import type { SshTarget } from "./target.ts";

const readyTimeoutMs = 20_000;
/** A dead connection is noticed after three of these. */
const keepaliveIntervalMs = 10_000;
const endTimeoutMs = 1_000;

/** Algorithms of host keys that both ssh2 and today's OpenSSH have; ssh-rsa (SHA-1) is left out. */
const hostKeyTypes: ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** One authenticated connection, with its jump hosts. It does not come back by itself once lost. */
export type SshConnection = AsyncDisposable & {
  /** `user@host:port` */
  readonly description: string;
  /** Aborted when the connection ended otherwise than by disposal; the reason says why. */
  readonly lost: AbortSignal;
  /** A stream to a Unix socket on that machine (direct-streamlocal@openssh.com). */
  openUnix(path: string): Promise<ClientChannel>;
  /** A stream to a TCP port of that machine's loopback (RFC 4254 §7.2). */
  openTcp(port: number): Promise<ClientChannel>;
  /** Runs a line by the user's shell there, to its end. */
  exec(command: string): Promise<{ exitCode: number; stdout: string; stderr: string }>;
};

/** What is said for one connection and its jump hosts, before what the configuration files say. */
export type SaidSettings = Partial<
  Pick<SshSettings, "jumps" | "identityFiles" | "identitiesOnly" | "knownHostsFiles">
>;

/**
 * Connects as ssh(1) would: ~/.ssh/config, keys from the agent and from files, known_hosts, jump
 * hosts. It asks nothing: an unknown or changed host key is refused. Throws EnvironmentError.
 */
export async function connectSsh(
  target: SshTarget,
  env: Environment,
  said: SaidSettings = {},
): Promise<SshConnection> {
  const { jumps: _jumps, ...forEach } = said;
  const hops: Client[] = [];
  try {
    const settings = { ...readSshSettings(target, env), ...said };
    for (const jump of settings.jumps) {
      const ofJump = { ...readSshSettings(jump, env), ...forEach };
      hops.push(await hopThrough(hops.at(-1), ofJump, env));
    }
    const client = await hopThrough(hops.at(-1), settings, env);
    hops.push(client);
    return connectionOver(client, hops, describe(settings));
  } catch (error) {
    for (const hop of hops) hop.destroy();
    throw error;
  }
}

async function hopThrough(
  before: Client | undefined,
  settings: SshSettings,
  env: Environment,
): Promise<Client> {
  if (settings.proxyCommandAt !== undefined) {
    throw new EnvironmentError(
      `SSH to ${describe(settings)}: ${settings.proxyCommandAt} sets a ProxyCommand, which is not supported`,
      "use ProxyJump for that host, or forward the engine's socket by `ssh -L` and name that",
    );
  }
  const identities = await findIdentities(settings, env);
  return await logIn(settings, identities, before && (await forwardTo(before, settings)));
}

function forwardTo(jump: Client, { host, port }: SshSettings): Promise<Readable> {
  return new Promise((resolve, reject) => {
    jump.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
      if (error === undefined) return resolve(channel);
      reject(
        new EnvironmentError(
          `SSH: the jump host does not reach ${host} port ${port}: ${error.message}`,
          "check ProxyJump, and that the jump host allows TCP forwarding (AllowTcpForwarding)",
        ),
      );
    });
  });
}

/** RFC 4253 and 4252: transport with a host key that is known, then the keys in turn. */
function logIn(
  settings: SshSettings,
  identities: Identities,
  sock: Readable | undefined,
): Promise<Client> {
  const { host, port, user } = settings;
  const known = settings.knownHostsFiles.flatMap((file) =>
    parseKnownHosts(readIfThere(file), file),
  );
  const name = settings.hostKeyAlias ?? knownHostName(host, port);
  const auth = authSequence(user, identities.methods);
  const client = new Client();
  let refused: EnvironmentError | undefined;
  const config: ConnectConfig = {
    host,
    port,
    username: user,
    algorithms: { serverHostKey: hostKeyAlgorithms(known, name, hostKeyTypes) },
    hostVerifier: (key: Buffer) => {
      const found = checkHostKey(known, name, key);
      if (found.verdict !== "known") refused = hostKeyRefused(settings, name, found, key);
      return found.verdict === "known";
    },
    authHandler: (left, _partial, next) => next(auth.next(left) as never),
    // The engine's socket is asked of any server; one that cannot do it says so.
    strictVendor: false,
    keepaliveInterval: keepaliveIntervalMs,
    keepaliveCountMax: 3,
    readyTimeout: readyTimeoutMs,
    ...(sock && { sock }),
  };
  return new Promise((resolve, reject) => {
    client.once("ready", () => {
      client.removeAllListeners("error");
      // Requests are small and answers are waited for: Nagle's algorithm would add 40 ms to each.
      client.setNoDelay(true);
      resolve(client);
    });
    client.on("error", (error) => {
      reject(refused ?? loginFailed(settings, identities, auth.allowed(), error));
      client.destroy();
    });
    client.connect(config);
  });
}

function connectionOver(
  client: Client,
  hops: readonly Client[],
  description: string,
): SshConnection {
  const lost = new AbortController();
  let reason = "the other side closed it";
  let ending = false;
  const open = new Set(hops);
  for (const hop of hops) {
    hop.on("error", (error) => (reason = error.message));
    hop.once("close", () => {
      open.delete(hop);
      if (ending || lost.signal.aborted) return;
      lost.abort(
        new EnvironmentError(
          `the SSH connection to ${description} was lost: ${reason}`,
          "check the network and the machine",
        ),
      );
    });
  }
  return {
    description,
    lost: lost.signal,
    openUnix: (path) =>
      new Promise((resolve, reject) => {
        lost.signal.throwIfAborted();
        client.openssh_forwardOutStreamLocal(path, (error, channel) =>
          error === undefined ? resolve(channel) : reject(error),
        );
      }),
    openTcp: (port) =>
      new Promise((resolve, reject) => {
        lost.signal.throwIfAborted();
        client.forwardOut("127.0.0.1", 0, "127.0.0.1", port, (error, channel) =>
          error === undefined ? resolve(channel) : reject(error),
        );
      }),
    exec: (command) =>
      new Promise((resolve, reject) => {
        lost.signal.throwIfAborted();
        // Listened to from within the callback: a status may have come in the same packet.
        client.exec(command, (error, channel) =>
          error === undefined ? resolve(collect(channel)) : reject(error),
        );
      }),
    async [Symbol.asyncDispose]() {
      ending = true;
      for (const hop of [...open].toReversed()) await endClient(hop);
    },
  };
}

async function endClient(client: Client): Promise<void> {
  const timer = setTimeout(() => client.destroy(), endTimeoutMs);
  const closed = once(client, "close");
  client.end();
  await closed.finally(() => clearTimeout(timer));
}

async function collect(
  channel: ClientChannel,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  // 255 is what ssh(1) ends with where the connection failed and no status came.
  let exitCode = 255;
  channel.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  channel.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  channel.on("exit", (code: number | null) => (exitCode = code ?? 255));
  await once(channel, "close");
  return { exitCode, stdout, stderr };
}

function hostKeyRefused(
  settings: SshSettings,
  name: string,
  found: Exclude<HostKeyVerdict, { verdict: "known" }>,
  key: Buffer,
): EnvironmentError {
  const { host, port, user } = settings;
  const shown = `it shows ${fingerprint(key)}`;
  const to = `SSH to ${describe(settings)} refused`;
  const scan = `ssh-keyscan -p ${port} ${host} | ssh-keygen -lf -`;
  switch (found.verdict) {
    case "unknown":
      return new EnvironmentError(
        `${to}: the host's key is not known; ${shown}`,
        `compare it with the machine's (\`${scan}\` shows it), then accept it once by \`ssh -p ${port} ${user}@${host}\``,
      );
    case "changed":
      return new EnvironmentError(
        `${to}: the host's key has CHANGED; ${shown}, and ${found.at} has another: ` +
          "the machine was set up anew, or somebody listens in between",
        `\`ssh-keygen -lF '${name}'\` shows the known key; only if the change is yours, ` +
          `\`ssh-keygen -R '${name}'\` forgets it`,
      );
    case "revoked":
      return new EnvironmentError(
        `${to}: the host's key is revoked by ${found.at}; ${shown}`,
        "do not connect; ask who runs that machine",
      );
  }
}

function loginFailed(
  settings: SshSettings,
  { tried, unusable }: Identities,
  allowed: readonly string[],
  error: Error & ClientErrorExtensions & { code?: string },
): EnvironmentError {
  const { host, port, user } = settings;
  const to = `SSH to ${describe(settings)}`;
  const skipped = [...unusable, ...settings.unsupported.map((each) => `${each} was not followed`)];
  const also = skipped.length === 0 ? "" : `; not used: ${skipped.join("; ")}`;
  const byHand = `check \`ssh -p ${port} ${user}@${host} true\``;
  if (error.level === "client-authentication") {
    const keys = tried.length === 0 ? "there is no key to try" : `tried ${tried.join(", ")}`;
    const wanted = allowed.length === 0 ? "" : `; the server allows ${allowed.join(", ")}`;
    return new EnvironmentError(
      `${to}: not let in: ${keys}${wanted}${also}`,
      `add the right key by ssh-add or IdentityFile, and the user by ssh://USER@${host}; ${byHand}`,
    );
  }
  const what =
    error.code === "ECONNREFUSED"
      ? "nothing listens there (connection refused)"
      : error.code === "ENOTFOUND" || error.code === "EAI_AGAIN"
        ? "the name is not known"
        : error.level === "client-timeout"
          ? `no answer within ${readyTimeoutMs / 1000} s`
          : error.message;
  return new EnvironmentError(`${to}: ${what}${also}`, `${byHand}`);
}

function describe({ user, host, port }: SshSettings): string {
  return `${user}@${host.includes(":") ? `[${host}]` : host}:${port}`;
}
