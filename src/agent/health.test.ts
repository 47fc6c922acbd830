import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { hostAndPort, serveHealth } from "./health.ts";

test("ready only when the configuration is known, healthy always", async () => {
  let ready = false;
  const server = await serveHealth("127.0.0.1:0", { ready: () => ready }, () => {});
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const status = async (path: string, method = "GET") =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;

  expect([await status("/healthz"), await status("/readyz")]).toEqual([200, 503]);
  ready = true;
  expect([await status("/healthz"), await status("/readyz?verbose")]).toEqual([200, 200]);
  expect([await status("/metrics"), await status("/healthz", "POST")]).toEqual([404, 405]);
});

test("where it listens", () => {
  expect(hostAndPort("127.0.0.1:9879")).toEqual({ host: "127.0.0.1", port: 9879 });
  expect(hostAndPort("[::1]:80")).toEqual({ host: "::1", port: 80 });
  expect(() => hostAndPort("9879")).toThrow("9879: expected ADDRESS:PORT");
  for (const wrong of [":9879", "127.0.0.1", "127.0.0.1:x", "::1:80", "127.0.0.1:65536"]) {
    expect(() => hostAndPort(wrong)).toThrow("expected ADDRESS:PORT");
  }
});

test("a port that is taken is an error, not silence", async () => {
  const server = await serveHealth("127.0.0.1:0", { ready: () => true }, () => {});
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(serveHealth(`127.0.0.1:${port}`, { ready: () => true }, () => {})).rejects.toThrow(
    "EADDRINUSE",
  );
});
