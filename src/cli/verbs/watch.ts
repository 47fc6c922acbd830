import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Command } from "commander";
import { EnvironmentError, InputError } from "../../input/diagnostic.ts";
import type { LabFile } from "../../topology/lab-file.ts";
import { ExitStatus, explain, UsageError } from "../exit.ts";
import { InterruptedError } from "../../lab/broken-off.ts";
import { endingSignal } from "../view.ts";
import { playOnce } from "./run.ts";

type WatchOptions = { scenario?: string; report: string; name?: string };

/** An editor writes a file in several goes, or a new one over the old. */
const settleMs = 150;

export function registerWatch(program: Command): void {
  program
    .command("watch")
    .summary("play a lab's scenario anew whenever one of its files changes")
    .argument("<name>", "a lab: `spinelab list` names them")
    .option("--scenario <file>", "another scenario than the lab's own")
    .option("--report <folder>", "where reports go", "reports")
    .option("--name <name>", "the lab's name on this machine")
    .addHelpText(
      "after",
      `
Each time is a whole run on a fresh lab, so that nothing of the last one counts. A change in the middle
of a run ends it and begins anew. Mistakes in a file are told, and waited out. Ctrl-C ends.

Example: an editor in one terminal, in the other
  spinelab watch rack-spine --scenario mine.yaml`,
    )
    .action(async (name: string, options: WatchOptions) => {
      process.exitCode = await watchLab(name, options);
    });
}

async function watchLab(name: string, options: WatchOptions): Promise<number> {
  const { findLab } = await import("../../lab/load.ts");
  const ending = endingSignal();
  let status: number = ExitStatus.passed;
  for (;;) {
    // Read anew each time: the lab file may name other files now.
    let files: string[] = [];
    const changed = new AbortController();
    try {
      const file = findLab(name);
      files = filesOf(file, options.scenario);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      files = labFileOf(error);
      if (files.length === 0) throw error;
    }
    const change = onChange(files, () =>
      changed.abort(new InterruptedError("interrupted (a file changed)")),
    );
    try {
      status = await playUnlessChanged(name, options, AbortSignal.any([ending, changed.signal]));
      if (!ending.aborted && !changed.signal.aborted) {
        process.stderr.write(`watching ${files.length} files; Ctrl-C ends\n`);
        await aborted(AbortSignal.any([ending, changed.signal]));
      }
    } finally {
      change.stop();
    }
    if (ending.aborted) return status;
    process.stderr.write("a file changed: the scenario is played anew\n");
  }
}

async function playUnlessChanged(
  name: string,
  options: WatchOptions,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await playOnce(name, options, signal);
  } catch (error) {
    // What the next change may mend is told and waited for.
    const isTheUsers = error instanceof InputError || error instanceof UsageError;
    if (isTheUsers || error instanceof EnvironmentError) return explain(error, process.stderr);
    throw error;
  }
}

function filesOf(file: LabFile, scenario: string | undefined): string[] {
  const played = scenario === undefined ? file.scenario : resolve(scenario);
  const all = [file.file, file.topology, ...file.clusters, ...file.manifests];
  return played === undefined ? all : [...all, played];
}

/** The lab file that has mistakes: its next version is waited for. */
function labFileOf({ diagnostics }: InputError): string[] {
  return [...new Set(diagnostics.map(({ file }) => file))].filter(
    (file) => basename(file) === "lab.yaml",
  );
}

/** Folders are watched, not files: an editor may put a new file in the old one's place. */
function onChange(files: readonly string[], tell: () => void): { stop(): void } {
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  for (const [folder, names] of Map.groupBy(files, (file) => dirname(file))) {
    const known = new Set(names.map((file) => basename(file)));
    watchers.push(
      watch(folder, (_event, name) => {
        if (name === null || !known.has(name)) return;
        clearTimeout(timer);
        timer = setTimeout(tell, settleMs);
      }),
    );
  }
  return {
    stop() {
      clearTimeout(timer);
      for (const each of watchers) each.close();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
