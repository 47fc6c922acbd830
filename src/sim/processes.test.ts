import { expect, it } from "vitest";
import { Processes } from "./processes.ts";
import { VirtualClock } from "./virtual-clock.ts";

it("does what came while it stood still when it goes on: events in their order, then timers that ran out", () => {
  const clock = new VirtualClock();
  const processes = new Processes();
  const done: string[] = [];
  processes.setTimer(clock, 5, () => done.push("timer"));
  processes.pause();
  processes.run(() => done.push("first"));
  clock.step();
  processes.run(() => done.push("second"));
  expect(done).toEqual([]);
  processes.unpause();
  expect(done).toEqual(["first", "second", "timer"]);
});

it("an event that came in time cancels the timer that it was to be in time for", () => {
  const clock = new VirtualClock();
  const processes = new Processes();
  const done: string[] = [];
  const cancel = processes.setTimer(clock, 5, () => done.push("hold timer"));
  processes.pause();
  processes.run(() => {
    done.push("keepalive");
    cancel();
  });
  clock.step();
  processes.unpause();
  expect(done).toEqual(["keepalive"]);
});

it("what ended hears nothing more", () => {
  const clock = new VirtualClock();
  const processes = new Processes();
  processes.setTimer(clock, 5, () => expect.unreachable());
  processes.pause();
  processes.run(() => expect.unreachable());
  clock.step();
  processes.end();
  expect(processes.arePaused).toBe(false);
});
