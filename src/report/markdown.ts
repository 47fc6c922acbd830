import type { TimelineRecord } from "../timeline/record.ts";
import { differenceOf } from "./difference.ts";
import { formatDuration, formatRunTime, formatSince } from "./duration.ts";
import { type RunSummary, summarize } from "./summary.ts";

const icons = { pass: "✅", fail: "❌", warn: "⚠️", inconclusive: "❓", notRun: "➖" } as const;
const words = { pass: "passed", fail: "failed", warn: "warned", inconclusive: "inconclusive" };
/** Failures of one run that are spelled out; a comment on a merge request has its limits. */
const failuresMax = 10;

/** Runs as a comment on a pull or merge request: a table, and below it what failed. */
export function reportMarkdown(runs: readonly (readonly TimelineRecord[])[]): string {
  const all = runs.map(summarize);
  const bad = all.filter((run) => run.verdict !== "pass" && run.verdict !== "warn");
  const title =
    bad.length === 0
      ? `### ${icons.pass} Spinelab: ${count(all.length, "run")} passed`
      : `### ${icons.fail} Spinelab: ${bad.length} of ${count(all.length, "run")} did not pass`;
  return [
    title,
    "",
    "| lab | scenario | runtime | checks | converged | outage | lost | time |",
    "|---|---|---|---|---|---|---|---|",
    ...all.map(row),
    "",
    ...bad.flatMap(details),
  ].join("\n");
}

function row(run: RunSummary): string {
  const { pass, warn, fail, inconclusive } = run.checks;
  const all = pass + warn + fail + inconclusive;
  const cells = [
    `${icons[run.verdict]} ${run.started?.lab ?? "?"}`,
    run.started?.scenario?.name ?? "–",
    run.started?.runtime ?? "?",
    `${pass + warn}/${all}`,
    longest(run.steps.map((step) => step.convergeMs)),
    longest(run.steps.map((step) => step.outageMs)),
    run.probes.length === 0
      ? "–"
      : String(run.probes.reduce((sum, probe) => sum + (probe.lost ?? 0), 0)),
    formatRunTime(run),
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}

function longest(values: readonly (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? "–" : formatDuration(Math.max(...known));
}

function details(run: RunSummary): string[] {
  const failed = run.steps.flatMap((step) =>
    step.checks
      .filter((check) => check.verdict === "fail" || check.verdict === "inconclusive")
      .map((check) => ({ step, check })),
  );
  const name = `${run.started?.lab ?? "a lab"} ${words[run.verdict]}`;
  return [
    `<details><summary>${escaped(name)}${run.reason === undefined ? "" : `: ${escaped(run.reason)}`}</summary>`,
    "",
    ...run.failures.map(({ node, message }) =>
      line(`${icons.fail} ${node === undefined ? "" : `${node}: `}${message}`),
    ),
    ...failed.slice(0, failuresMax).flatMap(({ step, check }) => {
      const differs = differenceOf(check);
      const since = formatSince(check);
      return [
        line(`${icons[check.verdict]} step ${step.index + 1}, ${step.name}: ${check.text}`),
        `  - expected: ${code(check.expected)}`,
        `  - seen: ${code(check.seen)}`,
        ...(since === undefined ? [] : [`  - since: ${since}`]),
        ...(differs === undefined ? [] : [`  - differs: ${code(differs)}`]),
        ...(check.source === undefined ? [] : [`  - check: ${code(check.source)}`]),
      ];
    }),
    ...(failed.length > failuresMax ? [`- … and ${failed.length - failuresMax} more`] : []),
    ...(run.started === undefined ? [] : [`- replay: ${code(run.started.replay)}`]),
    "",
    "</details>",
    "",
  ];
}

function line(text: string): string {
  return `- ${escaped(text)}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** Text of the lab stays text: no tag, no table cell, no mention of a person. */
function escaped(text: string): string {
  return text
    .replaceAll("\n", " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*_[\]|#@]/g, (character) => `&#${character.codePointAt(0)};`);
}

function cell(text: string): string {
  return escaped(text);
}

/** A code span around whatever backticks are in it. */
function code(text: string): string {
  const flat = text.replaceAll("\n", " ");
  const longestRun = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longestRun + 1);
  const pad = flat.startsWith("`") || flat.endsWith("`") || flat === "" ? " " : "";
  return `${fence}${pad}${flat}${pad}${fence}`;
}
