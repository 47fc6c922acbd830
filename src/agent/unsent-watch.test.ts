import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, it } from "vitest";
import { UnsentWatch } from "./unsent-watch.ts";

it("tells of the peer that reads nothing, until it reads again", async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new Map<number, Socket>();
  const told: [number, number][] = [];
  const watch = new UnsentWatch(sockets, (connection, forMs) => told.push([connection, forMs]));
  try {
    const { port } = server.address() as AddressInfo;
    const [accepted] = await Promise.all([
      once(server, "connection"),
      new Promise((resolve) =>
        sockets.set(
          1,
          connect(port, "127.0.0.1", () => resolve(undefined)),
        ),
      ),
    ]);
    const [peer] = accepted as [Socket];
    watch.look(0);
    expect(watch.isStuck(1)).toBe(false);
    // More than the kernel's buffers hold.
    for (let i = 0; i < 64; i++) sockets.get(1)!.write(new Uint8Array(1 << 20));
    let left = -1;
    // Until the buffers are full: nothing moves any more.
    for (let ms = 1; !watch.isStuck(1); ms++) {
      const { bytesWritten, writableLength } = sockets.get(1)!;
      if (bytesWritten - writableLength === left) watch.look(ms);
      left = bytesWritten - writableLength;
      await new Promise((resolve) => setImmediate(resolve));
    }
    told.length = 0;
    watch.look(1_000_000);
    expect(told).toMatchObject([[1, expect.any(Number)]]);
    expect(told[0]![1]).toBeGreaterThan(900_000);
    peer.resume();
    await once(sockets.get(1)!, "drain");
    watch.look(1_000_001);
    expect(watch.isStuck(1)).toBe(false);
  } finally {
    watch.stop();
    for (const socket of sockets.values()) socket.destroy();
    server.close();
  }
});
