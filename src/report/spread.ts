import type { TimelineRecord, Verdict } from "../timeline/record.ts";
import { summarize } from "./summary.ts";

/** A measure of a scenario over several runs of it. */
export type Spread = {
  measure: "converge" | "outage";
  /** The step that converged; the probe that lost. */
  of: string;
  /** Milliseconds, from the best to the worst; runs in which it could not be measured are left out. */
  valuesMs: number[];
  medianMs: number;
  p95Ms: number;
  worstMs: number;
};

/** What the spread of a measure may be at most. */
export type SpreadLimit = {
  measure: Spread["measure"];
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
  const note = (measure: Spread["measure"], of: string, ms: number | undefined) => {
    if (ms === undefined) return;
    const key = `${measure} ${of}`;
    if (!values.has(key)) values.set(key, { measure, of, ms: [] });
    values.get(key)!.ms.push(ms);
  };
  for (const records of runs) {
    const { steps, probes } = summarize(records);
    for (const step of steps) note("converge", step.name, step.convergeMs);
    for (const probe of probes) note("outage", probe.probe, probe.outageMs);
  }
  return [...values.values()].map(({ measure, of, ms }) => {
    const valuesMs = ms.toSorted((a, b) => a - b);
    const at = (share: number) => valuesMs[Math.max(0, Math.ceil(share * valuesMs.length) - 1)]!;
    return { measure, of, valuesMs, medianMs: at(0.5), p95Ms: at(0.95), worstMs: at(1) };
  });
}

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
      return `${name.slice(0, -2)} ${Math.round(spread[name])} ms, at most ${Math.round(most)} ms`;
    });
    return broken.length === 0
      ? { limit, verdict: "pass", text: `${what}: within its limits` }
      : { limit, verdict: "fail", text: `${what}: ${broken.join("; ")}` };
  });
}

/** For people: a table, and what is wrong with it. */
export function spreadText(
  spreads: readonly Spread[],
  results: readonly LimitResult[],
  runs: number,
): string {
  const ms = (value: number) => `${Math.round(value)} ms`;
  const rows = [
    ["", "measured", "median", "p95", "worst"],
    ...spreads.map(({ measure, of, valuesMs, medianMs, p95Ms, worstMs }) => [
      `${measure} of ${of}`,
      `${valuesMs.length} of ${runs}`,
      ...[medianMs, p95Ms, worstMs].map(ms),
    ]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  "),
  );
  const verdicts = results.map(
    ({ verdict, text, limit }) => `${verdict === "pass" ? "✓" : "✗"} ${text} (${limit.source})`,
  );
  return `\n  ${runs} runs\n${[...lines, ...verdicts].map((line) => `  ${line}\n`).join("")}`;
}
