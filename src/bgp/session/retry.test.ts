import { expect, it } from "vitest";
import { Retry } from "./retry.ts";

const noJitter = () => 1;

it("a session that was up makes failures before it forgotten", () => {
  const retry = new Retry({ connectRetryTimeSeconds: 120 }, noJitter);
  expect([1, 2, 3].map(() => retry.afterFailureMs(true))).toEqual([250, 500, 1000]);
  expect(retry.afterSessionMs(60_000)).toBe(250);
  expect(retry.afterFailureMs(true)).toBe(250);
});

it("with an IdleHoldTime waits for ConnectRetryTime where nothing was connected, else Idle, longer after each failure", () => {
  const idleHold = { startSeconds: 1, endedSeconds: 2 };
  const retry = new Retry({ connectRetryTimeSeconds: 10, idleHold }, noJitter);
  expect(retry.startMs).toBe(1000);
  expect([1, 2].map(() => retry.afterFailureMs(true))).toEqual([10_000, 10_000]);
  const other = new Retry({ connectRetryTimeSeconds: 10, idleHold }, () => 0);
  expect([other.attemptMs(), other.afterFailureMs(true)]).toEqual([10_000, 10_000]);
  expect([1, 2, 3].map(() => retry.afterFailureMs(false))).toEqual([2000, 4000, 8000]);
  expect(Array.from({ length: 9 }, () => retry.afterFailureMs(false)).at(-1)).toBe(60_000);
  expect(retry.afterSessionMs(1)).toBe(2000);
  expect(retry.afterFailureMs(false)).toBe(2000);
});
