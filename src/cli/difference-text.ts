import { formatDuration } from "../report/duration.ts";
import { type StepSummary, summarize } from "../report/summary.ts";
import type { TimelineRecord } from "../timeline/record.ts";
import type { StateChange } from "../timeline/state.ts";

/** A figure of a step that two runs do not share. */
type FigureChange = { step: string; figure: string; before: string; after: string };

/** Times that are as good as the same: measured twice they would differ by as much. */
const sameFactor = 1.25;
const sameMs = 100;

/** Verdicts, and times that differ by more than chance. Steps are paired by name. */
export function figureChanges(
  one: readonly TimelineRecord[],
  other: readonly TimelineRecord[],
): FigureChange[] {
  const others = new Map(summarize(other).steps.map((step) => [step.name, step]));
  return summarize(one).steps.flatMap((step) => {
    const then = others.get(step.name);
    return then === undefined ? [] : stepChanges(step, then);
  });
}

function stepChanges(one: StepSummary, other: StepSummary): FigureChange[] {
  const step = one.name;
  const time = (figure: string, before: number | undefined, after: number | undefined) =>
    isSame(before, after) ? [] : { step, figure, before: msText(before), after: msText(after) };
  return [
    ...(one.verdict === other.verdict
      ? []
      : [{ step, figure: "verdict", before: one.verdict, after: other.verdict }]),
    ...[time("converged", one.convergeMs, other.convergeMs)].flat(),
    ...[time("outage", one.outageMs, other.outageMs)].flat(),
  ];
}

function isSame(a: number | undefined, b: number | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Math.abs(a - b) <= sameMs || Math.max(a, b) <= sameFactor * Math.min(a, b);
}

function msText(ms: number | undefined): string {
  return ms === undefined ? "none" : formatDuration(ms);
}

const tableNames = { session: "session", rib: "bgp", fib: "kernel" } as const;

/** By node: `+` came, `-` went, `~` is another. */
export function differenceText(
  changes: readonly StateChange[],
  figures: readonly FigureChange[],
): string {
  if (changes.length + figures.length === 0) return "nothing differs\n";
  const lines: string[] = [];
  const width = Math.max(0, ...changes.map(({ key }) => key.length));
  let node = "";
  for (const change of changes) {
    if (change.node !== node) lines.push((node = change.node));
    const what = `${tableNames[change.table].padEnd(7)}  ${change.key.padEnd(width)}`;
    const { before, after } = change;
    if (before === undefined) lines.push(`  + ${what}  ${after}`);
    else if (after === undefined) lines.push(`  - ${what}  ${before}`);
    else lines.push(`  ~ ${what}  ${before}`, `    ${" ".repeat(what.length - 1)}→  ${after}`);
  }
  if (figures.length > 0) lines.push("figures");
  for (const { step, figure, before, after } of figures) {
    lines.push(`  ~ ${step}: ${figure} ${before} → ${after}`);
  }
  return `${lines.join("\n")}\n`;
}
