import type { Played } from "./play.ts";
import type { LabStates } from "./state.ts";

/** A line that one side has and the other has not. `why`: the explanation, where there is one. */
export type Difference = { step: string; node: string; sim?: string; real?: string; why?: string };

const halfOfEcmp =
  "FRR 8.4 gives the kernel one of several next hops where a link was away and is back, and shows all as installed";
const raceOfTtl =
  "a node's first message may come before the router has set the TTL that it asks for: such a session ends with its hold time";
const otherHash = "of equal ways each kernel chooses by a hash of its own";

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
      const why = explanation(one);
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

function explanation({ sim, real }: Pick<Difference, "sim" | "real">): string | undefined {
  if (sim === undefined || real === undefined) return undefined;
  if (sim.startsWith("kernel ") && keyOf(sim) === keyOf(real)) {
    const [ours, theirs] = [sim, real].map((line) => line.split(" ")[2]!.split(","));
    const isPart = theirs!.length < ours!.length && theirs!.every((hop) => ours!.includes(hop));
    if (isPart) return halfOfEcmp;
  }
  if (/^session .* down$/.test(sim) && /^session .* AS \d+ 0\/\d+$/.test(real)) return raceOfTtl;
  if (sim.startsWith("path ")) {
    const [ours, theirs] = [sim, real].map((line) => line.split(", ").length);
    if (ours === theirs) return otherHash;
  }
  return undefined;
}

/** How far a time of the simulation may be from the real one. */
export const band = { factor: 2, marginMs: 300 };

export function isInBand(simMs: number, realMs: number): boolean {
  const { factor, marginMs } = band;
  return simMs <= factor * realMs + marginMs && realMs <= factor * simMs + marginMs;
}
