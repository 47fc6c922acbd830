import { createServer, connect, type Server, type Socket } from "node:net";
import { EnvironmentError } from "../input/diagnostic.ts";
import { NodeDownError } from "../runtime/node-down.ts";
import { listen } from "../sys/listen.ts";
import { InterruptedError } from "./broken-off.ts";
import { linesOf } from "../sys/socket-lines.ts";

/**
 * How commands talk to a running lab: one line of JSON asks, lines of JSON answer. `{ok}` or
 * `{error}` (with `remedy` where the environment is at fault, `down` where a node has no power) ends the answer; lines before it are records or what the request says.
 */
export type ControlHandler = (
  request: Record<string, unknown>,
  stream: { send: (line: unknown) => void; signal: AbortSignal },
) => Promise<unknown>;

/** `onError`: of a caller who could not be let in; others can. */
export async function serveControl(
  path: string,
  handle: ControlHandler,
  onError: (error: Error) => void,
): Promise<Server> {
  const server = createServer((socket) => {
    const gone = new AbortController();
    socket.on("error", () => socket.destroy());
    socket.on("close", () => gone.abort(new InterruptedError("the caller left")));
    linesOf(socket).once("line", (line) => {
      const send = (said: unknown) => void socket.write(`${JSON.stringify({ line: said })}\n`);
      Promise.resolve()
        .then(() => JSON.parse(line) as Record<string, unknown>)
        .then((request) => handle(request, { send, signal: gone.signal }))
        .then(
          (answer) => socket.end(`${JSON.stringify({ ok: answer ?? null })}\n`),
          (error: Error) => {
            const remedy = error instanceof EnvironmentError ? { remedy: error.remedy } : {};
            const down = error instanceof NodeDownError ? { down: error.node } : {};
            socket.end(`${JSON.stringify({ error: error.message, ...remedy, ...down })}\n`);
          },
        );
    });
  });
  await listen(server, { path }, onError);
  return server;
}

/** The lab answered with an error. */
export class ControlError extends Error {
  override readonly name = "ControlError";
}

type Failure = { error: string; remedy?: string; down?: string };
type Answer = { ok: unknown } | Failure | { line: unknown };

function errorOf({ error, remedy, down }: Failure): Error {
  if (down !== undefined) return new NodeDownError(down);
  return remedy === undefined ? new ControlError(error) : new EnvironmentError(error, remedy);
}

/** Asks a lab. Lines before the end of the answer go to `onLine`. Aborting hangs up. */
export function askControl(
  path: string,
  request: Record<string, unknown>,
  options: { onLine?: (line: unknown) => void; signal?: AbortSignal } = {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) return reject(options.signal.reason as Error);
    const socket: Socket = connect(path);
    const hangUp = () => socket.destroy(options.signal!.reason as Error);
    options.signal?.addEventListener("abort", hangUp, { once: true });
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("error", reject);
    socket.on("close", () => {
      options.signal?.removeEventListener("abort", hangUp);
      reject(new ControlError("the lab hung up"));
    });
    linesOf(socket).on("line", (line) => {
      const value = JSON.parse(line) as Answer;
      if ("ok" in value) resolve(value.ok);
      else if ("error" in value) reject(errorOf(value));
      else options.onLine?.(value.line);
    });
  });
}
