import { EnvironmentError } from "../input/diagnostic.ts";
import { Names } from "../observe/names.ts";
import type { Verdict } from "../timeline/record.ts";
import { Changes } from "./changes.ts";
import type { CheckContext, StepView } from "./check.ts";
import { logKey, readLog } from "./checks/log.ts";
import { checkHandler } from "./checks/table.ts";
import { type LabContext, PreconditionError, type ScenarioContext } from "./context.ts";
import { type CheckResult, expectAll } from "./expect.ts";
import { RunningProbe } from "./probe.ts";
import { type EventsOutcome, runEvents } from "./run-events.ts";
import type { Check, Probe, Scenario, Step } from "./schema/types.ts";

/** Routes have come to rest when nothing changed for so long; waited for after every step with events. */
const quietMs = 250;
const quietWithinMs = 10_000;
const probeRetryMs = 100;

export type CheckCounts = { pass: number; fail: number; warn: number; inconclusive: number };

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
  const names = new Names(context.runtime, context.fabric);
  await using run = new ScenarioRun({ ...context, names }, scenario);
  return await run.play();
}

class ScenarioRun implements AsyncDisposable {
  readonly #context: LabContext;
  readonly #scenario: Scenario;
  readonly #changes: Changes;
  readonly #probes = new Map<string, RunningProbe>();
  readonly #stepBeganMs: number[] = [];
  readonly #counts: CheckCounts = { pass: 0, fail: 0, warn: 0, inconclusive: 0 };
  #verdict: Verdict = "pass";
  #reason: string | undefined;

  constructor(context: LabContext, scenario: Scenario) {
    this.#context = context;
    this.#scenario = scenario;
    this.#changes = new Changes(context);
  }

  async play(): Promise<ScenarioOutcome> {
    for (const [index, step] of this.#scenario.steps.entries()) {
      await this.#context.betweenSteps?.before?.(index);
      const goOn = await this.#step(index, step);
      if (!goOn) break;
    }
    return {
      verdict: this.#verdict,
      checks: this.#counts,
      ...(this.#reason !== undefined && { reason: this.#reason }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#probes.values()].map((probe) => probe.stop()));
    await this.#changes[Symbol.asyncDispose]();
  }

  /** Whether the next step may follow. */
  async #step(index: number, step: Step): Promise<boolean> {
    const { recorder, clock, signal } = this.#context;
    signal.throwIfAborted();
    const beganMs = clock.nowMs();
    this.#stepBeganMs.push(beganMs);
    const { name } = step;
    recorder({ type: "step", index, name, state: "begin", withinMs: step.withinMs });

    // 1. Probes, so that they measure the events.
    const probesMissing = await this.#startProbes(step);
    const logsBefore = await this.#readLogs(step);
    // 2. Events.
    const hasEvents = step.events.length > 0;
    if (hasEvents) await this.#changes.beginEvents();
    const view = this.#view(beganMs, logsBefore);
    const outcome: EventsOutcome = hasEvents
      ? await runEvents(this.#context, index, step, () => this.#changes.firstEvent())
      : {};
    const stop = outcome.failed !== undefined || outcome.inconclusive !== undefined;
    // 3. Checks.
    const verdicts: Verdict[] = [];
    if (outcome.failed !== undefined) verdicts.push("fail");
    if (outcome.inconclusive !== undefined) verdicts.push("inconclusive");
    if (probesMissing !== undefined) verdicts.push("inconclusive");
    if (!stop) verdicts.push(...(await this.#check(index, step, view)));

    const convergeMs = hasEvents ? this.#convergeMs() : undefined;
    await this.#changes.endStep();
    await this.#stopProbes(index);
    const verdict = worst(verdicts);
    const why = outcome.failed ?? outcome.inconclusive ?? probesMissing ?? "a check did not hold";
    this.#note(verdict, `${name}: ${why}`);
    recorder({
      type: "step",
      index,
      name,
      state: "end",
      verdict,
      tookMs: clock.nowMs() - beganMs,
      ...(convergeMs !== undefined && { convergeMs }),
    });
    const wish = await this.#context.betweenSteps?.after?.(index, verdict);
    return !stop && wish !== "stop";
  }

  async #check(index: number, step: Step, view: StepView): Promise<Verdict[]> {
    const context: CheckContext = { ...this.#context, step: view };
    const { clock } = context;
    const deadlineMs = clock.nowMs() + step.withinMs;
    const results = new Map<Check, CheckResult>();
    const expect = async (checks: Check[], times: { withinMs: number; forMs: number }) => {
      const waiting = (check: Check, look: { seen: string; looks: number }) => {
        this.#recordWaiting(index, step.checks.indexOf(check), check, look);
      };
      const found = await expectAll(context, this.#changes, checks, { ...times, waiting });
      for (const [i, check] of checks.entries()) {
        results.set(check, joined(results.get(check), found[i]!));
      }
    };
    // a. What is to come true; then what was measured on the way, once routes have come to rest.
    await expect(
      step.checks.filter(({ kind }) => kind !== "converge"),
      step,
    );
    if (step.events.length > 0) {
      await this.#changes.quiet(quietMs, quietWithinMs);
      const leftMs = Math.max(0, deadlineMs - clock.nowMs());
      const outages = step.checks.filter(
        (check) => check.kind === "outage" && results.get(check)?.verdict === "pass",
      );
      await expect(outages, { withinMs: leftMs, forMs: 0 });
    }
    await expect(
      step.checks.filter(({ kind }) => kind === "converge"),
      { withinMs: 0, forMs: 0 },
    );

    const verdicts = step.checks.map((check, i) =>
      this.#recordCheck(index, i, check, results.get(check)!),
    );
    // b. The step's own limit is a check like any other.
    if (step.convergeMs !== undefined) {
      const check = {
        kind: "converge" as const,
        source: step.source,
        withinMs: { atMost: step.convergeMs },
      };
      const [result] = await expectAll(context, this.#changes, [check], { withinMs: 0, forMs: 0 });
      verdicts.push(this.#recordCheck(index, step.checks.length, check, result!));
    }
    return verdicts;
  }

  #recordCheck(step: number, index: number, check: Check, result: CheckResult): Verdict {
    const handler = checkHandler(check.kind);
    this.#counts[result.verdict]++;
    this.#context.recorder({
      type: "check",
      step,
      index,
      kind: check.kind,
      text: handler.text(check as never),
      expected: handler.expected(check as never),
      source: check.source,
      ...result,
    });
    return result.verdict;
  }

  /** A check that does not hold yet, for those who watch. */
  #recordWaiting(
    step: number,
    index: number,
    check: Check,
    look: { seen: string; looks: number },
  ): void {
    const handler = checkHandler(check.kind);
    const text = handler.text(check as never);
    const expected = handler.expected(check as never);
    const { kind } = check;
    this.#context.recorder({ type: "waiting", step, index, kind, text, expected, ...look });
  }

  /** Why a probe could not be started; undefined where all run. Tries until `within` is over. */
  async #startProbes(step: Step): Promise<string | undefined> {
    const { clock, signal } = this.#context;
    const deadlineMs = clock.nowMs() + step.withinMs;
    for (const probe of step.probes) {
      for (;;) {
        const missing = await this.#startProbe(probe);
        if (missing === undefined) break;
        if (clock.nowMs() >= deadlineMs) return `probe ${probe.name}: ${missing}`;
        await clock.wait(probeRetryMs, signal);
      }
    }
    return undefined;
  }

  async #startProbe(probe: Probe): Promise<string | undefined> {
    try {
      await this.#probes.get(probe.name)?.stop();
      const running = await RunningProbe.start(this.#context, probe, (atMs) => this.#stepAt(atMs));
      this.#probes.set(probe.name, running);
      return undefined;
    } catch (error) {
      if (error instanceof PreconditionError || error instanceof EnvironmentError) {
        return error.message;
      }
      throw error;
    }
  }

  /** A probe runs until the last step whose `outage` names it, at least to the end of its own. */
  async #stopProbes(index: number): Promise<void> {
    const later = this.#scenario.steps.slice(index + 1).flatMap(({ checks }) => checks);
    const wanted = new Set(later.flatMap((one) => (one.kind === "outage" ? one.probe : [])));
    for (const [name, probe] of this.#probes) {
      if (wanted.has(name)) continue;
      await probe.stop();
      this.#probes.delete(name);
    }
  }

  /** What the logs that the step checks hold already. A log that cannot be read yet counts as empty. */
  async #readLogs({ checks }: Step): Promise<Map<string, string>> {
    const texts = new Map<string, string>();
    for (const check of checks) {
      if (check.kind !== "log") continue;
      texts.set(logKey(check), await readLog(this.#context, check).catch(() => ""));
    }
    return texts;
  }

  #view(beganMs: number, logsBefore: Map<string, string>): StepView {
    return {
      beganMs,
      logsBefore,
      probe: (name) => this.#probes.get(name),
      convergeMs: () => this.#changes.convergeMs,
    };
  }

  /** Undefined where nothing changed, and where the runtime cannot tell. */
  #convergeMs(): number | undefined {
    try {
      return this.#changes.convergeMs;
    } catch (error) {
      if (error instanceof EnvironmentError) return undefined;
      throw error;
    }
  }

  /** The step under way at a time of the timeline. */
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

/** From bad to good. */
const severity: Verdict[] = ["fail", "inconclusive", "warn", "pass"];

function worst(verdicts: readonly Verdict[]): Verdict {
  return severity.find((one) => verdicts.includes(one)) ?? "pass";
}

/** Two waits for one check: the later verdict, the looks of both. */
function joined(before: CheckResult | undefined, after: CheckResult): CheckResult {
  if (before === undefined) return after;
  return {
    ...after,
    looks: before.looks + after.looks,
    tookMs: before.tookMs + after.tookMs,
  };
}
