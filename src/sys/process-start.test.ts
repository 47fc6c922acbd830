import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startTimeOf } from "./process-start.ts";

test("a process that has ended is none, though nobody asked for its status", async () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/);
  // What the shell becomes waits for no child.
  const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 1000"]);
  try {
    const [said] = (await once(parent.stdout, "data")) as [Buffer];
    const child = Number(String(said));
    const stateOf = () => readFileSync(`/proc/${child}/stat`, "utf8").split(") ")[1]![0];
    await expect.poll(stateOf, { timeout: 20_000 }).toBe("Z");
    expect(startTimeOf(child)).toBeUndefined();
  } finally {
    parent.kill("SIGKILL");
  }
});
