import { resolve } from "node:path";
import type { Command } from "commander";
import { askControl } from "../../lab/control.ts";
import type { NamedObject } from "../../lab/objects-now.ts";
import { controlSocket } from "../../lab/state-folder.ts";
import type { TimelineRecord, Verdict } from "../../timeline/record.ts";
import type { EvidenceFile } from "../../lab/evidence.ts";
import type { EvidenceFile as ReportFile } from "../../report/write.ts";
import { takenOver } from "../evidence.ts";
import { ExitStatus, statusOf, wholeNumber } from "../exit.ts";
import { selectLab } from "../running-lab.ts";
import { Stepper } from "../stepping.ts";
import { createView, endingSignal } from "../view.ts";

type PlayOptions = {
  report: string;
  json?: boolean;
  step?: boolean;
  breakOnFailure?: boolean;
  seed?: number;
};

export function registerPlay(program: Command): void {
  program
    .command("play")
    .summary("play a scenario on a lab that is up")
    .argument("<lab>", "the lab")
    .argument("<file>", "the scenario")
    .option("--report <folder>", "where reports go", "reports")
    .option("--step", "ask before each step: Enter goes on, q ends")
    .option("--break-on-failure", "end at the first step that does not pass, to look at it")
    .option("--seed <n>", "draw by this what is left to chance", wholeNumber("--seed"))
    .option("--json", "the timeline as lines of JSON")
    .addHelpText(
      "after",
      `
Examples:
  spinelab play rack-spine scenarios/rack-spine.yaml
  spinelab play rack-spine scenarios/rack-spine.yaml --step`,
    )
    .action(async (lab: string, file: string, options: PlayOptions) => {
      process.exitCode = await playOn(selectLab(lab).lab, resolve(file), options);
    });
}

export async function playOn(lab: string, file: string, options: PlayOptions): Promise<number> {
  const { loadScenario } = await import("../../lab/load.ts");
  const { writeReports } = await import("../../report/write.ts");
  // Read here first: mistakes in it are this command's to report, with status 2.
  const { fabric } = selectLab(lab);
  const socket = controlSocket(lab);
  const objects = (await askControl(socket, { do: "objects" })) as NamedObject[];
  const { steps } = loadScenario(file, fabric, objects);
  const view = createView(options.json);
  const interrupted = endingSignal();
  const records: TimelineRecord[] = [];
  const { step = false, breakOnFailure = false, seed } = options;
  using stepper = step ? new Stepper() : undefined;
  const ended = new AbortController();
  const ask = async (index: number) => {
    const resume = view.pause();
    const goesOn = await stepper!.ask(index, steps[index]!.name, lab);
    resume();
    if (goesOn) await askControl(socket, { do: "goOn" });
    else ended.abort(new Error("ended before a step"));
  };
  let old = 0;
  const onLine = (line: unknown) => {
    const { paused, before } = line as { paused?: number; before?: number };
    if (before !== undefined) {
      old = before;
      return;
    }
    if (paused !== undefined) {
      ask(paused).catch((error: Error) => ended.abort(error));
      return;
    }
    records.push(line as TimelineRecord);
    if (records.length > old) view.write(line as TimelineRecord);
  };
  const signal = AbortSignal.any([interrupted, ended.signal]);
  // The lab goes on: it ends the scenario, takes back what is in force, and answers then.
  const stop = () => {
    process.stderr.write("ending the scenario: what is to be taken back is taken back now\n");
    const reason = (signal.reason as Error).message;
    askControl(socket, { do: "stop", reason }).catch(() => {}); // Whoever waits for its end is told.
  };
  signal.addEventListener("abort", stop, { once: true });
  const request = { do: "play", file, step, breakOnFailure, ...(seed !== undefined && { seed }) };
  let status: number;
  let evidence: ReportFile[] | undefined;
  try {
    const verdict = (await askControl(socket, request, { onLine })) as Verdict;
    status = statusOf(verdict);
    const what = status === ExitStatus.passed || signal.aborted ? "captures" : "evidence";
    evidence = await filesOf(socket, what);
  } catch (error) {
    if (!signal.aborted) {
      view.close();
      throw error;
    }
    status = ExitStatus.inconclusive;
  }
  const folder = resolve(options.report, lab);
  await writeReports(folder, records, evidence);
  view.close({ reports: [folder] });
  return status;
}

/** None where the lab is gone: the report of what happened until then is made all the same. */
async function filesOf(
  socket: string,
  what: "captures" | "evidence",
): Promise<ReportFile[] | undefined> {
  try {
    return takenOver((await askControl(socket, { do: what })) as EvidenceFile[]);
  } catch (error) {
    process.stderr.write(`no ${what} of the lab: ${(error as Error).message}\n`);
    return undefined;
  }
}
