import { EnvironmentError } from "../input/diagnostic.ts";
import type { Verdict } from "../timeline/record.ts";
import type { Changes } from "./changes.ts";
import type { CheckContext, StepView } from "./check.ts";
import { logKey, readLog } from "./checks/log.ts";
import { checkHandler } from "./checks/table.ts";
import type { LabContext } from "./context.ts";
import type { Convergence } from "./convergence.ts";
import { type CheckResult, expectAll } from "./expect.ts";
import { Measures } from "./measures.ts";
import { NeverWatch } from "./never.ts";
import { boundedOutages, untilHeard } from "./probes-heard.ts";
import { type EventsOutcome, runEvents } from "./run-events.ts";
import type { RunningProbes } from "./running-probes.ts";
import type { Check, Step } from "./schema/types.ts";
import { worst } from "./verdict.ts";

/** Routes have come to rest when nothing changed for so long; waited for after every step with events. */
const quietMs = 250;
const quietWithinMs = 10_000;

export type CheckCounts = Record<Verdict, number>;

export type StepOutcome = {
  verdict: Verdict;
  /** What was wrong; says nothing where the verdict is `pass`. */
  why: string;
  checks: Verdict[];
  /** No step may follow: what it stands on did not come about. */
  stop: boolean;
  tookMs: number;
  convergeMs?: number;
};

export type StepRunOptions = {
  context: LabContext;
  changes: Changes;
  probes: RunningProbes;
  index: number;
  step: Step;
};

/** One step on its way: probes, events, checks. */
export class StepRun {
  readonly #context: LabContext;
  readonly #changes: Changes;
  readonly #probes: RunningProbes;
  readonly #index: number;
  readonly #step: Step;

  constructor({ context, changes, probes, index, step }: StepRunOptions) {
    this.#context = context;
    this.#changes = changes;
    this.#probes = probes;
    this.#index = index;
    this.#step = step;
  }

  async play(): Promise<StepOutcome> {
    const { recorder, clock } = this.#context;
    const step = this.#step;
    const beganMs = clock.nowMs();
    const { name, withinMs } = step;
    recorder({ type: "step", index: this.#index, name, state: "begin", withinMs });

    // 1. Probes, so that they measure the events.
    const probesMissing = await this.#probes.start(step);
    const logsBefore = await this.#readLogs();
    // 2. Events.
    const hasEvents = step.events.length > 0;
    const [convergence, measures] = hasEvents
      ? await Promise.all([
          this.#changes.beginEvents(),
          Measures.begin(this.#context, this.#probes.all()),
        ])
      : [];
    await using _ = measures;
    const context: CheckContext = {
      ...this.#context,
      step: this.#view(beganMs, logsBefore, convergence),
    };
    const never = new NeverWatch(context, this.#changes, step.never);
    const outcome: EventsOutcome = convergence
      ? await runEvents(this.#context, this.#index, step, (text) =>
          convergence.event(text, clock.nowMs()),
        )
      : {};
    const stop = outcome.failed !== undefined || outcome.inconclusive !== undefined;
    // 3. Checks.
    const verdicts: Verdict[] = [];
    const checks: Verdict[] = [];
    if (outcome.failed !== undefined) verdicts.push("fail");
    if (outcome.inconclusive !== undefined) verdicts.push("inconclusive");
    if (probesMissing !== undefined) verdicts.push("inconclusive");
    if (!stop) checks.push(...(await this.#check(context, convergence)));
    const neverResults = await never.end();
    checks.push(...this.#recordNever(neverResults, stop));

    const convergeMs = convergence && convergeMsOf(convergence);
    if (convergence) {
      await measures?.record(this.#index, convergence);
      await this.#changes.endStep(convergence);
    }
    return {
      verdict: worst([...verdicts, ...checks]),
      why: outcome.failed ?? outcome.inconclusive ?? probesMissing ?? "a check did not hold",
      ...{ checks, stop, tookMs: clock.nowMs() - beganMs },
      ...(convergeMs !== undefined && { convergeMs }),
    };
  }

  async #check(context: CheckContext, convergence: Convergence | undefined): Promise<Verdict[]> {
    const { clock } = context;
    const step = this.#step;
    const deadlineMs = clock.nowMs() + step.withinMs;
    const results = new Map<Check, CheckResult>();
    const expect = async (checks: Check[], times: { withinMs: number; forMs: number }) => {
      const waiting = (check: Check, look: { seen: string; looks: number }) => {
        this.#recordWaiting(step.checks.indexOf(check), check, look);
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
    if (convergence) {
      await this.#changes.quiet(convergence, quietMs, quietWithinMs);
      const outages = step.checks.filter(
        (check) => check.kind === "outage" && results.get(check)?.verdict === "pass",
      );
      const unheard = await this.#unheard(outages, convergence);
      const leftMs = Math.max(0, deadlineMs - clock.nowMs());
      const heard = outages.filter((check) => !unheard.includes(check));
      await expect(heard, { withinMs: leftMs, forMs: 0 });
      for (const check of unheard) {
        const seen = "no packet of the probe was sent since the step's last event";
        results.set(check, { ...results.get(check)!, verdict: "inconclusive", seen });
      }
    }
    await expect(
      step.checks.filter(({ kind }) => kind === "converge"),
      { withinMs: 0, forMs: 0 },
    );

    const verdicts = step.checks.map((check, i) =>
      this.#recordCheck(i, check, results.get(check)!),
    );
    // b. The step's own limit is a check like any other.
    if (step.convergeMs !== undefined) {
      const check = {
        kind: "converge" as const,
        source: step.source,
        withinMs: { atMost: step.convergeMs },
      };
      const [result] = await expectAll(context, this.#changes, [check], { withinMs: 0, forMs: 0 });
      verdicts.push(this.#recordCheck(step.checks.length, check, result!));
    }
    return verdicts;
  }

  /** Those whose probes have nothing to tell of what came after the step's events. */
  async #unheard(outages: readonly Check[], convergence: Convergence): Promise<Check[]> {
    const heard = await Promise.all(
      boundedOutages(outages).map(async (check) => {
        const probe = this.#probes.get(check.probe);
        if (probe === undefined) return [];
        return (await untilHeard(this.#context, probe, convergence)) ? [] : [check];
      }),
    );
    return heard.flat();
  }

  /** Of a step that stopped at an event only what was seen to hold says something. */
  #recordNever(results: readonly CheckResult[], stopped: boolean): Verdict[] {
    const { checks, never, convergeMs } = this.#step;
    const first = checks.length + (convergeMs === undefined ? 0 : 1);
    return never.flatMap((check, i) => {
      if (stopped && results[i]!.verdict !== "fail") return [];
      return this.#recordCheck(first + i, check, results[i]!, "never: ");
    });
  }

  /** A check that is only to warn does. */
  #recordCheck(index: number, check: Check, result: CheckResult, prefix = ""): Verdict {
    const handler = checkHandler(check.kind);
    const verdict = result.verdict === "fail" && check.warn ? "warn" : result.verdict;
    this.#context.recorder({
      type: "check",
      step: this.#index,
      index,
      kind: check.kind,
      text: prefix + handler.text(check as never),
      expected: prefix + handler.expected(check as never),
      source: check.source,
      ...result,
      verdict,
    });
    return verdict;
  }

  /** A check that does not hold yet, for those who watch. */
  #recordWaiting(index: number, check: Check, look: { seen: string; looks: number }): void {
    const handler = checkHandler(check.kind);
    const text = handler.text(check as never);
    const expected = handler.expected(check as never);
    const { kind } = check;
    const step = this.#index;
    this.#context.recorder({ type: "waiting", step, index, kind, text, expected, ...look });
  }

  /** What the logs that the step checks hold already. A log that cannot be read yet counts as empty. */
  async #readLogs(): Promise<Map<string, string>> {
    const texts = new Map<string, string>();
    for (const check of [...this.#step.checks, ...this.#step.never]) {
      if (check.kind !== "log") continue;
      texts.set(logKey(check), await readLog(this.#context, check).catch(() => ""));
    }
    return texts;
  }

  #view(
    beganMs: number,
    logsBefore: Map<string, string>,
    convergence: Convergence | undefined,
  ): StepView {
    return {
      beganMs,
      logsBefore,
      probe: (name) => this.#probes.get(name),
      convergeMs: () => convergence?.convergeMs,
    };
  }
}

/** Undefined where nothing changed, and where the runtime cannot tell. */
function convergeMsOf(convergence: Convergence): number | undefined {
  try {
    return convergence.convergeMs;
  } catch (error) {
    if (error instanceof EnvironmentError) return undefined;
    throw error;
  }
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
