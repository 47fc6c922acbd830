import { rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { createInterface } from "node:readline";

/** A request is one line of JSON, its answer is one line of JSON: `{ok: …}` or `{error: "…"}`. */
export type AdminHandler = (request: Record<string, unknown>) => unknown;

/** Opens the admin socket, for root only. An older socket file of the same path is replaced. */
export async function serveAdminSocket(path: string, handle: AdminHandler): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    createInterface({ input: socket }).on("line", (line) => {
      let answer: unknown;
      try {
        answer = { ok: handle(JSON.parse(line) as Record<string, unknown>) };
      } catch (error) {
        answer = { error: (error as Error).message };
      }
      socket.write(`${JSON.stringify(answer)}\n`);
    });
  });
  const oldMask = process.umask(0o077);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(path, resolve);
    });
  } finally {
    process.umask(oldMask);
  }
  return server;
}
