import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Input } from "../bgp/speaker/effect.ts";
import { address } from "../net/address.ts";
import { linesOf } from "../sys/socket-lines.ts";
import { BgpSockets } from "./bgp-sockets.ts";

const config = (listenPort?: number) => ({
  ...{ localAsn: 65001, routerId: address("1.1.1.1"), hostname: "a", originate: [], peers: [] },
  ...(listenPort !== undefined && { listenPort }),
});

function sockets() {
  const told: Input[] = [];
  const logged: string[] = [];
  const of = new BgpSockets(
    (level, message) => logged.push(`${level}: ${message}`),
    (input) => told.push(input),
  );
  onTestFinished(() => of.stop());
  return { of, told, logged };
}

const loopback = address("127.0.0.1");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("a connection that is reset before it is looked at is nobody's; the next one is told", async () => {
  const { of, told, logged } = sockets();
  const port = await freePort();
  of.listen(config(port));
  // This process stands still as long as the other runs, so it accepts what is over by then.
  const reset = `const s = require("net").connect(${port}, "127.0.0.1", () => s.resetAndDestroy())`;
  execFileSync(process.execPath, ["-e", reset]);
  const caller = connect(port, "127.0.0.1");
  onTestFinished(() => void caller.destroy());
  await vi.waitUntil(() => told.length > 0);
  const { localPort } = caller;
  expect(told).toMatchObject([
    { input: "accepted", localAddress: loopback, remoteAddress: loopback, remotePort: localPort },
  ]);
  expect(logged).toEqual([]);
});

test("so is one of our own that the other side reset: it failed", async () => {
  const { of, told } = sockets();
  const script = `const s = require("net").createServer((c) => c.resetAndDestroy())
    .listen(0, "127.0.0.1", () => console.log(s.address().port))`;
  const server = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void server.kill("SIGKILL"));
  const [port] = (await once(linesOf(server.stdout), "line")) as [string];
  of.connect({ do: "connect", connection: 1, remoteAddress: loopback, port: Number(port) });
  await vi.waitUntil(() => told.some(({ input }) => /closed|connectFailed/.test(input)));
  expect(told.at(-1)).toMatchObject({ connection: 1, reason: expect.any(String) as string });
});

test("nobody listens there, or the socket cannot even be made", async () => {
  const { of, told } = sockets();
  const port = await freePort();
  of.connect({ do: "connect", connection: 1, remoteAddress: loopback, port });
  const localAddress = address("192.0.2.1");
  of.connect({ do: "connect", connection: 2, remoteAddress: loopback, port, localAddress });
  expect(told).toEqual([]);
  await vi.waitUntil(() => told.length === 2);
  expect(told).toEqual(
    expect.arrayContaining([
      { input: "connectFailed", connection: 1, reason: "ECONNREFUSED" },
      { input: "connectFailed", connection: 2, reason: "EADDRNOTAVAIL" },
    ]),
  );
});

test("a port that is taken is told; once it is free, it is listened on", async () => {
  const { of, logged } = sockets();
  const other = createServer().listen(0);
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  of.listen(config(port));
  expect(logged.map((line) => line.replace(/ 0\.0\.0\.0| ::/, ""))).toEqual(
    Array(2).fill(`error: cannot listen on TCP port ${port}: bind port ${port}: EADDRINUSE`),
  );
  await new Promise((resolve) => other.close(resolve));
  of.listen(config());
  of.listen(config(port));
  const caller = connect(port, "127.0.0.1");
  await once(caller, "connect");
  caller.destroy();
});

test("a peer that takes nothing in does not fill the memory: its connection goes", async () => {
  const { of, told } = sockets();
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.once("connection", (peer) => onTestFinished(() => void peer.destroy()));
  of.connect({ do: "connect", connection: 1, remoteAddress: loopback, port });
  await vi.waitUntil(() => told.length === 1);
  // One piece of memory, many times.
  const bytes = new Uint8Array(16 << 20);
  for (let i = 0; i < 15; i++) of.send(1, bytes);
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toMatchObject([{ input: "connected" }]);
  for (let i = 0; i < 2; i++) of.send(1, bytes);
  await vi.waitUntil(() => told.length === 2);
  const reason = expect.stringMatching(/^the peer is too slow: \d+ MiB wait for it$/) as string;
  expect(told[1]).toEqual({ input: "closed", connection: 1, reason });
});
