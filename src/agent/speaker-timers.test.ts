import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SpeakerTimers } from "./speaker-timers.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function timers() {
  const fired: string[] = [];
  return { fired, of: new SpeakerTimers((timer) => fired.push(timer)) };
}

test("one fires after its time, unless it was replaced or cleared", () => {
  const { fired, of } = timers();
  of.set("keepalive", 100);
  of.set("hold", 100);
  of.set("hold", 200);
  of.set("retry", 50);
  of.clear("retry");
  vi.advanceTimersByTime(100);
  expect(fired).toEqual(["keepalive"]);
  vi.advanceTimersByTime(100);
  expect(fired).toEqual(["keepalive", "hold"]);
});

test("the longest stale time of RFC 9494 is waited for, longer than a timer of Node can be", () => {
  const { fired, of } = timers();
  const staleTimeMs = 0xffffff * 1000;
  of.set("longLived", staleTimeMs);
  vi.advanceTimersByTime(staleTimeMs - 1000);
  expect(fired).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(fired).toEqual(["longLived"]);
});

test("after the process was held up, what came meanwhile is read first", () => {
  const { fired, of } = timers();
  of.set("hold", 100);
  vi.advanceTimersByTime(90);
  // The process stood still: its clock went on, its timers did not.
  const { now } = performance;
  vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + 5000);
  vi.advanceTimersToNextTimer();
  expect(fired).toEqual([]);
  vi.advanceTimersToNextTimer();
  expect(fired).toEqual(["hold"]);
});
