import { Names } from "../observe/names.ts";
import type { Verdict } from "../timeline/record.ts";
import { durationText } from "./bounds.ts";
import { Changes } from "./changes.ts";
import type { LabContext, ScenarioContext } from "./context.ts";
import { RunningProbes } from "./running-probes.ts";
import type { Scenario, Step } from "./schema/types.ts";
import { type CheckCounts, type StepOutcome, StepRun } from "./step-run.ts";
import { worst } from "./verdict.ts";

export type ScenarioOutcome = {
  verdict: Verdict;
  checks: CheckCounts;
  /** Why the verdict is not `pass`: the first step that did not pass and what was wrong with it. */
  reason?: string;
};

/**
 * Plays a scenario: its steps in order, recorded as they go. A step whose check fails does not keep
 * the next ones from running; a failed or impossible event does, since the rest stands on it.
 * Rejects only where `signal` is aborted, with its reason.
 */
export async function runScenario(
  context: ScenarioContext,
  scenario: Scenario,
): Promise<ScenarioOutcome> {
  const ended = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const names = new Names(context.runtime, context.fabric);
  const { limitMs } = scenario;
  if (limitMs !== undefined) {
    context.clock.wait(limitMs, AbortSignal.any([context.signal, ended.signal])).then(
      () => over.abort(new LimitError(limitMs)),
      () => undefined,
    );
  }
  await using run = new ScenarioRun({ ...context, signal, names }, scenario);
  try {
    return await run.play();
  } finally {
    ended.abort();
  }
}

/** The scenario took longer than it says. */
class LimitError extends Error {
  override readonly name = "LimitError";
  constructor(limitMs: number) {
    super(`the scenario was not over within ${durationText(limitMs)}`);
  }
}

class ScenarioRun implements AsyncDisposable {
  readonly #context: LabContext;
  readonly #scenario: Scenario;
  readonly #changes: Changes;
  readonly #probes: RunningProbes;
  readonly #stepBeganMs: number[] = [];
  readonly #counts: CheckCounts = { pass: 0, fail: 0, warn: 0, inconclusive: 0 };
  #verdict: Verdict = "pass";
  #reason: string | undefined;

  constructor(context: LabContext, scenario: Scenario) {
    this.#context = context;
    this.#scenario = scenario;
    this.#changes = new Changes(context);
    this.#probes = new RunningProbes(context, scenario, (atMs) => this.#stepAt(atMs));
  }

  async play(): Promise<ScenarioOutcome> {
    try {
      await this.#playSteps();
    } catch (error) {
      // Its own limit is the scenario's failure; another end is not.
      if (!(error instanceof LimitError)) throw error;
      this.#context.recorder({ type: "failure", message: error.message });
      this.#note("fail", error.message);
    }
    return {
      verdict: this.#verdict,
      checks: this.#counts,
      ...(this.#reason !== undefined && { reason: this.#reason }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#probes[Symbol.asyncDispose]();
    await this.#changes[Symbol.asyncDispose]();
  }

  async #playSteps(): Promise<void> {
    for (const group of groupsOf(this.#scenario.steps)) {
      const results = await Promise.allSettled(
        group.map(async ({ index, step }) => this.#playStep(index, step)),
      );
      const failed = results.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
      await this.#probes.stopAfter(group.at(-1)!.index);
      for (const [i, { index }] of group.entries()) this.#recordEnd(index, outcomeAt(results, i));
      const wishes = await Promise.all(
        group.map(({ index }, i) =>
          this.#context.betweenSteps?.after?.(index, outcomeAt(results, i).verdict),
        ),
      );
      if (wishes.includes("stop")) return;
      if (group.some((_, i) => outcomeAt(results, i).stop)) return;
    }
  }

  async #playStep(index: number, step: Step): Promise<StepOutcome> {
    await this.#context.betweenSteps?.before?.(index);
    this.#context.signal.throwIfAborted();
    this.#stepBeganMs[index] = this.#context.clock.nowMs();
    const outcome = await new StepRun({
      context: this.#context,
      changes: this.#changes,
      probes: this.#probes,
      ...{ index, step },
    }).play();
    for (const verdict of outcome.checks) this.#counts[verdict]++;
    this.#note(outcome.verdict, `${step.name}: ${outcome.why}`);
    return outcome;
  }

  #recordEnd(index: number, { verdict, tookMs, convergeMs }: StepOutcome): void {
    this.#context.recorder({
      ...{ type: "step", index, name: this.#scenario.steps[index]!.name, state: "end" },
      ...{ verdict, tookMs },
      ...(convergeMs !== undefined && { convergeMs }),
    });
  }

  /** The step under way at a time of the timeline: of those beside each other the last that began. */
  #stepAt(atMs: number): number | undefined {
    const at = this.#stepBeganMs.findLastIndex((beganMs) => beganMs <= atMs);
    return at < 0 ? undefined : at;
  }

  #note(verdict: Verdict, reason: string): void {
    if (verdict === "pass") return;
    if (worst([this.#verdict, verdict]) !== this.#verdict) this.#reason = reason;
    this.#verdict = worst([this.#verdict, verdict]);
  }
}

/** Steps that run beside each other: one, and those after it that say so. */
function groupsOf(steps: readonly Step[]): { index: number; step: Step }[][] {
  const groups: { index: number; step: Step }[][] = [];
  for (const [index, step] of steps.entries()) {
    if (step.beside && groups.length > 0) groups.at(-1)!.push({ index, step });
    else groups.push([{ index, step }]);
  }
  return groups;
}

function outcomeAt(results: readonly PromiseSettledResult<StepOutcome>[], i: number): StepOutcome {
  return (results[i] as PromiseFulfilledResult<StepOutcome>).value;
}
