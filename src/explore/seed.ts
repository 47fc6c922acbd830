import { EnvironmentError } from "../input/diagnostic.ts";
import type { LabSpec } from "../lab/spec.ts";
import type { ScenarioEvent } from "../scenario/schema/types.ts";
import { drawPlan, type FaultOptions } from "./draw.ts";
import type { Finding } from "./invariants/finding.ts";
import { play } from "./play.ts";

/** What all seeds have in common. Plain JSON: it travels to other threads. */
export type SeedJob = { spec: LabSpec; faults: FaultOptions; beginMs: number };

export type SeedResult = {
  seed: number;
  verdict: "pass" | "fail" | "inconclusive";
  faults: ScenarioEvent[];
  /** Of `fail`: the first ones, and when routes were at rest. */
  findings: Finding[];
  restedMs?: number;
  /** Of `inconclusive`. */
  reason?: string;
};

/** Of one seed; more of them say little more. */
const findingsMax = 20;

/** Draws a seed's faults and plays them. What cannot be simulated, or goes wrong on the way, is inconclusive. */
export async function playSeed(
  { spec, faults: options, beginMs }: SeedJob,
  seed: number,
  signal: AbortSignal,
): Promise<SeedResult> {
  const faults = drawPlan(spec.fabric, seed, options);
  try {
    const outcome = await play(spec, { seed, beginMs, faults }, signal);
    const { verdict } = outcome;
    if (outcome.verdict === "inconclusive") {
      return { seed, verdict, faults, findings: [], reason: outcome.reason };
    }
    const { findings, restedMs } = outcome;
    return { seed, verdict, faults, findings: findings.slice(0, findingsMax), restedMs };
  } catch (error) {
    signal.throwIfAborted();
    const { message, stack } = error as Error;
    const reason = error instanceof EnvironmentError ? message : (stack ?? message);
    return { seed, verdict: "inconclusive", faults, findings: [], reason };
  }
}
