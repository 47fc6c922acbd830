import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { EnvironmentError, InputError } from "../../input/diagnostic.ts";
import { InterruptedError } from "../../lab/broken-off.ts";
import type { LoadedLab } from "../../lab/load.ts";
import type { Scenario, ScenarioEvent } from "../../scenario/schema/types.ts";
import type { LabFile } from "../../topology/lab-file.ts";
import { ExitStatus, explain, UsageError } from "../exit.ts";
import { endingSignal } from "../view.ts";
import { loadRun, runOnce } from "./run.ts";

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
  const { sweepStaleLabs } = await import("../../lab/sweep.ts");
  for (const line of await sweepStaleLabs()) process.stderr.write(`${line}\n`);
  const ending = endingSignal();
  let status: number = ExitStatus.passed;
  for (;;) {
    // Made anew each time: the lab file may name other files now.
    using files = new WatchedFiles();
    try {
      status = await playUnlessChanged(name, options, files, ending);
    } catch (error) {
      if (!isTheUsers(error)) throw error;
      // What the next change may mend is told and waited for.
      status = explain(error, process.stderr);
      if (error instanceof InputError) files.add(error.diagnostics.map(({ file }) => file));
      // There is no lab of this name, and so no file that could change.
      if (files.count === 0) return status;
    }
    const next = AbortSignal.any([ending, files.changed]);
    if (!next.aborted) {
      const what = files.count === 1 ? "1 file" : `${files.count} files`;
      process.stderr.write(`watching ${what}; Ctrl-C ends\n`);
      await aborted(next);
    }
    if (ending.aborted) return status;
    process.stderr.write(`\n${relative("", files.firstChanged)} changed: played anew\n`);
  }
}

async function playUnlessChanged(
  name: string,
  options: WatchOptions,
  files: WatchedFiles,
  ending: AbortSignal,
): Promise<number> {
  const { findLab } = await import("../../lab/load.ts");
  files.add(filesOf(findLab(name), options.scenario));
  const { loaded } = await loadRun(name, options, { kind: "netns" });
  files.add(filesWithin(loaded));
  return await runOnce(loaded, options, AbortSignal.any([ending, files.changed]), []);
}

function isTheUsers(error: unknown): boolean {
  return (
    error instanceof InputError || error instanceof UsageError || error instanceof EnvironmentError
  );
}

function filesOf(file: LabFile, scenario: string | undefined): string[] {
  const played = scenario === undefined ? file.scenario : resolve(scenario);
  const all = [file.file, file.topology, ...file.clusters, ...file.manifests];
  return played === undefined ? all : [...all, played];
}

/** What the files of a lab name in their turn: manifests that the scenario applies, files that nodes see. */
function filesWithin({ scenario, spec }: LoadedLab): string[] {
  const binds = spec.fabric.nodes.flatMap((node) => node.binds.map(({ source }) => source));
  return [...(scenario === undefined ? [] : appliedFiles(scenario)), ...binds];
}

function appliedFiles({ steps }: Scenario): string[] {
  const filesOfEvent = (event: ScenarioEvent): string[] => {
    if (event.kind === "together") return event.events.flatMap(filesOfEvent);
    if (event.kind !== "apply") return [];
    return event.manifests.map(({ source }) => source.replace(/:\d+$/, ""));
  };
  return steps.flatMap(({ events }) => events.flatMap(filesOfEvent));
}

/** Tells once when one of its files changes. */
class WatchedFiles implements Disposable {
  readonly #changed = new AbortController();
  readonly #files = new Set<string>();
  /** Of folders, not of files: an editor may put a new file in the old one's place. */
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #first = "";

  get changed(): AbortSignal {
    return this.#changed.signal;
  }

  get count(): number {
    return this.#files.size;
  }

  /** What changed, once something has. */
  get firstChanged(): string {
    return this.#first;
  }

  /** Those whose folder is there. What is no path, as the name of a lab in a mistake, is left out. */
  add(files: readonly string[]): void {
    for (const file of files.filter((each) => isAbsolute(each))) {
      const folder = dirname(file);
      if (!this.#watchers.has(folder) && !this.#watch(folder)) continue;
      this.#files.add(file);
    }
  }

  #watch(folder: string): boolean {
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name !== null) this.#note(join(folder, name));
      });
      this.#watchers.set(folder, watcher);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  #note(file: string): void {
    if (!this.#files.has(file)) return;
    if (this.#first === "") this.#first = file;
    clearTimeout(this.#timer);
    const tell = () =>
      this.#changed.abort(new InterruptedError(`interrupted (${basename(file)} changed)`));
    this.#timer = setTimeout(tell, settleMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const each of this.#watchers.values()) each.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
