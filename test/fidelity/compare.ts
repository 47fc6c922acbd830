import { explanationOf } from "./explanations.ts";
import type { Played, StepTimes } from "./play.ts";
import type { LabStates } from "./state.ts";

/** A line that one side has and the other has not. `why`: the explanation, where there is one. */
export type Difference = { step: string; node: string; sim?: string; real?: string; why?: string };

/** What was played on both, step by step. */
export function differences(sim: Played, real: Played): Difference[] {
  return [...real.states].flatMap(([step, state]) =>
    stateDifferences(sim.states.get(step) ?? {}, state).map((one) => ({ step, ...one })),
  );
}

export function stateDifferences(sim: LabStates, real: LabStates): Omit<Difference, "step">[] {
  return [...new Set([...Object.keys(real), ...Object.keys(sim)])].flatMap((node) => {
    const [simLines, realLines] = [sim[node] ?? [], real[node] ?? []];
    const onlySim = missingFrom(realLines, simLines);
    const onlyReal = missingFrom(simLines, realLines);
    const pairs = onlyReal.map((line) => {
      const at = onlySim.findIndex((other) => keyOf(other) === keyOf(line));
      const [other] = at < 0 ? [undefined] : onlySim.splice(at, 1);
      return { node, real: line, ...(other !== undefined && { sim: other }) };
    });
    return [...pairs, ...onlySim.map((line) => ({ node, sim: line }))].map((one) => {
      const why = explanationOf(one, { sim, real });
      return { ...one, ...(why !== undefined && { why }) };
    });
  });
}

/** Lines of `those` that `lines` has not, each as often as it is missing. */
function missingFrom(lines: readonly string[], those: readonly string[]): string[] {
  const left = [...lines];
  return those.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** What a line is about: its first words. */
function keyOf(line: string): string {
  return line.startsWith("path ")
    ? line.slice(0, line.indexOf(":"))
    : line.startsWith("session ")
      ? line.split(" ").slice(0, 3).join(" ")
      : line.split(" ").slice(0, 2).join(" ");
}

/** How far a time of the simulation may be from the real one. */
export const band = { factor: 2, marginMs: 300 };

/** Which of a step's times are not within the band. */
export function outOfBand(sim: StepTimes, real: StepTimes): (keyof StepTimes)[] {
  return (["convergeMs", "outageMs"] as const).filter(
    (time) =>
      isBeyond(sim[time] ?? 0, real[time] ?? 0) || isBeyond(real[time] ?? 0, sim[time] ?? 0),
  );
}

/** Whether `ms` is too long beside the other. */
function isBeyond(ms: number, otherMs: number): boolean {
  return ms > band.factor * otherMs + band.marginMs;
}
