import { createServer, connect, type Server, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { takeAnswer, VtyConnection } from "./vty.ts";

const folder = mkdtempSync(join(tmpdir(), "spinelab-vty-"));
afterAll(() => rmSync(folder, { recursive: true }));
let server: Server;
let clients: Socket[] = [];

/** A daemon that answers each command with itself in capitals, and `bad` with status 2. */
beforeEach(async () => {
  clients = [];
  server = createServer((socket) => {
    clients.push(socket);
    socket.on("data", (bytes) => {
      for (const command of String(bytes).split("\0").slice(0, -1)) {
        const [head, tail] = [command.toUpperCase().slice(0, 3), command.toUpperCase().slice(3)];
        socket.write(head);
        socket.write(`${tail}\0\0\0${command === "bad" ? "\x02" : "\0"}`);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(join(folder, "bgpd.vty"), resolve);
  });
});

afterEach(() => {
  for (const client of clients) client.destroy();
  server.close();
  rmSync(join(folder, "bgpd.vty"), { force: true });
});

async function open(): Promise<VtyConnection> {
  return await VtyConnection.open(connect(join(folder, "bgpd.vty")));
}

test("commands one after the other over one connection", async () => {
  using vty = await open();
  expect(await vty.run("show version")).toEqual({ status: 0, output: "SHOW VERSION" });
  expect(await vty.run("bad")).toEqual({ status: 2, output: "BAD" });
  const first = vty.run("a");
  await expect(vty.run("b")).rejects.toThrow("one command at a time");
  await first;
});

test("a daemon that goes away", async () => {
  using vty = await open();
  for (const client of clients) client.destroy();
  await expect(vty.run("show version")).rejects.toThrow(/closed|EPIPE|ECONNRESET/);
  expect(vty.isOpen).toBe(false);
});

test("an answer is whole with its status byte, however it is cut", () => {
  const output = fc.string({ maxLength: 40 }).map((text) => text.replaceAll("\0", ""));
  fc.assert(
    fc.property(output, fc.nat(255), fc.string(), (text, status, rest) => {
      const bytes = Buffer.concat([
        Buffer.from(text),
        Buffer.from([0, 0, 0, status]),
        Buffer.from(rest),
      ]);
      const answerLength = Buffer.byteLength(text) + 4;
      for (let length = 0; length < answerLength; length++) {
        expect(takeAnswer(bytes.subarray(0, length))).toBeUndefined();
      }
      expect(takeAnswer(bytes)).toMatchObject({ output: Buffer.from(text).toString(), status });
      expect(String(takeAnswer(bytes)!.rest)).toBe(Buffer.from(rest).toString());
    }),
    { numRuns: 50 },
  );
});
