import { formatDuration } from "../report/duration.ts";
import { type StepSummary, summarize } from "../report/summary.ts";
import type { TimelineRecord } from "../timeline/record.ts";
import type { StateChange } from "../timeline/state.ts";
import { UsageError } from "./exit.ts";

/** A figure of a step that two runs do not share. */
type FigureChange = { step: string; figure: string; before: string; after: string };

/** Times that are as good as the same: measured twice they would differ by as much. */
const sameFactor = 1.25;
const sameMs = 100;

/**
 * Verdicts, and times that differ by more than chance. Steps are paired by name; one that only one run has is told,
 * but of runs of other scenarios altogether, which have no figures to compare.
 */
export function figureChanges(
  one: readonly TimelineRecord[],
  other: readonly TimelineRecord[],
): FigureChange[] {
  const [ones, others] = [one, other].map(
    (records) => new Map(summarize(records).steps.map((step) => [step.name, step])),
  ) as [Map<string, StepSummary>, Map<string, StepSummary>];
  const names = [...new Set([...ones.keys(), ...others.keys()])];
  if (!names.some((name) => ones.has(name) && others.has(name))) return [];
  return names.flatMap((step) => {
    const [before, after] = [ones.get(step), others.get(step)];
    if (before !== undefined && after !== undefined) return stepChanges(before, after);
    return { step, figure: "verdict", before: verdictText(before), after: verdictText(after) };
  });
}

function verdictText(step: StepSummary | undefined): string {
  if (step === undefined) return "no such step";
  return step.verdict === "notRun" ? "not run" : step.verdict;
}

/** From 0; -1 before the first step. Throws where a run of `steps` steps has no such moment. */
export function stepOfMoment(name: string, moment: string, steps: number): number {
  if (moment === "start") return -1;
  if (moment === "end") return Infinity;
  if (!/^\d+$/.test(moment)) {
    throw new UsageError(`${moment}: expected start, end, or the number of a step`);
  }
  if (Number(moment) > steps)
    throw new UsageError(`${name} has no step ${moment}: it has ${steps}`);
  return Number(moment) - 1;
}

/** What keeps two runs from being like each other; undefined where they are of one fabric. */
export function otherFabric(
  one: { name: string; nodes: readonly string[] },
  other: { name: string; nodes: readonly string[] },
): string | undefined {
  const only = (a: readonly string[], b: readonly string[]) =>
    a.filter((node) => !b.includes(node));
  const sides = [
    [one.name, only(one.nodes, other.nodes)],
    [other.name, only(other.nodes, one.nodes)],
  ] as const;
  const told = sides.flatMap(([name, nodes]) =>
    nodes.length === 0 ? [] : `only in ${name}: ${nodes.join(", ")}`,
  );
  return told.length === 0 ? undefined : `these are two fabrics: ${told.join("; ")}`;
}

function stepChanges(one: StepSummary, other: StepSummary): FigureChange[] {
  const step = one.name;
  const time = (figure: string, before: number | undefined, after: number | undefined) =>
    isSame(before, after) ? [] : { step, figure, before: msText(before), after: msText(after) };
  return [
    ...(one.verdict === other.verdict
      ? []
      : [{ step, figure: "verdict", before: verdictText(one), after: verdictText(other) }]),
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
