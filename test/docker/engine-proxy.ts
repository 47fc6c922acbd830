import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A socket in front of an engine's, to take the engine away at a chosen moment. */
export type EngineProxy = AsyncDisposable & {
  /** For DOCKER_HOST and --docker. */
  host: string;
  /** Resolves when a request whose first line fits comes, which the engine has not seen yet. */
  request(pattern: RegExp): Promise<void>;
  /** As an engine that is killed: every connection ends, and nobody listens any more. */
  vanish(): void;
  /** As an engine that hangs, or a network that swallows everything. */
  freeze(): void;
  /** It serves again. */
  appear(): Promise<void>;
};

export async function proxyEngine(path: string, enginePath: string): Promise<EngineProxy> {
  const sockets = new Set<Socket>();
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  let server: Server | undefined;
  let isFrozen = false;

  const relay = (socket: Socket): void => {
    const engine = connect({ path: enginePath, allowHalfOpen: true });
    for (const each of [socket, engine]) {
      sockets.add(each);
      each.on("error", () => each.destroy());
      each.once("close", () => sockets.delete(each));
      if (isFrozen) each.pause();
    }
    socket.on("data", (bytes: Buffer) => {
      const [line = ""] = bytes.toString("latin1").split("\r\n", 1);
      for (const each of waiting.filter(({ pattern }) => pattern.test(line))) {
        waiting.splice(waiting.indexOf(each), 1);
        each.resolve();
      }
      // The one who waited acts first.
      setImmediate(() => engine.write(bytes));
    });
    socket.on("end", () => setImmediate(() => engine.end()));
    engine.pipe(socket);
    engine.once("close", () => socket.destroySoon());
    socket.once("close", () => engine.destroy());
  };
  const appear = async (): Promise<void> => {
    isFrozen = false;
    for (const socket of sockets) socket.resume();
    if (server) return;
    server = createServer({ allowHalfOpen: true }, relay).listen(path);
    await once(server, "listening");
  };
  const vanish = (): void => {
    server?.close();
    server = undefined;
    rmSync(path, { force: true });
    for (const socket of sockets) socket.destroy();
  };
  await appear();
  return {
    host: `unix://${path}`,
    request: (pattern) => new Promise((resolve) => waiting.push({ pattern, resolve })),
    vanish,
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    appear,
    async [Symbol.asyncDispose]() {
      vanish();
    },
  };
}
