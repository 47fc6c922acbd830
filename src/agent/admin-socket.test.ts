import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { linesOf } from "../sys/socket-lines.ts";
import { type AdminHandler, serveAdminSocket } from "./admin-socket.ts";

async function served(handle: AdminHandler) {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-admin-"));
  const path = join(folder, "admin.sock");
  const server = await serveAdminSocket(path, handle, () => {});
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const ask = async (line: string) => {
    const socket = connect(path);
    socket.write(`${line}\n`);
    const [answer] = (await once(linesOf(socket), "line")) as [string];
    socket.destroy();
    return JSON.parse(answer) as unknown;
  };
  return { path, server, ask };
}

test("a line of JSON is answered by a line of JSON, an error by its message", async () => {
  const { ask } = await served((request) => {
    if (request["get"] === "peers") return [{ name: "tor0" }];
    throw new Error("unknown request");
  });
  expect(await ask('{"get":"peers"}')).toEqual({ ok: [{ name: "tor0" }] });
  expect(await ask('{"get":"x"}')).toEqual({ error: "unknown request" });
  expect(await ask("{")).toMatchObject({ error: expect.stringContaining("JSON") as string });
});

test("one who leaves without having read the answer ends nothing for others", async () => {
  const { path, server, ask } = await served(() => "x".repeat(1 << 20));
  const left = new Promise<void>((resolve) => {
    server.once("connection", (socket) => socket.once("close", () => resolve()));
  });
  const caller = connect(path);
  caller.pause().write('{"get":"routes"}\n');
  await once(caller, "connect");
  await new Promise((resolve) => caller.once("readable", resolve));
  caller.destroy();
  await left;
  expect(await ask("{}")).toMatchObject({ ok: expect.stringMatching(/^x/) as string });
});
