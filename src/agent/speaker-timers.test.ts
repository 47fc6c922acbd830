import fc from "fast-check";
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

test("who is stopped by one that fires fires no other of that moment", () => {
  const fired: string[] = [];
  const of = new SpeakerTimers((timer) => {
    fired.push(timer);
    of.stop();
  });
  of.set("hold", 100);
  of.set("keepalive", 100);
  vi.advanceTimersByTime(200);
  expect(fired).toEqual(["hold"]);
});

test("one that is put off again and again fires after the last time, and wakes nobody before", () => {
  const { fired, of } = timers();
  of.set("hold", 100);
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(50);
    of.set("hold", 100);
    of.set("keepalive", 50);
  }
  expect(fired).toEqual(Array(9).fill("keepalive"));
  of.clear("keepalive");
  vi.advanceTimersByTime(99);
  expect(fired).not.toContain("hold");
  vi.advanceTimersByTime(1);
  expect(fired.at(-1)).toBe("hold");
  vi.advanceTimersByTime(1000);
  expect(vi.getTimerCount()).toBe(0);
});

test("those that are due at one moment have one timer of Node's, and are served in the order they were set in", () => {
  const { fired, of } = timers();
  const names = Array.from({ length: 100 }, (_, i) => `keepalive/${i}`);
  for (const [i, name] of names.entries()) {
    of.set(name, 1000 - i);
    vi.advanceTimersByTime(1);
  }
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersToNextTimer();
  expect(fired).toEqual(names);
});

test("one that fires may clear, put off or bring forward others of its moment", () => {
  const fired: string[] = [];
  const of = new SpeakerTimers((timer) => {
    fired.push(timer);
    if (timer !== "first") return;
    of.clear("cleared");
    of.set("late", 500);
    of.set("early", 0);
  });
  for (const name of ["first", "cleared", "late"]) of.set(name, 100);
  of.set("early", 1000);
  vi.advanceTimersByTime(110);
  expect(fired).toEqual(["first", "early"]);
  vi.advanceTimersByTime(490);
  expect(fired).toEqual(["first", "early", "late"]);
});

test("set and cleared in any order, each fires when it was last set to and no other", () => {
  // Multiples of some milliseconds: by one millisecond each may be early.
  const ms = fc.nat(10).map((n) => 5 * n);
  const step = fc.record({
    timer: fc.constantFrom("a", "b", "c"),
    afterMs: fc.option(ms, { nil: undefined }),
    thenMs: ms,
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const of = new SpeakerTimers((timer) => seen.push(`${timer} ${performance.now()}`));
      const seen: string[] = [];
      const due = new Map<string, number>();
      const expected: string[] = [];
      const until = (nowMs: number) => {
        for (const [timer, dueMs] of due) {
          if (dueMs > nowMs) continue;
          due.delete(timer);
          expected.push(`${timer} ${dueMs}`);
        }
      };
      for (const { timer, afterMs, thenMs } of steps) {
        due.delete(timer);
        if (afterMs === undefined) of.clear(timer);
        else {
          due.set(timer, performance.now() + afterMs);
          of.set(timer, afterMs);
        }
        vi.advanceTimersByTime(thenMs);
        until(performance.now());
      }
      of.stop();
      expect(seen.toSorted()).toEqual(expected.toSorted());
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
});
