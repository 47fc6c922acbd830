import fc from "fast-check";
import { expect, it } from "vitest";
import { withSharedJitter } from "./jitter.ts";

it("KEEPALIVEs of a thousand sessions go out together, a few times in a keepalive time", () => {
  const seconds = new Set<number>();
  for (let session = 0; session < 1000; session++) {
    const nowMs = 100_000 + session;
    const dueMs = nowMs + withSharedJitter(30_000, nowMs, () => session / 1000);
    seconds.add(dueMs);
  }
  expect([...seconds]).toEqual([
    123_000, 124_000, 125_000, 126_000, 127_000, 128_000, 129_000, 130_000,
  ]);
});

it("a shared time is three quarters of the time to the whole, as every other", () => {
  const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(1e9), fraction, (ms, nowMs, random) => {
      const afterMs = withSharedJitter(ms, nowMs, () => random);
      expect(afterMs).toBeGreaterThanOrEqual(Math.floor(0.75 * ms));
      expect(afterMs).toBeLessThanOrEqual(ms);
      // A quarter of four seconds and more always has a whole second in it.
      expect(ms < 4000 || (nowMs + afterMs) % 1000 === 0).toBe(true);
    }),
  );
});
