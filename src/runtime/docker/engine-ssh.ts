import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { EnvironmentError } from "../../input/diagnostic.ts";
import type { Environment } from "../../sys/ssh/client-config.ts";
import { connectSsh, type SshConnection } from "../../sys/ssh/connection.ts";
import type { SshTarget } from "../../sys/ssh/target.ts";

const usualSocket = "/var/run/docker.sock";
const folderPrefix = "spinelab-engine-";

/** A local Unix socket that leads to the engine's on the other machine. */
export type ForwardedEngine = AsyncDisposable & {
  readonly socketPath: string;
  /** `user@host:port` */
  readonly description: string;
  /** Leads a new local port to a port of that machine's loopback; resolves with the local one. */
  forwardPort(port: number): Promise<number>;
};

/**
 * Leads a local Unix socket to the engine's socket on another machine: over one SSH connection, a
 * channel for each connection made to it. dockerode and child processes (kind, docker) use it alike,
 * and the other machine needs no docker command. Only this user can open the socket.
 *
 * A connection that is lost is made anew by the next request, and `tell` says so; streams that were
 * open end.
 */
export async function forwardEngine(
  target: SshTarget,
  env: Environment,
  tell: (notice: string) => void,
): Promise<ForwardedEngine> {
  const remotePath = target.path ?? usualSocket;
  const connections = new Reconnecting(target, env, tell);
  const folder = socketFolder(env);
  const sockets = new Set<Duplex>();
  const servers: Server[] = [];
  const serve = (open: (connection: SshConnection) => Promise<Duplex>): Server => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket.once("close", () => sockets.delete(socket)));
      void relay(socket, async () => open(await connections.current()), tell);
    });
    servers.push(server);
    return server;
  };
  const server = serve((connection) => openEngine(connection, remotePath));
  const close = async (): Promise<void> => {
    const closed = servers.filter(({ listening }) => listening).map((each) => closeServer(each));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    await connections.end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const connection = await connections.current();
    (await openEngine(connection, remotePath)).destroy();
    const socketPath = path.join(folder, "docker.sock");
    server.listen(socketPath);
    await once(server, "listening");
    const { description } = connection;
    const forwardPort = async (port: number): Promise<number> => {
      const local = serve((over) => over.openTcp(port));
      local.listen(0, "127.0.0.1");
      await once(local, "listening");
      return (local.address() as AddressInfo).port;
    };
    return { socketPath, description, forwardPort, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One connection at a time, made again when it is asked for after it was lost. */
class Reconnecting {
  #connection: Promise<SshConnection> | undefined;
  readonly #target: SshTarget;
  readonly #env: Environment;
  readonly #tell: (notice: string) => void;
  constructor(target: SshTarget, env: Environment, tell: (notice: string) => void) {
    this.#target = target;
    this.#env = env;
    this.#tell = tell;
  }

  current(): Promise<SshConnection> {
    return (this.#connection ??= this.#connect());
  }

  async #connect(): Promise<SshConnection> {
    try {
      const connection = await connectSsh(this.#target, this.#env);
      connection.lost.addEventListener("abort", () => {
        this.#connection = undefined;
        const reason = (connection.lost.reason as Error).message;
        this.#tell(`${reason}; the next request to the engine connects again`);
      });
      return connection;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }

  async end(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.[Symbol.asyncDispose]();
  }
}

async function relay(
  socket: Socket,
  open: () => Promise<Duplex>,
  tell: (notice: string) => void,
): Promise<void> {
  // Without a listener a client that goes away would end the process; "close" follows and is heard.
  socket.on("error", () => {});
  let channel: Duplex;
  try {
    channel = await open();
  } catch (error) {
    const { message } = error as Error;
    tell(message);
    refuse(socket, message);
    return;
  }
  // pipe hands on the end of each direction alone: `docker exec -i` closes its input and reads on.
  socket.pipe(channel).on("error", () => socket.destroy());
  channel.pipe(socket).on("close", () => channel.destroy());
  channel.once("close", () => socket.end());
  if (socket.destroyed) channel.destroy();
}

/** In HTTP, and in the engine's own form, so that dockerode, docker and kind print what is wrong. */
function refuse(socket: Socket, message: string): void {
  const body = JSON.stringify({ message });
  socket.end(
    "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nConnection: close\r\n" +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.resume();
}

/** A channel to the engine's socket; where there is none, says which of the usual reasons it has. */
async function openEngine(connection: SshConnection, socket: string): Promise<Duplex> {
  try {
    return await connection.openUnix(socket);
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    throw await noEngine(connection, socket, error as Error);
  }
}

async function noEngine(
  connection: SshConnection,
  socket: string,
  error: Error,
): Promise<EnvironmentError> {
  const quoted = `'${socket.replaceAll("'", "'\\''")}'`;
  const look = `if [ ! -e ${quoted} ]; then echo missing; elif [ ! -w ${quoted} ]; then echo denied; fi`;
  const found = await connection.exec(look).then(
    ({ stdout }) => stdout.trim(),
    () => "", // an account that may run nothing: then the server's own words must do
  );
  const where = `${socket} on ${connection.description}`;
  if (found === "missing") {
    return new EnvironmentError(
      `no Docker engine: there is no ${where}`,
      "start Docker there, or name its socket: ssh://user@host/path/of/docker.sock",
    );
  }
  if (found === "denied") {
    return new EnvironmentError(
      `no permission to use ${where}`,
      "on that machine, add the user to the group docker (sudo usermod -aG docker USER); it counts from the next login",
    );
  }
  return new EnvironmentError(
    `no way to ${where}: ${error.message}`,
    "check that Docker runs there, and that its sshd allows AllowStreamLocalForwarding",
  );
}

/** A folder of this user alone, named by the process; those of processes that are gone are removed. */
function socketFolder(env: Environment): string {
  const parent = env["XDG_RUNTIME_DIR"] || tmpdir();
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(path.join(parent, name), { recursive: true, force: true });
  }
  return mkdtempSync(path.join(parent, `${folderPrefix}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
