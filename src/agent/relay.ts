import { connect, type Socket } from "node:net";
import {
  encodeRelayMessage,
  type RelayMessage,
  RelayMessages,
} from "../sys/socket-relay-messages.ts";

/**
 * `relay`: carries connections to Unix sockets over standard input and output, for whoever reaches this
 * machine's files by a command only. Ends with its input.
 */
export function relay(): void {
  const sockets = new Map<number, Socket>();
  const messages = new RelayMessages();
  const tell = (connection: number, kind: RelayMessage["kind"], payload: Buffer | string = "") =>
    process.stdout.write(encodeRelayMessage({ connection, kind, payload: Buffer.from(payload) }));

  const open = (connection: number, path: string) => {
    const socket = connect({ path });
    let failure = "";
    sockets.set(connection, socket);
    socket.once("connect", () => tell(connection, "opened"));
    socket.on("data", (bytes) => {
      if (tell(connection, "data", bytes)) return;
      socket.pause();
      process.stdout.once("drain", () => socket.resume());
    });
    socket.once("error", (error) => (failure = error.message));
    socket.once("close", () => {
      sockets.delete(connection);
      tell(connection, "closed", failure);
    });
  };

  process.stdout.setMaxListeners(0);
  process.stdin.on("data", (bytes: Buffer) => {
    for (const { connection, kind, payload } of messages.push(bytes)) {
      if (kind === "open") open(connection, payload.toString());
      else if (kind === "data") sockets.get(connection)?.write(payload);
      else if (kind === "end") sockets.get(connection)?.end();
      else sockets.get(connection)?.destroy();
    }
  });
  process.stdin.once("end", () => process.exit());
}
