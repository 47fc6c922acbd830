import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { address } from "../net/address.ts";
import { BmpStations } from "./bmp-stations.ts";

let server: Server;
let port: number;
let logs: string[];
let stations: BmpStations;
const sockets = new Set<Socket>();

beforeEach(async () => {
  logs = [];
  server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  await stations.end(0);
  for (const socket of sockets) socket.destroy();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

const station = (retry = 1) => ({
  address: address("127.0.0.1"),
  port,
  minRetrySeconds: retry,
  maxRetrySeconds: 4,
});

function call(begin: string[], backlogBytesMax?: number): BmpStations {
  stations = new BmpStations({
    begin: () => begin.map((text) => Buffer.from(text)),
    log: (_, message) => logs.push(message),
    ...(backlogBytesMax !== undefined && { backlogBytesMax }),
  });
  stations.configure({ stations: [station()], ribs: ["pre-policy"] });
  return stations;
}

async function accepted(): Promise<{ socket: Socket; text: () => string }> {
  const [socket] = (await once(server, "connection")) as [Socket];
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return { socket, text: () => text };
}

const waitFor = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 5 });

test("what is there comes first, then the changes, then all that waits before the end", async () => {
  call(["begin ", "tables "]);
  stations.send(Buffer.from("too early "));
  const { socket, text } = await accepted();
  socket.resume();
  await waitFor(() => expect(text()).toBe("begin tables "));
  stations.send(Buffer.from("change "));
  stations.send(Buffer.from("end"));
  await stations.end(5000);
  await waitFor(() => expect(text()).toBe("begin tables change end"));
});

test("a station that does not read is dropped before much waits for it, and called again", async () => {
  call(["begin"], 1 << 20);
  const { socket } = await accepted();
  await waitFor(() => expect(logs.at(-1)).toContain("connected"));
  const chunk = Buffer.alloc(1 << 16);
  // What the system buffers, and the limit, are soon full.
  for (let i = 0; i < 1000 && !logs.some((line) => line.includes("too slow")); i++) {
    stations.send(chunk);
    await new Promise(setImmediate);
  }
  expect(logs.at(-1)).toMatch(
    /is gone: it is too slow: 1\.\d MiB wait for it; called again in 1 s/,
  );
  socket.destroy();
  const again = await accepted();
  again.socket.resume();
  await waitFor(() => expect(again.text()).toBe("begin"));
});

test("tables larger than the limit are no reason to drop a station", async () => {
  const table = "x".repeat(8 << 20);
  call([table], 1 << 16);
  const { socket, text } = await accepted();
  await waitFor(() => expect(logs.at(-1)).toContain("connected"));
  stations.send(Buffer.from("y"));
  socket.resume();
  await waitFor(() => expect(text().length).toBe(table.length + 1));
  expect(logs).toHaveLength(1);
});

test("one that is not there is called later and later, up to the longest wait", async () => {
  const { minRetrySeconds: _, ...closed } = station();
  await new Promise((resolve) => server.close(resolve));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    call([]);
    for (const seconds of [1, 2, 4, 4]) {
      const before = logs.length;
      // The system's answer comes in real time.
      while (logs.length === before) await new Promise(setImmediate);
      expect(logs.at(-1)).toContain(
        `ECONNREFUSED 127.0.0.1:${closed.port}; called again in ${seconds} s`,
      );
      vi.advanceTimersByTime(seconds * 1000);
    }
  } finally {
    vi.useRealTimers();
  }
});

test("a station that is configured no more is left, another is called", async () => {
  call(["begin"]);
  const first = await accepted();
  first.socket.resume();
  stations.configure({ stations: [station(2)], ribs: ["pre-policy"] });
  const second = await accepted();
  second.socket.resume();
  await waitFor(() => expect(second.text()).toBe("begin"));
  await waitFor(() => expect(first.socket.destroyed).toBe(true));
});

test("one that is to be told of other routes begins anew", async () => {
  call(["begin"]);
  const first = await accepted();
  first.socket.resume();
  await waitFor(() => expect(first.text()).toBe("begin"));
  stations.configure({ stations: [station()], ribs: ["pre-policy"] });
  stations.send(Buffer.from(" more"));
  await waitFor(() => expect(first.text()).toBe("begin more"));
  stations.configure({ stations: [station()], ribs: ["pre-policy", "post-policy"] });
  const second = await accepted();
  second.socket.resume();
  await waitFor(() => expect(second.text()).toBe("begin"));
  await waitFor(() => expect(first.socket.destroyed).toBe(true));
});
