import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderInUseError, lockFolder } from "./folder-lock.ts";
import { startTimeOf } from "./process-start.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "spinelab-lock-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const lock = () => join(folder, "lock");

test("one has it at a time, and it is free again when it is let go", () => {
  const inner = join(folder, "made");
  const letGo = lockFolder(inner);
  expect(() => lockFolder(inner)).toThrow(new FolderInUseError(inner, process.pid));
  expect(readdirSync(inner)).toEqual(["lock"]);
  letGo();
  lockFolder(inner)();
  expect(readdirSync(inner)).toEqual([]);
});

test("a process that lives has it; its lock is taken over once it is gone", async () => {
  const other = spawn("sleep", ["60"]);
  await once(other, "spawn");
  writeFileSync(lock(), `${other.pid} ${startTimeOf(other.pid!)}\n`);
  expect(() => lockFolder(folder)).toThrow(`${folder} is in use by process ${other.pid}`);
  other.kill("SIGKILL");
  await once(other, "exit");
  const letGo = lockFolder(folder);
  expect(readdirSync(folder)).toEqual(["lock"]);
  letGo();
});

test.each([
  ["a process that has the number of one that is gone", `${process.pid} 1\n`],
  ["a lock that was cut off", ""],
])("%s does not have it", (_, text) => {
  writeFileSync(lock(), text);
  lockFolder(folder)();
  expect(readdirSync(folder)).toEqual([]);
});
