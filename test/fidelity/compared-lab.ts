import { differences } from "./compare.ts";
import type { LabResult } from "./page.ts";
import { type Played, played } from "./play.ts";

/** Plays the lab in virtual time and in namespaces. */
export async function comparedLab(name: string): Promise<LabResult> {
  const sim = await played(name, { kind: "sim" }, `${name}-sim-${process.pid}`);
  const real = await played(name, { kind: "netns" }, `${name}-netns-${process.pid}`);
  const lines = [...real.states.values()].flatMap((state) => Object.values(state).flat());
  const none = { convergeMs: undefined, outageMs: undefined };
  return {
    lab: name,
    sim: verdictText(sim),
    real: verdictText(real),
    steps: real.states.size,
    linesCompared: lines.length,
    differences: differences(sim, real),
    times: [...real.times].map(([step, times]) => ({
      step,
      real: times,
      sim: sim.times.get(step) ?? none,
    })),
  };
}

function verdictText({ verdict }: Played): string {
  return verdict?.verdict ?? "no verdict";
}
