import type { ScenarioEvent } from "../scenario/schema/types.ts";
import type { Finding, Invariant } from "./invariants/finding.ts";
import type { Plan } from "./play.ts";

/** A plan that fails, and what was found. */
export type Failing = {
  plan: Plan;
  /** At least one. */
  findings: readonly Finding[];
  /** When routes were at rest, or known to come to none, from the end of deployment. */
  restedMs: number;
};

export type ShrinkOptions = {
  /** What a plan comes to; undefined: to no failure. */
  failureOf: (plan: Plan) => Promise<Failing | undefined>;
  /** Asked before each run: whether there is time for it. */
  goesOn: () => boolean;
};

/** Runs of one shrinking, at most. */
const runsMax = 200;
/** Times are tried as multiples of these, the roundest first. */
const roundMs = [10_000, 5000, 1000, 500, 100] as const;

/**
 * The fewest faults, at the simplest times, that still break what the plan breaks first: each fault is left out,
 * then never healed, then put at the beginning or at a round time, until nothing of it is left that helps. Returns
 * the last plan that failed, and how many runs it took.
 */
export async function shrink(
  failing: Failing,
  { failureOf, goesOn }: ShrinkOptions,
): Promise<Failing & { runs: number }> {
  const { plan } = failing;
  const { invariant } = failing.findings[0]!;
  let smallest = failing;
  let runs = 0;
  const tried = new Set([textOf(plan.faults)]);
  /** Whether it fails in the same way, and so is the plan to go on with. */
  const takes = async (faults: readonly ScenarioEvent[]): Promise<boolean> => {
    const ordered = faults.toSorted((a, b) => a.afterMs - b.afterMs);
    if (tried.has(textOf(ordered)) || runs === runsMax || !goesOn()) return false;
    tried.add(textOf(ordered));
    runs++;
    const found = await failureOf({ ...plan, faults: ordered });
    if (found === undefined || !breaks(found.findings, invariant)) return false;
    smallest = { ...found, findings: inFront(found.findings, invariant) };
    return true;
  };
  let isSmaller = true;
  while (isSmaller) {
    isSmaller = false;
    for (const change of changesOf(smallest.plan.faults)) {
      if (await takes(change)) {
        isSmaller = true;
        break;
      }
    }
  }
  return { ...smallest, runs };
}

/** Simpler courses of events, the simplest first. */
function* changesOf(faults: readonly ScenarioEvent[]): Generator<readonly ScenarioEvent[]> {
  const withOther = (i: number, other: ScenarioEvent) => faults.with(i, other);
  if (faults.length > 2) for (const one of faults) yield [one];
  for (const i of faults.keys()) yield faults.toSpliced(i, 1);
  for (const [i, fault] of faults.entries()) {
    if (fault.undoAfterMs === undefined) continue;
    const { undoAfterMs: _, ...lasting } = fault;
    yield withOther(i, lasting);
  }
  if (faults.some(({ afterMs }) => afterMs > 0)) {
    yield faults.map((fault) => ({ ...fault, afterMs: 0 }));
    const first = faults[0]!.afterMs;
    if (first > 0) yield faults.map((fault) => ({ ...fault, afterMs: fault.afterMs - first }));
  }
  for (const [i, fault] of faults.entries()) {
    for (const afterMs of rounder(fault.afterMs)) yield withOther(i, { ...fault, afterMs });
    for (const undoAfterMs of rounder(fault.undoAfterMs ?? 0)) {
      if (undoAfterMs > 0) yield withOther(i, { ...fault, undoAfterMs });
    }
  }
}

/** Rounder times near this one; none where it is one already. */
function rounder(ms: number): number[] {
  const roundness = (value: number) => roundMs.findIndex((step) => value % step === 0);
  const own = roundness(ms);
  const candidates = roundMs.flatMap((step) => [
    Math.floor(ms / step) * step,
    Math.ceil(ms / step) * step,
  ]);
  return candidates.filter((one) => own < 0 || roundness(one) < own);
}

function breaks(findings: readonly Finding[], invariant: Invariant): boolean {
  return findings.some((one) => one.invariant === invariant);
}

function inFront(findings: readonly Finding[], invariant: Invariant): Finding[] {
  return findings.toSorted(
    (a, b) => Number(b.invariant === invariant) - Number(a.invariant === invariant),
  );
}

function textOf(faults: readonly ScenarioEvent[]): string {
  return JSON.stringify(faults);
}
