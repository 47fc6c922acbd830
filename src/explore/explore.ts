import type { LabSpec } from "../lab/spec.ts";
import type { FaultOptions } from "./draw.ts";
import type { Invariant } from "./invariants/finding.ts";
import { type Plan, play, playUnbroken, type Unbroken } from "./play.ts";
import type { SeedResult } from "./seed.ts";
import { playSeeds } from "./seed-pool.ts";
import { type Failing, shrink } from "./shrink.ts";

export type ExploreOptions = {
  spec: LabSpec;
  /** Both included. */
  seeds: { from: number; to: number };
  faults: FaultOptions;
  threads: number;
  /** Find the fewest faults of what was found. */
  shrinks: boolean;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
};

export type Progress =
  | { stage: "unbroken"; unbroken: Unbroken }
  | { stage: "seeds"; done: number; failed: number; inconclusive: number }
  | { stage: "shrinking"; seed: number };

/** Seeds that fail alike: what they break first is the same. */
export type FailureGroup = {
  invariant: Invariant;
  /** In order. */
  seeds: number[];
  /** The first of them, with as few faults as it takes. */
  smallest: Failing & {
    /** Of the seed as it was drawn. */
    drawn: number;
    /** It took so many runs; 0: it was not shrunk. */
    runs: number;
  };
};

export type Exploration = {
  unbroken: Unbroken;
  /** How many were played, of those asked for. */
  done: number;
  failures: FailureGroup[];
  inconclusive: { seeds: number[]; reason: string }[];
};

/** Faults begin when the lab has been at rest for so long. */
const restBeforeMs = 1_000;

/**
 * Looks for courses of events that break a lab: for each seed draws faults and plays them in a world of its own, then
 * shrinks what failed. Ended early, it returns what was found by then. A lab that is broken before anything happens to
 * it is one failure, of the first seed without faults.
 */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { spec, seeds, faults, threads, signal, onProgress } = options;
  const unbroken = await playUnbroken(spec, seeds.from, signal);
  onProgress({ stage: "unbroken", unbroken });
  if (unbroken.findings.length > 0) {
    return { unbroken, done: 0, failures: [broken(unbroken, seeds.from)], inconclusive: [] };
  }
  const beginMs = 1000 * Math.ceil((unbroken.restedMs + restBeforeMs) / 1000);
  const tally = new Tally();
  await playSeeds({
    ...{ job: { spec, faults, beginMs }, seeds: range(seeds), threads, signal },
    onResult: (result) => {
      tally.add(result);
      onProgress({ stage: "seeds", ...tally.counts });
    },
  });
  const failures: FailureGroup[] = [];
  for (const { seeds: alike, first } of tally.groups()) {
    const { seed, findings, restedMs = 0 } = first;
    onProgress({ stage: "shrinking", seed });
    const failing = { plan: { seed, beginMs, faults: first.faults }, findings, restedMs };
    const smallest = await smallestOf(options, failing);
    const { invariant } = findings[0]!;
    const drawn = first.faults.length;
    failures.push({ invariant, seeds: alike, smallest: { ...smallest, drawn } });
  }
  return { unbroken, done: tally.counts.done, failures, inconclusive: tally.inconclusive() };
}

async function smallestOf(
  { spec, shrinks, signal }: ExploreOptions,
  failing: Failing,
): Promise<Failing & { runs: number }> {
  const failureOf = async (plan: Plan): Promise<Failing | undefined> => {
    try {
      const outcome = await play(spec, plan, signal);
      if (outcome.verdict !== "fail") return undefined;
      const { findings, restedMs } = outcome;
      return { plan, findings, restedMs };
    } catch (error) {
      // The smallest so far is what there is then.
      if (signal.aborted) return undefined;
      throw error;
    }
  };
  return await shrink(failing, { failureOf, goesOn: () => shrinks && !signal.aborted });
}

function broken({ findings, restedMs }: Unbroken, seed: number): FailureGroup {
  const plan = { seed, beginMs: 0, faults: [] };
  const smallest = { plan, findings, restedMs, drawn: 0, runs: 0 };
  return { invariant: findings[0]!.invariant, seeds: [seed], smallest };
}

/** What came of the seeds so far. */
class Tally {
  readonly #failures = new Map<Invariant, { seeds: number[]; first: SeedResult }>();
  readonly #inconclusive = new Map<string, number[]>();
  #done = 0;

  add(result: SeedResult): void {
    this.#done++;
    const { seed, verdict, findings, reason = "" } = result;
    if (verdict === "inconclusive") {
      const alike = this.#inconclusive.get(reason) ?? [];
      this.#inconclusive.set(reason, alike);
      alike.push(seed);
    }
    if (verdict !== "fail") return;
    const { invariant } = findings[0]!;
    const group = this.#failures.get(invariant) ?? { seeds: [], first: result };
    this.#failures.set(invariant, group);
    group.seeds.push(seed);
    // Whichever thread was the quickest.
    if (seed < group.first.seed) group.first = result;
  }

  get counts(): { done: number; failed: number; inconclusive: number } {
    const count = (groups: Iterable<readonly number[]>) =>
      [...groups].reduce((sum, { length }) => sum + length, 0);
    const failed = count([...this.#failures.values()].map(({ seeds }) => seeds));
    return { done: this.#done, failed, inconclusive: count(this.#inconclusive.values()) };
  }

  groups(): { seeds: number[]; first: SeedResult }[] {
    return [...this.#failures.values()]
      .map(({ seeds, first }) => ({ seeds: seeds.toSorted((a, b) => a - b), first }))
      .toSorted((a, b) => a.first.seed - b.first.seed);
  }

  inconclusive(): { seeds: number[]; reason: string }[] {
    return [...this.#inconclusive].map(([reason, seeds]) => ({
      ...{ reason, seeds: seeds.toSorted((a, b) => a - b) },
    }));
  }
}

function* range({ from, to }: { from: number; to: number }): Generator<number> {
  for (let seed = from; seed <= to; seed++) yield seed;
}
