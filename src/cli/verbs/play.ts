import { resolve } from "node:path";
import type { Command } from "commander";
import { askControl } from "../../lab/control.ts";
import { controlSocket } from "../../lab/state-folder.ts";
import type { TimelineRecord, Verdict } from "../../timeline/record.ts";
import { ExitStatus, statusOf } from "../exit.ts";
import { selectLab } from "../running-lab.ts";
import { createView, endingSignal } from "../view.ts";

type PlayOptions = { report: string; json?: boolean };

export function registerPlay(program: Command): void {
  program
    .command("play")
    .summary("play a scenario on a lab that is up")
    .argument("<lab>", "the lab")
    .argument("<file>", "the scenario")
    .option("--report <folder>", "where reports go", "reports")
    .option("--json", "the timeline as lines of JSON")
    .action(async (lab: string, file: string, options: PlayOptions) => {
      process.exitCode = await playOn(selectLab(lab).lab, resolve(file), options);
    });
}

export async function playOn(lab: string, file: string, options: PlayOptions): Promise<number> {
  const { loadScenario } = await import("../../lab/load.ts");
  const { writeReports } = await import("../../report/write.ts");
  // Read here first: mistakes in it are this command's to report, with status 2.
  const state = selectLab(lab);
  loadScenario(file, state.fabric, state.manifests);
  const view = createView(options.json);
  const signal = endingSignal();
  const records: TimelineRecord[] = [];
  const onLine = (line: unknown) => {
    records.push(line as TimelineRecord);
    view.write(line as TimelineRecord);
  };
  const socket = controlSocket(lab);
  let status: number;
  let evidence: { path: string; content: string }[] | undefined;
  try {
    const verdict = (await askControl(socket, { do: "play", file }, { onLine, signal })) as Verdict;
    status = statusOf(verdict);
    if (status !== ExitStatus.passed) {
      evidence = (await askControl(socket, { do: "evidence" })) as typeof evidence;
    }
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
