import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  encodeRelayMessage,
  type RelayMessage,
  RelayMessages,
} from "../sys/socket-relay-messages.ts";

let folder: string;
let server: Server;
let child: ChildProcess;
const heard: string[] = [];

beforeEach(async () => {
  heard.length = 0;
  folder = mkdtempSync(join(tmpdir(), "spinelab-relay-"));
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("data", (bytes) => socket.write(bytes.toString().toUpperCase()));
    socket.on("end", () => socket.end("bye"));
    socket.on("error", () => {}); // Who has gone hears no goodbye.
  });
  server.listen(join(folder, "socket"));
  await once(server, "listening");
  const agent = new URL("main.ts", import.meta.url).pathname;
  child = spawn(process.execPath, [agent, "relay"], { stdio: ["pipe", "pipe", "inherit"] });
  const messages = new RelayMessages();
  child.stdout!.on("data", (bytes: Buffer) => {
    for (const { connection, kind, payload } of messages.push(bytes)) {
      heard.push(`${connection} ${kind} ${payload.toString()}`.trim());
    }
  });
});
afterEach(() => {
  child.kill();
  server.close();
  rmSync(folder, { recursive: true });
});

const say = (connection: number, kind: RelayMessage["kind"], text = "") =>
  child.stdin!.write(encodeRelayMessage({ connection, kind, payload: Buffer.from(text) }));
const expectHeard = (...lines: string[]) =>
  expect.poll(() => heard, { timeout: 20_000 }).toEqual(expect.arrayContaining(lines));

test("connections go beside each other, each to its end", async () => {
  say(1, "open", join(folder, "socket"));
  say(2, "open", join(folder, "socket"));
  await expectHeard("1 opened", "2 opened");
  say(2, "data", "two");
  await expectHeard("2 data TWO");
  say(1, "data", "one");
  await expectHeard("1 data ONE");
  say(2, "end");
  await expectHeard("2 data bye", "2 closed");
  say(1, "closed");
  await expectHeard("1 closed");
});

test("where nobody listens the answer has the system's words", async () => {
  say(7, "open", join(folder, "none"));
  await expectHeard(`7 closed connect ENOENT ${join(folder, "none")}`);
});

test("it ends with its input", async () => {
  say(1, "open", join(folder, "socket"));
  await expectHeard("1 opened");
  child.stdin!.end();
  expect(await once(child, "exit")).toEqual([0, null]);
});
