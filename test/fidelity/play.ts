import { Lab } from "../../src/lab/lab.ts";
import { findLab, loadLab } from "../../src/lab/load.ts";
import type { RuntimeChoice } from "../../src/lab/spec.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { hasHalfOpenSession } from "./half-open.ts";
import { labState, type LabStates } from "./state.ts";

/** Tables have come to rest when they are the same so much later: FRR's first UPDATE takes more than a second. */
const restMs = 1_500;
/** What the labs' sessions last after the other end has gone silent: the hold time, 9 s where FRR's own. */
const halfOpenMsMax = 12_000;

export type Played = {
  verdict: Extract<TimelineRecord, { type: "verdict" }> | undefined;
  /** After each step, by its name, in their order. */
  states: Map<string, LabStates>;
  times: Map<string, StepTimes>;
};

/** What an event cost. Undefined: the step has none, or no probe ran. */
export type StepTimes = { convergeMs: number | undefined; outageMs: number | undefined };

/** Plays a lab's own scenario and takes down its state after each step. `label`: no other lab's. */
export async function played(name: string, runtime: RuntimeChoice, label: string): Promise<Played> {
  const loaded = loadLab({ ...findLab(name), name: label }, "", runtime);
  const scenario = loaded.scenario!;
  const lab = await Lab.open({ ...loaded.spec, seed: 1 }, { sinks: [], scenario });
  const states = new Map<string, LabStates>();
  try {
    const { signal } = new AbortController();
    await lab.up(signal);
    await lab.play(scenario, signal, {
      after: async (index) => {
        states.set(scenario.steps[index]!.name, await atRest(lab));
        return "go on";
      },
    });
  } finally {
    await lab.down();
  }
  return {
    verdict: lab.records.findLast((record) => record.type === "verdict"),
    states,
    times: timesOf(lab.records),
  };
}

/** By the lab's own clock. */
async function atRest(lab: Lab): Promise<LabStates> {
  const { signal } = new AbortController();
  const context = lab.context(signal);
  const { clock } = context;
  const halfOpenUntilMs = clock.nowMs() + halfOpenMsMax;
  let before = await labState(context);
  for (;;) {
    await clock.wait(restMs, signal);
    const now = await labState(context);
    const isSame = JSON.stringify(now) === JSON.stringify(before);
    if (isSame && (clock.nowMs() > halfOpenUntilMs || !(await hasHalfOpenSession(context)))) {
      return now;
    }
    before = now;
  }
}

function timesOf(records: readonly TimelineRecord[]): Map<string, StepTimes> {
  const times = new Map<string, StepTimes>();
  for (const record of records) {
    if (record.type !== "step" || record.state !== "end") continue;
    const outages = records.flatMap((one) =>
      one.type === "outage" && one.step === record.index ? [one.toMs - one.fromMs] : [],
    );
    times.set(record.name, {
      convergeMs: record.convergeMs,
      outageMs: outages.length === 0 ? undefined : Math.max(...outages),
    });
  }
  return times;
}
