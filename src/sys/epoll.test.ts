import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const waitingProcess = fileURLToPath(new URL("epoll.testkit.ts", import.meta.url));

function endBy(how: "exit" | "error"): { status: number | null; stderr: string } {
  const options = { encoding: "utf8", timeout: 20_000 } as const;
  return spawnSync(process.execPath, [waitingProcess, how], options);
}

test("a process ends at once, though a thread of it waits", () => {
  expect(endBy("exit").status).toBe(3);
});

test("so does one that an error ends: its sockets are closed, and others see it", () => {
  const { status, stderr } = endBy("error");
  expect(stderr).toContain("Error: of the test");
  expect(status).toBe(1);
});
