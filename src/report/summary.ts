import type { TimelineRecord, Verdict } from "../timeline/record.ts";
import type { StateChange } from "../timeline/state.ts";

/**
 * The numbers of a run. Every reading (terminal, JUnit, HTML) shows these and counts nothing itself,
 * so that no two of them can disagree.
 */
export type RunSummary = {
  /** Absent where the timeline lost its beginning. */
  started: RecordOf<"started"> | undefined;
  verdict: Verdict;
  /** Why, where the verdict alone does not say it. */
  reason?: string;
  /** Time of the first and of the last record, milliseconds on the timeline. */
  fromMs: number;
  toMs: number;
  /** From the first record to the verdict, or to the last record where there is none. */
  tookMs: number;
  checks: Record<Verdict, number>;
  stages: StageSummary[];
  steps: StepSummary[];
  probes: ProbeSummary[];
  failures: RecordOf<"failure">[];
  execs: RecordOf<"exec">[];
  /** Records of a route that came, went or changed. */
  routeChanges: number;
};

export type StageSummary = {
  stage: string;
  atMs: number;
  /** Absent while, or if for ever, it is not over. */
  tookMs?: number;
  detail?: string;
};

export type StepSummary = {
  index: number;
  name: string;
  /** A step that began and did not end is `inconclusive`. */
  verdict: Verdict | "notRun";
  beganMs?: number;
  /** Where the step did not end: the time of the last record. */
  endedMs?: number;
  tookMs?: number;
  convergeMs?: number;
  /** Longest outage of any probe that began in this step; 0 with a probe and no loss; absent without one. */
  outageMs?: number;
  /** Packets lost in those outages; absent without a probe. */
  lost?: number;
  events: RecordOf<"event">[];
  checks: RecordOf<"check">[];
  /** What its events did, once routes had come to rest. */
  measures?: RecordOf<"measures">;
  /** What it changed in sessions and tables. */
  state: StateChange[];
  /** The last look of each check that reached no verdict. */
  unfinished: RecordOf<"waiting">[];
};

export type ProbeSummary = {
  probe: string;
  from: string;
  to: string;
  everyMs: number;
  beganMs: number;
  /** Where the probe did not end: the time of the last record. */
  endedMs: number;
  outages: Outage[];
  /** Of the whole probe; absent where it did not end. */
  sent?: number;
  received?: number;
  lost?: number;
  outageMs?: number;
  /** As measured; `everyMs` is what was asked for. */
  intervalMs?: number;
  rttMs?: { min: number; median: number; max: number };
};

export type Outage = {
  fromMs: number;
  toMs: number;
  /** Absent where the timeline ends in the middle of the outage. */
  lost?: number;
};

export type RecordOf<Type extends TimelineRecord["type"]> = Extract<TimelineRecord, { type: Type }>;

/** Where a lab played several scenarios, each begins with its own `started`: the last one is read. */
export function summarize(timeline: readonly TimelineRecord[]): RunSummary {
  const start = timeline.findLastIndex((record) => record.type === "started");
  const records = start < 0 ? timeline : timeline.slice(start);
  const started = ofType(records, "started")[0];
  const fromMs = records[0]?.atMs ?? 0;
  const toMs = records.at(-1)?.atMs ?? 0;
  const given = ofType(records, "verdict").at(-1);
  const probes = summarizeProbes(records, toMs);
  const steps = summarizeSteps(records, started?.scenario?.steps ?? [], probes, toMs);
  const failures = ofType(records, "failure");
  const checks = { pass: 0, fail: 0, warn: 0, inconclusive: 0 };
  for (const step of steps) {
    for (const check of step.checks) checks[check.verdict]++;
    checks.inconclusive += step.unfinished.length;
  }
  return {
    started,
    ...judge(given, steps, checks, failures.length > 0),
    fromMs,
    toMs,
    tookMs: given?.tookMs ?? toMs - fromMs,
    checks,
    stages: summarizeStages(records),
    steps,
    probes,
    failures,
    execs: ofType(records, "exec"),
    routeChanges: ofType(records, "routeChange").length,
  };
}

/** Every record of one type, in order. */
export function ofType<Type extends TimelineRecord["type"]>(
  records: readonly TimelineRecord[],
  type: Type,
): RecordOf<Type>[] {
  return records.filter((record): record is RecordOf<Type> => record.type === type);
}

/** The verdict that was written, unless what was recorded contradicts a good one: never a false pass. */
function judge(
  given: RecordOf<"verdict"> | undefined,
  steps: readonly StepSummary[],
  checks: Record<Verdict, number>,
  somethingDied: boolean,
): { verdict: Verdict; reason?: string } {
  const failed = checks.fail > 0 || somethingDied || steps.some((step) => step.verdict === "fail");
  if (given === undefined) {
    const reason = "the run broke off: its timeline has no verdict";
    return { verdict: failed ? "fail" : "inconclusive", reason };
  }
  if (given.verdict === "pass" || given.verdict === "warn") {
    const written = `the verdict was written as ${given.verdict}, but`;
    if (failed) return { verdict: "fail", reason: `${written} something failed` };
    if (checks.inconclusive > 0) {
      return {
        verdict: "inconclusive",
        reason: `${written} ${checks.inconclusive} checks have no outcome`,
      };
    }
    const missed = steps.find((step) => step.verdict === "notRun");
    if (missed !== undefined) {
      return { verdict: "inconclusive", reason: `${written} step ${missed.index + 1} did not run` };
    }
  }
  return { verdict: given.verdict, ...(given.reason !== undefined && { reason: given.reason }) };
}

function summarizeStages(records: readonly TimelineRecord[]): StageSummary[] {
  const stages: StageSummary[] = [];
  for (const record of ofType(records, "stage")) {
    const detail = record.detail !== undefined && { detail: record.detail };
    const open = stages.findLast(
      (stage) => stage.stage === record.stage && stage.tookMs === undefined,
    );
    if (record.state === "begin" || open === undefined) {
      const tookMs = record.state === "end" && { tookMs: record.tookMs ?? 0 };
      stages.push({ stage: record.stage, atMs: record.atMs, ...tookMs, ...detail });
    } else {
      Object.assign(open, { tookMs: record.tookMs ?? record.atMs - open.atMs }, detail);
    }
  }
  return stages;
}

function summarizeProbes(records: readonly TimelineRecord[], toMs: number): ProbeSummary[] {
  const probes: ProbeSummary[] = [];
  const silentSinceMs = new Map<ProbeSummary, number>();
  for (const record of records) {
    if (record.type !== "probe" && record.type !== "outage") continue;
    if (record.type === "probe" && record.state === "begin") {
      const { probe, from, to, everyMs, atMs } = record;
      probes.push({ probe, from, to, everyMs, beganMs: atMs, endedMs: toMs, outages: [] });
      continue;
    }
    const open = probes.findLast((probe) => probe.probe === record.probe);
    if (open === undefined) continue;
    if (record.type === "outage") {
      const { fromMs, toMs: untilMs, lost } = record;
      open.outages.push({ fromMs, toMs: untilMs, lost });
      silentSinceMs.delete(open);
    } else if (record.state === "silent") {
      silentSinceMs.set(open, record.sinceMs);
    } else {
      const { type: _type, state: _state, probe: _probe, atMs: endedMs, ...measured } = record;
      Object.assign(open, { endedMs, ...measured });
      silentSinceMs.delete(open);
    }
  }
  for (const [probe, fromMs] of silentSinceMs) probe.outages.push({ fromMs, toMs });
  return probes;
}

function summarizeSteps(
  records: readonly TimelineRecord[],
  names: readonly string[],
  probes: readonly ProbeSummary[],
  toMs: number,
): StepSummary[] {
  const steps: StepSummary[] = names.map((name, index) => emptyStep(index, name));
  for (const record of records) {
    if (record.type === "step") {
      const step = (steps[record.index] ??= emptyStep(record.index, record.name));
      step.name = record.name;
      if (record.state === "begin") {
        step.beganMs = record.atMs;
        step.endedMs = toMs;
        step.verdict = "inconclusive";
      } else {
        step.endedMs = record.atMs;
        step.tookMs = record.tookMs;
        step.verdict = record.verdict;
        if (record.convergeMs !== undefined) step.convergeMs = record.convergeMs;
      }
    } else if (record.type === "event") {
      steps[record.step]?.events.push(record);
    } else if (record.type === "measures") {
      const step = steps[record.step];
      if (step !== undefined) step.measures = record;
    } else if (record.type === "state") {
      if (record.step !== undefined) steps[record.step]?.state.push(...record.changes);
    } else if (record.type === "check" || record.type === "waiting") {
      const step = steps[record.step];
      if (step === undefined) continue;
      step.unfinished = step.unfinished.filter((waiting) => waiting.index !== record.index);
      if (record.type === "check") step.checks.push(record);
      else step.unfinished.push(record);
    }
  }
  const given = new Map(
    ofType(records, "outage").map((record) => [outageKey(record.probe, record), record.step]),
  );
  // `flat` closes the holes of a timeline that lost its beginning.
  const known = steps.flat();
  for (const step of known) addLoss(step, probes, given);
  return known;
}

/** An outage counts for the step it names, else for the one that ran when it began. */
function addLoss(
  step: StepSummary,
  probes: readonly ProbeSummary[],
  given: ReadonlyMap<string, number | undefined>,
): void {
  const { beganMs, endedMs } = step;
  if (beganMs === undefined || endedMs === undefined) return;
  for (const probe of probes) {
    if (probe.beganMs > endedMs || probe.endedMs < beganMs) continue;
    step.outageMs ??= 0;
    step.lost ??= 0;
    for (const outage of probe.outages) {
      const named = given.get(outageKey(probe.probe, outage));
      const mine =
        named === undefined
          ? beganMs <= outage.fromMs && outage.fromMs < endedMs
          : named === step.index;
      if (!mine) continue;
      step.outageMs = Math.max(step.outageMs, outage.toMs - outage.fromMs);
      step.lost += outage.lost ?? 0;
    }
  }
}

function outageKey(probe: string, outage: { fromMs: number }): string {
  return `${outage.fromMs} ${probe}`;
}

function emptyStep(index: number, name: string): StepSummary {
  return { index, name, verdict: "notRun", events: [], checks: [], unfinished: [], state: [] };
}
