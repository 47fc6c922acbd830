import { expect, it } from "vitest";
import { Retry } from "./retry.ts";

it("a session that was up makes failures before it forgotten", () => {
  const retry = new Retry(120, () => 1);
  expect([retry.afterFailureMs(), retry.afterFailureMs(), retry.afterFailureMs()]).toEqual([
    250, 500, 1000,
  ]);
  expect(retry.afterSessionMs(60_000)).toBe(250);
  expect(retry.afterFailureMs()).toBe(250);
});
