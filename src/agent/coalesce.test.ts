import { expect, test, vi } from "vitest";
import { systemClock } from "../kube/clock.ts";
import { Coalescer } from "./coalesce.ts";

const clock = { ...systemClock, monotonicMs: () => performance.now() };

test("many requests make one run, and requests during a run make one more", async () => {
  vi.useFakeTimers();
  let finish: () => void = () => {};
  const work = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
  const coalescer = new Coalescer(clock, work, () => {});
  coalescer.request();
  coalescer.request();
  await vi.runAllTimersAsync();
  expect(work).toHaveBeenCalledTimes(1);
  coalescer.request();
  coalescer.request();
  finish();
  await vi.runAllTimersAsync();
  expect(work).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});

test("a failed run is tried again, ever later, until it works", async () => {
  vi.useFakeTimers();
  const errors: string[] = [];
  let left = 3;
  const work = vi.fn(async () => {
    if (left-- > 0) throw new Error("no");
  });
  const coalescer = new Coalescer(clock, work, (error) => errors.push(error.message));
  coalescer.request();
  await vi.advanceTimersByTimeAsync(50);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(100 + 200 + 400);
  expect(work).toHaveBeenCalledTimes(4);
  expect(errors).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(4);
  vi.useRealTimers();
});

test("after a rest some runs may follow each other at once, then one for each interval", async () => {
  vi.useFakeTimers();
  const work = vi.fn(async () => {});
  const options = { intervalMs: () => 100, runsAtOnce: 2 };
  const coalescer = new Coalescer(clock, work, () => {}, options);
  const runsWithin = async (forMs: number) => {
    const before = work.mock.calls.length;
    for (let ms = 0; ms < forMs; ms++) {
      coalescer.request();
      await vi.advanceTimersByTimeAsync(1);
    }
    return work.mock.calls.length - before;
  };
  expect(await runsWithin(90)).toBe(2);
  expect(await runsWithin(1000)).toBe(10);
  await vi.advanceTimersByTimeAsync(200);
  expect(await runsWithin(90)).toBe(2);
  coalescer.stop();
  vi.useRealTimers();
});

test("after stop nothing runs", async () => {
  vi.useFakeTimers();
  const work = vi.fn(async () => {});
  const coalescer = new Coalescer(clock, work, () => {});
  coalescer.request();
  coalescer.stop();
  await vi.runAllTimersAsync();
  expect(work).not.toHaveBeenCalled();
  vi.useRealTimers();
});
