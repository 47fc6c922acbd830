import { connect } from "node:net";

/**
 * `relay PATH`: joins standard input and output to a Unix socket, for whoever reaches this machine's
 * files by a command only. Says on standard error `connected`, or the system's code and message.
 */
export function relay(path: string): void {
  const socket = connect({ path });
  socket.once("error", (error) => {
    process.stderr.write(`${error.message}\n`, () => process.exit(1));
  });
  socket.once("connect", () => {
    process.stderr.write("connected\n");
    process.stdin.pipe(socket);
    socket.pipe(process.stdout);
  });
  socket.once("close", () => process.stdin.destroy());
}
