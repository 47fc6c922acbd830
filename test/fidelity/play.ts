import { Lab } from "../../src/lab/lab.ts";
import { findLab, loadLab } from "../../src/lab/load.ts";
import type { RuntimeChoice } from "../../src/lab/spec.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { stateDifferences } from "./compare.ts";
import { hasHalfOpenSession } from "./half-open.ts";
import { labState, type LabStates } from "./state.ts";

/** Tables have come to rest when they are the same so much later: FRR's first UPDATE takes more than a second. */
const restMsDefault = 1_500;
/** One more look at a simulated lab may take so long of its time, for pings that nobody answers. */
const lookMsMost = 5_000;
/** Where another state is expected it is waited for so long: more than any connect retry time of the labs. */
const expectedMsMost = 30_000;
/** What the labs' sessions last after the other end has gone silent: the hold time, 9 s where FRR's own. */
const halfOpenMsMax = 12_000;

export type Played = {
  verdict: string;
  /** Checks of its scenario that did not pass, and what was seen; what went wrong, or could not be done. */
  failures: string[];
  /** After each step, by its name, in their order. */
  states: Map<string, LabStates>;
  times: Map<string, StepTimes>;
  /** How long each step and the rest after it lasted, by the lab's clock. */
  lastedMs: number[];
};

/** What an event cost. Undefined: the step has none, or no probe ran. */
export type StepTimes = { convergeMs?: number | undefined; outageMs?: number | undefined };

export type PlayOptions = {
  /** A scenario file; undefined: the lab's own. */
  scenario?: string;
  /**
   * How long each step with its rest lasts at least, so that timers which run on over several steps have come equally
   * far as in another run.
   */
  lastedMs?: readonly number[];
  /** Tables are at rest when they have stayed the same for so long. */
  restMs?: number;
  /** What came of another run: where a step has come to rest otherwise, it is waited for that to come, for a while. */
  expected?: Played["states"];
  /** Of what is left to chance, where that is drawn. */
  seed?: number;
  /** What is done to the lab before. */
  meddle?: (lab: Lab) => Promise<void>;
  /** No more are played. */
  stepsMost?: number;
};

/** Plays a lab's scenario and takes down its state after each step. */
export async function played(
  name: string,
  runtime: RuntimeChoice,
  options: PlayOptions = {},
): Promise<Played> {
  const { lastedMs = [], restMs = restMsDefault, seed = 1 } = options;
  const { expected, meddle, stepsMost = Infinity } = options;
  const label = `${name}-${runtime.kind}-${process.pid}`;
  const found = findLab(name);
  const source = { ...found, name: label, scenario: options.scenario ?? found.scenario };
  const loaded = loadLab(source, "", runtime);
  const scenario = loaded.scenario!;
  const lab = await Lab.open({ ...loaded.spec, seed }, { sinks: [], scenario });
  const states = new Map<string, LabStates>();
  const lasted: number[] = [];
  try {
    const { signal } = new AbortController();
    await lab.up(signal);
    const { clock } = lab.context(signal);
    await meddle?.(lab);
    let beganMs = clock.nowMs();
    await lab.play(scenario, signal, {
      after: async (index) => {
        const untilMs = beganMs + (lastedMs[index] ?? 0);
        const step = scenario.steps[index]!.name;
        const wanted = expected?.get(step);
        const isExpected = (state: LabStates) => wanted === undefined || isAlike(wanted, state);
        states.set(step, await atRest(lab, { untilMs, restMs, isExpected }));
        lasted.push(clock.nowMs() - beganMs);
        beganMs = clock.nowMs();
        return index + 1 < stepsMost ? "go on" : "stop";
      },
    });
  } finally {
    await lab.down();
  }
  return {
    verdict: lab.records.findLast((record) => record.type === "verdict")?.verdict ?? "none",
    failures: lab.records.flatMap((record) => {
      if (record.type === "failure") return [record.message];
      if (record.type === "verdict" && record.verdict === "inconclusive") {
        return [record.reason ?? "inconclusive"];
      }
      return record.type === "check" && record.verdict !== "pass"
        ? [`${record.text}: ${record.verdict}: ${record.seen}`]
        : [];
    }),
    states,
    times: timesOf(lab.records),
    lastedMs: lasted,
  };
}

/** Nothing is different, or nothing that nobody knows the cause of. */
function isAlike(one: LabStates, other: LabStates): boolean {
  return stateDifferences(one, other).every(({ why }) => why !== undefined);
}

/** By the lab's own clock, and not before `untilMs`. */
async function atRest(
  lab: Lab,
  {
    untilMs,
    restMs,
    isExpected,
  }: { untilMs: number; restMs: number; isExpected: (state: LabStates) => boolean },
): Promise<LabStates> {
  const { signal } = new AbortController();
  const context = lab.context(signal);
  const { clock } = context;
  const halfOpenUntilMs = clock.nowMs() + halfOpenMsMax;
  const expectedUntilMs = clock.nowMs() + expectedMsMost;
  let before = await labState(context);
  for (;;) {
    await clock.wait(restMs, signal);
    // Before the state, which takes a while: what was half open then may have ended since, and be in it all the same.
    const isHalfOpen = clock.nowMs() < halfOpenUntilMs && (await hasHalfOpenSession(context));
    const now = await labState(context);
    const isSame = JSON.stringify(now) === JSON.stringify(before);
    const leftMs = untilMs - clock.nowMs();
    const isTooEarly = clock.nowMs() < expectedUntilMs && !isExpected(now);
    if (isSame && leftMs < lookMsMost && !isHalfOpen && !isTooEarly) {
      if (leftMs > 0) await clock.wait(leftMs, signal);
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
