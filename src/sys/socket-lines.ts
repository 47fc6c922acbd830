import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";

/**
 * The lines that come by a socket. The socket's own listener hears of its errors: readline passes them on,
 * and would throw what nobody listens to a second time.
 */
export function linesOf(socket: Readable): Interface {
  return createInterface({ input: socket }).on("error", () => {});
}
