import { expect, it } from "vitest";
import { nearestTimes, timesOutOfBand } from "./nearest-times.ts";
import type { StepTimes } from "./play.ts";

const run = (convergeMs: number | undefined, outageMs?: number): Map<string, StepTimes> =>
  new Map([["cut", { convergeMs, outageMs }]]);

it("of several runs the nearest two count, for each time by itself", () => {
  const sims = [run(1_240, 70), run(160, 900)];
  const reals = [run(2_900, 880), run(200, 3_000), run(undefined)];
  const times = nearestTimes(sims, reals);
  expect(times.get("cut")).toEqual({
    sim: { convergeMs: 160, outageMs: 900 },
    real: { convergeMs: 200, outageMs: 880 },
  });
  expect(timesOutOfBand(times)).toEqual(new Set());
});

it("what is far away in every run is out of the band", () => {
  const times = nearestTimes([run(100, 50), run(200, 60)], [run(1_200, 40), run(1_100, 45)]);
  expect(times.get("cut")?.sim).toEqual({ convergeMs: 200, outageMs: 50 });
  expect(timesOutOfBand(times)).toEqual(new Set(["convergeMs"]));
});
