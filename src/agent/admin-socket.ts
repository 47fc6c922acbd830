import { rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { Log } from "./log.ts";
import { listen } from "../sys/listen.ts";
import { linesOf } from "../sys/socket-lines.ts";

/** A request is one line of JSON, its answer is one line of JSON: `{ok: …}` or `{error: "…"}`. */
export type AdminHandler = (request: Record<string, unknown>) => unknown;

/** Octets are written as hexadecimal digits; Buffers, too, which JSON would have as lists of numbers. */
function octetsAsHex(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const octets = this[key];
  return octets instanceof Uint8Array ? Buffer.from(octets).toString("hex") : value;
}

/** Opens the admin socket, for root only. An older socket file of the same path is replaced. */
export async function serveAdminSocket(
  path: string,
  handle: AdminHandler,
  log: Log,
): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    linesOf(socket).on("line", (line) => {
      let answer: unknown;
      try {
        answer = { ok: handle(JSON.parse(line) as Record<string, unknown>) };
      } catch (error) {
        answer = { error: (error as Error).message };
      }
      socket.write(`${JSON.stringify(answer, octetsAsHex)}\n`);
    });
  });
  const oldMask = process.umask(0o077);
  try {
    await listen(server, { path }, (error) => log("warn", `admin socket: ${error.message}`));
  } finally {
    process.umask(oldMask);
  }
  return server;
}
