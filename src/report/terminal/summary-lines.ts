import { differenceOf } from "../difference.ts";
import { formatDuration, formatRunTime, formatSince } from "../duration.ts";
import type { RunSummary, StepSummary } from "../summary.ts";
import { symbol, verdictColor, verdictWords } from "./symbols.ts";
import {
  type Line,
  lineWidth,
  type Look,
  type Span,
  span,
  truncateLine,
  wrapLine,
} from "./text.ts";

type Column = {
  head: string;
  cell: (step: StepSummary) => Span;
  /** Goes first where room is short: highest. */ drop: number;
};

/** Failures repeated below the table; more than these are a number. */
const failuresMax = 8;
const nameWidthMin = 24;

/** What the records do not hold. `reports`: paths, shown as given. `tookRealMs`: of a simulated run. */
export type Closing = { reports?: readonly string[]; tookRealMs?: number };

/** How a run ended: the table of its steps, what failed, the verdict, reports and replay. */
export function summaryLines(
  run: RunSummary,
  { reports = [], tookRealMs }: Closing,
  columns: number,
  look: Look,
): Line[] {
  const isRun =
    run.started?.scenario !== undefined || run.steps.length > 0 || run.failures.length > 0;
  if (!isRun) return reports.map((path) => labelled("report", [span(path)]));
  return [
    [],
    ...stepTable(run.steps, columns, look),
    ...failureLines(run, columns, look),
    ...verdictLines(run, tookRealMs, columns, look),
    ...reports.map((path, index) => labelled(index === 0 ? "reports" : "", [span(path)])),
    ...(run.verdict !== "pass" && run.started !== undefined
      ? [labelled("replay:", [span(run.started.replay)])]
      : []),
  ];
}

const tableColumns: Column[] = [
  { head: "Checks", drop: 2, cell: checksCell },
  { head: "Converged", drop: 1, cell: (step) => durationCell(step.convergeMs) },
  {
    head: "Outage",
    drop: 0,
    cell: (step) => (step.outageMs === 0 ? span("none") : durationCell(step.outageMs, "yellow")),
  },
  {
    head: "Lost",
    drop: 3,
    cell: ({ lost }) =>
      lost === undefined ? span("–", "dim") : span(String(lost), lost > 0 ? "yellow" : undefined),
  },
  { head: "Time", drop: 4, cell: (step) => durationCell(step.tookMs) },
];

function stepTable(steps: readonly StepSummary[], columns: number, look: Look): Line[] {
  if (steps.length === 0) return [];
  if (steps.every((step) => step.verdict === "notRun")) {
    const none = steps.length === 1 ? "The step did not" : `None of the ${steps.length} steps did`;
    return [[span(`  ${none} run.`, "dim")]];
  }
  const cells = new Map(
    tableColumns.map((column) => {
      const texts = steps.map(column.cell);
      const widths = texts.map((text) => lineWidth([text], look));
      return [column, { texts, width: Math.max(column.head.length, ...widths) }] as const;
    }),
  );
  const names = steps.map((step) => `${step.index + 1} ${step.name}`);
  const longest = Math.max(...names.map((name) => lineWidth([span(name)], look)));
  // Numbers leave before names are cut below what tells them apart.
  const kept = [...tableColumns];
  const widthOf = (list: readonly Column[]) =>
    list.reduce((sum, column) => sum + 3 + cells.get(column)!.width, 4);
  while (kept.length > 0 && columns - widthOf(kept) < Math.min(longest, nameWidthMin)) {
    const drop = Math.max(...kept.map((column) => column.drop));
    kept.splice(
      kept.findIndex((column) => column.drop === drop),
      1,
    );
  }
  const nameWidth = Math.max(1, Math.min(longest, columns - widthOf(kept)));
  const head: Line = [
    span("    "),
    span("Step".padEnd(nameWidth), "dim"),
    ...kept.map((column) => span(`   ${column.head.padStart(cells.get(column)!.width)}`, "dim")),
  ];
  const width = Math.min(columns, widthOf(kept) + nameWidth);
  const rule: Line = [span("  "), span(symbol("line", look).text.repeat(width - 2), "dim")];
  const rows = steps.map((step, index): Line => {
    const color = step.verdict === "notRun" ? "dim" : undefined;
    const name = truncateLine([span(names[index]!, color)], nameWidth, look);
    const fill = span(" ".repeat(nameWidth - lineWidth(name, look)));
    return [
      span("  "),
      symbol(step.verdict, look),
      span(" "),
      ...name,
      fill,
      ...kept.flatMap((column) => {
        const { texts, width: cellWidth } = cells.get(column)!;
        const text = texts[index]!;
        return [span(" ".repeat(3 + cellWidth - lineWidth([text], look))), text];
      }),
    ];
  });
  return [truncateLine(head, columns, look), rule, ...rows, rule];
}

function checksCell(step: StepSummary): Span {
  const all = step.checks.length + step.unfinished.length;
  if (all === 0) return span("–", "dim");
  const good = step.checks.filter((one) => one.verdict === "pass" || one.verdict === "warn").length;
  return span(`${good}/${all}`, good < all ? "yellow" : undefined);
}

function durationCell(ms: number | undefined, color?: "yellow"): Span {
  return ms === undefined ? span("–", "dim") : span(formatDuration(ms), color);
}

/** What failed, again: on a long run it has left the screen. */
function failureLines(run: RunSummary, columns: number, look: Look): Line[] {
  const lines: Line[] = [];
  const say = (line: Line) => lines.push(...wrapLine(line, columns, 14, look));
  for (const { node, message, remedy } of run.failures.slice(0, failuresMax)) {
    const where = node === undefined ? "" : `${node}: `;
    say([span("  "), symbol("fail", look), span(` ${where}${message}`, "red")]);
    if (remedy !== undefined) say(labelled("remedy", [span(remedy)], 4));
  }
  const failed = run.steps.flatMap((step) => [
    ...step.checks
      .filter((check) => check.verdict === "fail" || check.verdict === "inconclusive")
      .map((check) => ({ step, check })),
    ...step.unfinished.map((waiting) => ({
      step,
      check: { ...waiting, verdict: "inconclusive" as const, source: undefined },
    })),
  ]);
  for (const { step, check } of failed.slice(0, failuresMax)) {
    const { verdict, text, expected, seen, source } = check;
    const sign = symbol(verdict, look);
    say([span("  "), sign, span(` step ${step.index + 1}: `, "dim"), span(text, sign.color)]);
    const differs = verdict === "fail" ? differenceOf(check) : undefined;
    say(labelled("expected", [span(expected)], 4));
    say(labelled("seen", [span(seen)], 4));
    const since = formatSince(check);
    if (since !== undefined) say(labelled("since", [span(since)], 4));
    if (differs !== undefined) say(labelled("differs", [span(differs)], 4));
    if (source !== undefined) say(labelled("check", [span(source, "dim")], 4));
  }
  const left =
    Math.max(0, failed.length - failuresMax) + Math.max(0, run.failures.length - failuresMax);
  if (left > 0) say([span(`  … and ${left} more`, "dim")]);
  return lines.length === 0 ? [] : [[], ...lines];
}

function verdictLines(
  run: RunSummary,
  tookRealMs: number | undefined,
  columns: number,
  look: Look,
): Line[] {
  const isSimulated = run.started?.runtime === "sim";
  const counts = (["pass", "fail", "warn", "inconclusive"] as const)
    .filter((verdict) => run.checks[verdict] > 0)
    .map((verdict) => `${run.checks[verdict]} ${verdictWords[verdict]}`)
    .join(", ");
  const parts = [
    run.started === undefined ? "" : `${run.started.lab} on ${run.started.runtime}`,
    counts === "" ? "no checks" : `checks: ${counts}`,
    formatRunTime(run) +
      (isSimulated && tookRealMs !== undefined ? ` in ${formatDuration(tookRealMs)}` : ""),
  ].filter((part) => part !== "");
  const verdict: Line = [
    span("  "),
    symbol(run.verdict, look),
    span(" "),
    span(verdictWords[run.verdict].toUpperCase(), verdictColor(run.verdict)),
    span(` · ${parts.join(" · ")}`),
  ];
  const reason = run.reason === undefined ? [] : [labelled("reason", [span(run.reason)])];
  const probes = run.probes
    .filter((probe) => probe.sent !== undefined)
    .map((probe) =>
      labelled(
        "probe",
        [
          span(
            `${probe.probe}: ${probe.lost} of ${probe.sent} lost, longest outage ${formatDuration(probe.outageMs ?? 0)}${probe.intervalMs === undefined ? "" : `, a packet every ${formatDuration(probe.intervalMs)}`}`,
          ),
        ],
        2,
      ),
    );
  return [
    [],
    ...[verdict, ...reason, ...probes].flatMap((line) => wrapLine(line, columns, 4, look)),
  ];
}

function labelled(label: string, text: Line, indent = 2): Line {
  return [span(" ".repeat(indent)), span(label.padEnd(10), "dim"), ...text];
}
