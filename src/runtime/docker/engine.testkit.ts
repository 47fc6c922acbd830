import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** What Docker 20.10 answers to /version, shortened. */
export const docker2010 = {
  Version: "20.10.24",
  ApiVersion: "1.41",
  Components: [{ Name: "Engine", Version: "20.10.24" }],
};

/**
 * Plays an engine: /version answers `version`, anything else is not found, and an upgraded
 * connection (exec, attach) gets back what it sent once it has ended its side.
 */
export async function playEngine(
  at: string | { tls?: ServerOptions },
  version: object | string = docker2010,
): Promise<{ port: number; server: Server }> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const known = request.url === "/version";
    response.writeHead(known ? 200 : 404, { "Content-Type": "application/json" });
    const body = known ? version : { message: `No such thing: ${request.url}` };
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const server =
    typeof at === "object" && at.tls ? createTlsServer(at.tls, answer) : createServer(answer);
  server.on("upgrade", async (request, socket, head) => {
    socket.on("error", () => {}); // a client that was cut off
    socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    const read = Buffer.concat([head, ...((await socket.toArray()) as Buffer[])]);
    socket.end(read.subarray(Number(request.headers["content-length"])));
  });
  if (typeof at === "string") server.listen(at);
  else server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}
