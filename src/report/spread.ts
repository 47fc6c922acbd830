import type { TimelineRecord, Verdict } from "../timeline/record.ts";
import { formatDuration } from "./duration.ts";
import { summarize } from "./summary.ts";

/** A measure of a scenario over several runs of it. */
export type Spread = {
  /** `controlPlane` and `dataPlane`: of one event of a step, where `converge` is of all of them. */
  measure: "converge" | "outage" | "controlPlane" | "dataPlane";
  /** The step that converged; the probe that lost; the event, and for its loss the probe. */
  of: string;
  /** Milliseconds, from the best to the worst; runs in which it could not be measured are left out. */
  valuesMs: number[];
  medianMs: number;
  p95Ms: number;
  worstMs: number;
};

/** What the spread of a measure may be at most. */
export type SpreadLimit = {
  measure: "converge" | "outage";
  of: string;
  medianMs?: number;
  p95Ms?: number;
  worstMs?: number;
  /** file:line. */
  source: string;
};

/** Of the timelines of several runs of one scenario, in the order of its steps. */
export function spreadOf(runs: readonly (readonly TimelineRecord[])[]): Spread[] {
  const values = new Map<string, { measure: Spread["measure"]; of: string; ms: number[] }>();
  for (const [run, records] of runs.entries()) {
    const note = (measure: Spread["measure"], of: string, ms: number | undefined) => {
      if (ms === undefined) return;
      const key = `${measure} ${of}`;
      if (!values.has(key)) values.set(key, { measure, of, ms: [] });
      // Of an event that one run does several times the worst.
      const inRuns = values.get(key)!.ms;
      inRuns[run] = Math.max(inRuns[run] ?? 0, ms);
    };
    const { steps, probes } = summarize(records);
    for (const { name, convergeMs, measures } of steps) {
      note("converge", name, convergeMs);
      const events = measures?.events ?? [];
      for (const { text, controlPlaneMs, probes: losses = {} } of events) {
        // Of a single event it is what the step says.
        if (events.length > 1) note("controlPlane", `${text} (${name})`, controlPlaneMs);
        for (const [probe, { dataPlaneMs }] of Object.entries(losses)) {
          note("dataPlane", `${text} (${name}), ${probe}`, dataPlaneMs);
        }
      }
    }
    for (const probe of probes) note("outage", probe.probe, probe.outageMs);
  }
  return [...values.values()].map(({ measure, of, ms }) => {
    // `flat` leaves out the runs without it.
    const valuesMs = ms.flat().toSorted((a, b) => a - b);
    const at = (share: number) => valuesMs[Math.max(0, Math.ceil(share * valuesMs.length) - 1)]!;
    return { measure, of, valuesMs, medianMs: at(0.5), p95Ms: at(0.95), worstMs: at(1) };
  });
}

/** For people: `data plane of link router0 – tor1 down (the uplink is lost), cross-rack`. */
export function spreadName({ measure, of }: Pick<Spread, "measure" | "of">): string {
  const words = { controlPlane: "control plane", dataPlane: "data plane" } as const;
  const word = measure in words ? words[measure as keyof typeof words] : measure;
  return `${word} of ${of}`;
}

/** `spread.json`, beside the report of the last run. */
export type SpreadReport = { runs: number; spreads: Spread[]; results: LimitResult[] };

export type LimitResult = { limit: SpreadLimit; verdict: Verdict; text: string };

/** One result per limit. A measure that no run has is inconclusive. */
export function holdLimits(
  spreads: readonly Spread[],
  limits: readonly SpreadLimit[],
): LimitResult[] {
  return limits.map((limit) => {
    const { measure, of } = limit;
    const spread = spreads.find((each) => each.measure === measure && each.of === of);
    const what = `${measure} of ${of}`;
    if (spread === undefined) {
      return { limit, verdict: "inconclusive", text: `${what}: no run measured it` };
    }
    const broken = (["medianMs", "p95Ms", "worstMs"] as const).flatMap((name) => {
      const most = limit[name];
      if (most === undefined || spread[name] <= most) return [];
      return `${name.slice(0, -2)} ${formatDuration(spread[name])}, at most ${formatDuration(most)}`;
    });
    return broken.length === 0
      ? { limit, verdict: "pass", text: `${what}: within its limits` }
      : { limit, verdict: "fail", text: `${what}: ${broken.join("; ")}` };
  });
}

const signs = { pass: "✓", fail: "✗", warn: "!", inconclusive: "?" } satisfies Record<
  Verdict,
  string
>;

/** For people: a table of so many columns, and what is wrong with it. */
export function spreadText(
  spreads: readonly Spread[],
  results: readonly LimitResult[],
  runs: number,
  columns: number,
): string {
  const ms = (value: number) => formatDuration(value);
  const rows = [
    ["", "measured", "median", "p95", "worst"],
    ...spreads.map((spread) => [
      spreadName(spread),
      `${spread.valuesMs.length} of ${runs}`,
      ...[spread.medianMs, spread.p95Ms, spread.worstMs].map(ms),
    ]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  // A long name has a line to itself.
  const figures = widths.slice(1).reduce((sum, width) => sum + width + 2, 2);
  const nameWidth = Math.max(20, Math.min(widths[0]!, columns - figures));
  const lines = rows.flatMap(([name = "", ...cells]) => {
    const rest = cells.map((cell, i) => `  ${cell.padStart(widths[i + 1]!)}`).join("");
    if (name.length <= nameWidth) return [name.padEnd(nameWidth) + rest];
    return [name, " ".repeat(nameWidth) + rest];
  });
  const verdicts = results.map(
    ({ verdict, text, limit }) => `${signs[verdict]} ${text} (${limit.source})`,
  );
  return `\n  ${runs} runs, each on a fresh lab\n${[...lines, ...verdicts].map((line) => `  ${line}\n`).join("")}`;
}
