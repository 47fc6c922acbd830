import { outOfBand } from "./compare.ts";
import type { Played, StepTimes } from "./play.ts";

/** What an event cost on both sides, by the step's name. */
export type BothTimes = Map<string, { sim: StepTimes; real: StepTimes }>;

/**
 * Of several runs on each side the two that are nearest to each other, for each time of each step of the first real run.
 * Where a session's timers stood when a cable was mended is chance on both sides, and so is which of equal ways a probe
 * goes; and a machine that has other things to do makes times longer.
 */
export function nearestTimes(
  sims: readonly Played["times"][],
  reals: readonly Played["times"][],
): BothTimes {
  return new Map(
    [...reals[0]!.keys()].map((step) => {
      const pairs = sims.flatMap((sim) =>
        reals.map((real) => ({ sim: sim.get(step) ?? {}, real: real.get(step) ?? {} })),
      );
      const nearest = (time: keyof StepTimes) =>
        pairs.toSorted((a, b) => distance(a, time) - distance(b, time))[0]!;
      const [converge, outage] = [nearest("convergeMs"), nearest("outageMs")];
      const both = (side: "sim" | "real"): StepTimes => ({
        convergeMs: converge[side].convergeMs,
        outageMs: outage[side].outageMs,
      });
      return [step, { sim: both("sim"), real: both("real") }];
    }),
  );
}

/** None counts as 0. */
function distance({ sim, real }: { sim: StepTimes; real: StepTimes }, time: keyof StepTimes) {
  return Math.abs((sim[time] ?? 0) - (real[time] ?? 0));
}

/** Which times are out of the band somewhere. */
export function timesOutOfBand(times: BothTimes): Set<keyof StepTimes> {
  return new Set([...times.values()].flatMap(({ sim, real }) => outOfBand(sim, real)));
}
