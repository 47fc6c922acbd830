import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { askControl } from "../../lab/control.ts";
import { controlSocket } from "../../lab/state-folder.ts";
import { summarize } from "../../report/summary.ts";
import { readTimeline } from "../../timeline/log.ts";
import type { TimelineRecord } from "../../timeline/record.ts";
import {
  changesBetween,
  type State,
  stateAt,
  type StateItem,
  stateOf,
} from "../../timeline/state.ts";
import { differenceText, figureChanges, otherFabric, stepOfMoment } from "../difference-text.ts";
import { ExitStatus, UsageError } from "../exit.ts";
import { runningLabs, selectLab } from "../running-lab.ts";

type DiffOptions = { from?: string; to?: string; json?: boolean };

export function registerDiff(program: Command): void {
  program
    .command("diff")
    .summary("what differs between two moments of a run, two runs, or a run and a lab")
    .argument("<one>", "a report's folder, a timeline.jsonl, or a lab that is up")
    .argument("[other]", "another one; left out: two moments of the first")
    .option("--from <moment>", "in the first: `start`, `end`, or after step 1, 2, …")
    .option("--to <moment>", "in the other")
    .option("--json", "JSON")
    .addHelpText(
      "after",
      `
Sessions, BGP tables and kernel tables of every node are compared; of two runs also the figures of
each step. A run's moments are its steps: what was seen before the first one is \`start\`.

Examples:
  spinelab diff reports/rack-spine                   from the start of the run to its end
  spinelab diff reports/rack-spine --from 3 --to 4   what step 4 changed
  spinelab diff yesterday/rack-spine reports/rack-spine
  spinelab diff reports/rack-spine rack-spine        a run, and the lab as it is now

Exit status: 0 nothing differs, 1 something does.`,
    )
    .action(async (one: string, other: string | undefined, options: DiffOptions) => {
      process.exitCode = await diff(one, other, options);
    });
}

async function diff(one: string, other: string | undefined, options: DiffOptions): Promise<number> {
  const first = await sourceOf(one);
  const second = other === undefined ? first : await sourceOf(other);
  const before = momentOf(first, options.from, other === undefined ? "start" : "end");
  const after = momentOf(second, options.to, "end");
  const changes = changesBetween(before, after);
  const unlike = otherFabric(first, second);
  if (unlike !== undefined) process.stderr.write(`${unlike}\n`);
  const figures =
    other !== undefined && first.records && second.records
      ? figureChanges(first.records, second.records)
      : [];
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ changes, figures }, undefined, 2)}\n`);
  } else process.stdout.write(differenceText(changes, figures));
  return changes.length + figures.length === 0 ? ExitStatus.passed : ExitStatus.failed;
}

type Source = { name: string; nodes: string[] } & (
  | { records: TimelineRecord[]; now?: undefined }
  | { records?: undefined; now: State }
);

/** A file or folder before a lab of the same name: the lab can be meant with `./`-less words only. */
async function sourceOf(name: string): Promise<Source> {
  const file =
    existsSync(name) && statSync(name).isDirectory() ? join(name, "timeline.jsonl") : name;
  if (existsSync(file)) {
    const records = readTimeline(file);
    const started = records.findLast((record) => record.type === "started");
    const nodes = started?.topology.nodes.map((node) => node.name) ?? [];
    return { name, nodes, records };
  }
  const labs = runningLabs().map(({ lab }) => lab);
  if (!labs.includes(name)) {
    const up = labs.length === 0 ? "no lab is up" : `labs that are up: ${labs.join(", ")}`;
    throw new UsageError(
      `${name} is no timeline, no folder with one, and no lab that is up (${up})`,
    );
  }
  const { lab, fabric } = selectLab(name);
  const items = (await askControl(controlSocket(lab), { do: "state" })) as StateItem[];
  return { name, nodes: fabric.nodes.map((node) => node.name), now: stateOf(items) };
}

/** Undefined `moment`: a run's `otherwise`, and of a lab that is up the only one there is. */
function momentOf(
  { name, records, now }: Source,
  given: string | undefined,
  otherwise: string,
): State {
  if (now !== undefined) {
    if (given === undefined) return now;
    throw new UsageError(
      `${name} is a lab that is up: it is as it is now, and has no moment ${given}`,
    );
  }
  const moment = given ?? otherwise;
  const state = stateAt(records, stepOfMoment(name, moment, summarize(records).steps.length));
  if (state === undefined) {
    throw new UsageError(`${name} holds no state of sessions and tables at ${moment}`);
  }
  return state;
}
