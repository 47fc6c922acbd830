import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "./virtual-clock.ts";

describe("a virtual clock", () => {
  it("jumps to what is next, and of one moment takes what was set first", () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.setTimer(20, () => seen.push(`b at ${clock.nowMs}`));
    clock.setTimer(10, () => seen.push(`a at ${clock.nowMs}`));
    clock.setTimer(20, () => seen.push(`c at ${clock.nowMs}`));
    while (clock.step());
    expect(seen).toEqual(["a at 10", "b at 20", "c at 20"]);
  });

  it("does not call back what was cancelled, nor stop at its time", () => {
    const clock = new VirtualClock();
    const cancel = clock.setTimer(5, () => expect.unreachable());
    clock.setTimer(7, () => {});
    cancel();
    expect(clock.nextMs).toBe(7);
    expect(clock.step()).toBe(true);
    expect(clock.nowMs).toBe(7);
    expect(clock.step()).toBe(false);
  });

  it("calls back any timers in the order of their times, also those set on the way", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(50))), (delays) => {
        const clock = new VirtualClock();
        const times: number[] = [];
        for (const [first, second] of delays) {
          clock.setTimer(first, () => {
            times.push(clock.nowMs);
            clock.setTimer(second, () => times.push(clock.nowMs));
          });
        }
        while (clock.step());
        expect(times).toHaveLength(2 * delays.length);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });
});
