import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { summarize } from "../../report/summary.ts";
import { readTimeline } from "../../timeline/log.ts";
import type { TimelineRecord } from "../../timeline/record.ts";
import { ExitStatus, statusOf, UsageError } from "../exit.ts";

type ReportOptions = { markdown?: boolean; junit?: string; json?: boolean };

export function registerReport(program: Command): void {
  program
    .command("report")
    .summary("make reports anew from timelines, or a summary of several runs")
    .argument("[where...]", "timeline.jsonl files, or folders that hold some", ["reports"])
    .option("--markdown", "print a summary for a pull or merge request; write nothing")
    .option("--junit <file>", "write one JUnit XML of all the runs; nothing else")
    .option("--json", "print the figures of each run as JSON; write nothing")
    .addHelpText(
      "after",
      `
A timeline holds everything that happened in a run: whatever a report shows is read from it. Without
an option, report.html and junit.xml are written anew beside each timeline.

Examples:
  spinelab report reports/rack-spine             report.html and junit.xml, made anew
  spinelab report timeline.jsonl                 of a timeline from another machine
  spinelab report --markdown                     every run below reports/, for a comment
  spinelab report --junit all.xml reports        one file for a CI that takes one

Exit status: that of the runs: 1 where one failed, 3 where one is inconclusive.`,
    )
    .action(async (where: string[], options: ReportOptions) => {
      process.exitCode = await report(where.flatMap(timelinesAt), options);
    });
}

async function report(files: readonly string[], options: ReportOptions): Promise<number> {
  const runs = files.map((file) => ({ file, records: readTimeline(file) }));
  const verdicts = runs.map(({ records }) => summarize(records).verdict);
  if (options.markdown) {
    const { reportMarkdown } = await import("../../report/markdown.ts");
    process.stdout.write(reportMarkdown(runs.map(({ records }) => records)));
  } else if (options.junit !== undefined) {
    const { junitXml } = await import("../../report/junit.ts");
    writeFileSync(options.junit, junitXml(runs.map(({ records }) => records)));
    process.stdout.write(`${resolve(options.junit)}\n`);
  } else if (options.json) {
    const figures = runs.map(({ file, records }) => ({ file, ...figuresOf(records) }));
    process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
  } else {
    const { rebuildReports } = await import("../../report/write.ts");
    for (const { file, records } of runs) {
      for (const made of await rebuildReports(dirname(file), records)) {
        process.stdout.write(`${made}\n`);
      }
    }
  }
  const statuses = verdicts.map(statusOf);
  if (statuses.includes(ExitStatus.failed)) return ExitStatus.failed;
  return Math.max(ExitStatus.passed, ...statuses);
}

/** The summary without the commands and the single records, which the timeline has. */
function figuresOf(records: readonly TimelineRecord[]): object {
  const { started, steps, execs: _execs, ...run } = summarize(records);
  return {
    lab: started?.lab,
    scenario: started?.scenario?.name,
    runtime: started?.runtime,
    replay: started?.replay,
    ...run,
    steps: steps.map(({ events: _events, state: _state, ...step }) => step),
  };
}

/** A file as it is; of a folder every timeline.jsonl in it and one folder below. */
function timelinesAt(where: string): string[] {
  const hint = "\n  hint: a run leaves reports/LAB/timeline.jsonl";
  if (!existsSync(where)) throw new UsageError(`there is no ${where}${hint}`);
  if (statSync(where).isFile()) return [resolve(where)];
  const folders = [where, ...readdirSync(where).map((name) => join(where, name))];
  const found = folders.map((folder) => join(folder, "timeline.jsonl")).filter(existsSync);
  if (found.length === 0) throw new UsageError(`no timeline.jsonl in ${where}${hint}`);
  return found.toSorted().map((file) => resolve(file));
}
