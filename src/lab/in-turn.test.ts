import { expect, test } from "vitest";
import { inTurn } from "./in-turn.ts";

test("what fails keeps nothing after it from being done, and the first failure is told", async () => {
  const done: string[] = [];
  const doing = inTurn([
    async () => void done.push("one"),
    () => Promise.reject(new Error("two failed")),
    () => {
      throw new Error("three failed");
    },
    () => undefined,
    async () => void done.push("five"),
  ]);
  await expect(doing).rejects.toThrow("two failed");
  expect(done).toEqual(["one", "five"]);
});
