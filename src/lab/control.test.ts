import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentError } from "../input/diagnostic.ts";
import { NodeDownError } from "../runtime/node-down.ts";
import { askControl, ControlError, serveControl } from "./control.ts";

let folder: string;
let socket: string;
let server: Server;

const failures: Partial<Record<string, Error>> = {
  down: new NodeDownError("tor1"),
  lacking: new EnvironmentError("no netem", "another kernel"),
  other: new Error("node tor1 is not up to date"),
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "spinelab-control-"));
  socket = join(folder, "control.sock");
  server = await serveControl(
    socket,
    async ({ say }, { send }) => {
      const failure = failures[String(say)];
      if (failure !== undefined) throw failure;
      send("on the way");
      return say;
    },
    (error) => {
      throw error;
    },
  );
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test("what is asked is answered, after what was said on the way", async () => {
  const lines: unknown[] = [];
  const answer = await askControl(socket, { say: 5 }, { onLine: (line) => lines.push(line) });
  expect({ answer, lines }).toEqual({ answer: 5, lines: ["on the way"] });
});

test.each([
  ["down", { name: "NodeDownError", node: "tor1", message: "node tor1 is not up" }],
  ["lacking", { name: "EnvironmentError", message: "no netem", remedy: "another kernel" }],
  ["other", { name: "ControlError", message: "node tor1 is not up to date" }],
])("an error comes out as what it went in: %s", async (say, error) => {
  const failed = await askControl(socket, { say }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(failed).toMatchObject(error);
  expect(failed).toBeInstanceOf(
    { down: NodeDownError, lacking: EnvironmentError, other: ControlError }[say],
  );
});
