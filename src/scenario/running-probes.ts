import { EnvironmentError } from "../input/diagnostic.ts";
import { type LabContext, PreconditionError } from "./context.ts";
import { RunningProbe } from "./probe.ts";
import type { Probe, Scenario, Step } from "./schema/types.ts";

const probeRetryMs = 100;

/** The probes of a scenario that run now. */
export class RunningProbes implements AsyncDisposable {
  readonly #context: LabContext;
  readonly #scenario: Scenario;
  readonly #stepAt: (atMs: number) => number | undefined;
  readonly #running = new Map<string, RunningProbe>();

  /** `stepAt`: which step was under way at a time. */
  constructor(
    context: LabContext,
    scenario: Scenario,
    stepAt: (atMs: number) => number | undefined,
  ) {
    this.#context = context;
    this.#scenario = scenario;
    this.#stepAt = stepAt;
  }

  get(name: string): RunningProbe | undefined {
    return this.#running.get(name);
  }

  all(): RunningProbe[] {
    return [...this.#running.values()];
  }

  /** Why a probe of the step could not be started; undefined where all run. Tries until `within` is over. */
  async start(step: Step): Promise<string | undefined> {
    const { clock, signal } = this.#context;
    const deadlineMs = clock.nowMs() + step.withinMs;
    for (const probe of step.probes) {
      for (;;) {
        const missing = await this.#start(probe);
        if (missing === undefined) break;
        if (clock.nowMs() >= deadlineMs) return `probe ${probe.name}: ${missing}`;
        await clock.wait(probeRetryMs, signal);
      }
    }
    return undefined;
  }

  /** After step `index`: a probe runs until the last step whose `outage` names it, at least to the end of its own. */
  async stopAfter(index: number): Promise<void> {
    const later = this.#scenario.steps.slice(index + 1).flatMap(({ checks }) => checks);
    const wanted = new Set(later.flatMap((one) => (one.kind === "outage" ? one.probe : [])));
    for (const [name, probe] of this.#running) {
      if (wanted.has(name)) continue;
      await probe.stop();
      this.#running.delete(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all().map((probe) => probe.stop()));
  }

  async #start(probe: Probe): Promise<string | undefined> {
    try {
      await this.#running.get(probe.name)?.stop();
      const running = await RunningProbe.start(this.#context, probe, this.#stepAt);
      this.#running.set(probe.name, running);
      return undefined;
    } catch (error) {
      if (error instanceof PreconditionError || error instanceof EnvironmentError) {
        return error.message;
      }
      throw error;
    }
  }
}
