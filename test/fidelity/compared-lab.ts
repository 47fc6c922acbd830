import { differences, isBeyond } from "./compare.ts";
import type { LabResult } from "./page.ts";
import { type Played, played, type StepTimes } from "./play.ts";

/**
 * Plays the lab in virtual time and in namespaces. Where something took longer in namespaces than it may, it is played
 * there again, `realRunsMost` times in all, and the least of each time counts: a machine that has other things to do as
 * well makes times longer, never shorter.
 */
export async function comparedLab(name: string, realRunsMost: number): Promise<LabResult> {
  const playReal = () => played(name, { kind: "netns" });
  const real = await playReal();
  const sim = await played(name, { kind: "sim" }, { lastedMs: real.lastedMs });
  let { times } = real;
  let realRuns = 1;
  for (; realRuns < realRunsMost && isSlow(times, sim.times); realRuns++) {
    times = leastOf(times, (await playReal()).times);
  }
  const lines = [...real.states.values()].flatMap((state) => Object.values(state).flat());
  return {
    lab: name,
    sim: sim.verdict,
    real: real.verdict,
    failures: [
      ...sim.failures.map((text) => `sim: ${text}`),
      ...real.failures.map((text) => `netns: ${text}`),
    ],
    steps: real.states.size,
    linesCompared: lines.length,
    differences: differences(sim, real),
    realRuns,
    times: [...times].map(([step, of]) => ({ step, real: of, sim: sim.times.get(step) ?? {} })),
  };
}

function isSlow(real: Played["times"], sim: Played["times"]): boolean {
  return [...real].some(([step, times]) =>
    (["convergeMs", "outageMs"] as const).some((one) =>
      isBeyond(times[one] ?? 0, sim.get(step)?.[one] ?? 0),
    ),
  );
}

function leastOf(one: Played["times"], other: Played["times"]): Played["times"] {
  const least = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : Math.min(a, b);
  return new Map(
    [...one].map(([step, times]): [string, StepTimes] => {
      const others = other.get(step) ?? {};
      return [
        step,
        {
          convergeMs: least(times.convergeMs, others.convergeMs),
          outageMs: least(times.outageMs, others.outageMs),
        },
      ];
    }),
  );
}
