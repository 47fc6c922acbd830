import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { askControl, ControlError } from "../../lab/control.ts";
import type { LoadedLab } from "../../lab/load.ts";
import type { LabSpec } from "../../lab/spec.ts";
import {
  controlSocket,
  LabExistsError,
  labNames,
  type LabState,
  readState,
} from "../../lab/state-folder.ts";
import { takeDown } from "../../lab/take-down.ts";
import type { TimelineRecord } from "../../timeline/record.ts";
import { type RuntimeOptions, runtimeChoice, withRuntime } from "../runtime-options.ts";
import { ExitStatus, explain, UsageError } from "../exit.ts";
import { hostShell } from "../host-shell.ts";
import { createView, endingSignal, writeNotes } from "../view.ts";
import { waysToLook } from "../stepping.ts";
import { playOn } from "./play.ts";

type UpOptions = RuntimeOptions & {
  topology?: string;
  cluster: string[];
  manifests: string[];
  name?: string;
  json?: boolean;
};

export function registerUp(program: Command): void {
  withRuntime(program.command("up"))
    .summary("deploy a lab and leave it running")
    .argument("[lab]", "a lab: `spinelab list` names them")
    .option("-t, --topology <file>", "a containerlab topology, instead of a lab")
    .option("-c, --cluster <file>", "a kind cluster file (repeat for several)", several, [])
    .option("-m, --manifests <file>", "Kubernetes manifests (repeat for several)", several, [])
    .option("--name <name>", "the lab's name on this machine, to run two of a kind")
    .option("--json", "the timeline as lines of JSON")
    .addHelpText(
      "after",
      `
Examples:
  spinelab up rack-spine
  spinelab up --topology bgp-topo.yaml --cluster cluster.yaml --manifests bgp.yaml`,
    )
    .action(async (name: string | undefined, options: UpOptions) => {
      const { findLab, loadLab } = await import("../../lab/load.ts");
      if ((name === undefined) === (options.topology === undefined)) {
        throw new UsageError(
          "expected a lab's name, or --topology\n  hint: spinelab up rack-spine",
        );
      }
      const file = name === undefined ? undefined : findLab(name);
      const loaded = loadLab(
        {
          topology: file?.topology ?? resolve(options.topology!),
          clusters: file?.clusters ?? options.cluster.map((each) => resolve(each)),
          manifests: [
            ...(file?.manifests ?? []),
            ...options.manifests.map((each) => resolve(each)),
          ],
          name: options.name ?? file?.name,
          ...(file === undefined ? {} : { allowFailure: file.allowFailure }),
          installRoutes: file?.installRoutes === true,
          stopped: file?.stopped ?? [],
          observe: file?.observe ?? [],
        },
        `spinelab up ${process.argv.slice(3).join(" ")}`,
        runtimeChoice(options),
      );
      writeNotes(loaded.notes);
      const { sweepStaleLabs } = await import("../../lab/sweep.ts");
      for (const line of await sweepStaleLabs()) process.stderr.write(`${line}\n`);
      process.exitCode = await up(loaded, options);
      if (process.exitCode !== ExitStatus.passed || loaded.spec.runtime.kind !== "sim") return;
      const gone = await askControl(controlSocket(loaded.spec.name), { do: "settle" });
      // None where somebody plays on it already.
      if (!options.json && typeof gone === "string") process.stdout.write(`  ${gone}\n`);
    });
}

/** Builds the lab in a process of its own and shows how it goes. */
async function up(loaded: LoadedLab, options: { json?: boolean }): Promise<number> {
  const { checkRuntime } = await import("../../lab/backends.ts");
  const { startSupervisor, SupervisorError } = await import("../../lab/supervisor.ts");
  const { name } = loaded.spec;
  checkRuntime(loaded.spec);
  if (labNames().includes(name)) throw new LabExistsError(name);
  const signal = endingSignal();
  const view = createView(options.json);
  try {
    await startSupervisor(loaded.spec);
    await askControl(
      controlSocket(name),
      { do: "awaitUp" },
      { onLine: (line) => view.write(line as TimelineRecord), signal },
    );
  } catch (error) {
    view.close();
    // Before there was a lab: one of that name is another's.
    if (error instanceof SupervisorError) {
      process.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    if (signal.aborted) {
      const state = readState(name);
      if (typeof state === "object") await takeDown(state);
      process.stderr.write(`interrupted: lab ${name} was taken down\n`);
      return ExitStatus.inconclusive;
    }
    const state = readState(name);
    if (typeof state !== "object" || state.phase === "going down") {
      process.stderr.write(`lab ${name} was taken down: ${(error as Error).message}\n`);
      return ExitStatus.inconclusive;
    }
    const isLeft = labNames().includes(name);
    if (isLeft && (error instanceof ControlError || error instanceof EnvironmentError)) {
      const status = explain(error, process.stderr);
      process.stderr.write(
        `lab ${name} failed; it is left for a look: spinelab inspect ${name}, spinelab down ${name}\n`,
      );
      return status;
    }
    throw error;
  }
  view.close();
  if (!options.json) {
    process.stdout.write(
      `lab ${name} is up\n  spinelab inspect · spinelab bgp peers · spinelab shell NODE · spinelab down\n`,
    );
  }
  return ExitStatus.passed;
}

type OnRunningLab = {
  keep?: boolean;
  step?: boolean;
  breakOnFailure?: boolean;
  json?: boolean;
  report: string;
};

/**
 * `run` with `--keep`, `--step` or `--break-on-failure`: the lab has a process of its own, so that
 * other terminals can look at it. Without `--keep` it goes, at a failure once one has looked at it.
 */
export async function runAndLook(
  loaded: LoadedLab,
  scenario: string,
  options: OnRunningLab,
): Promise<number> {
  const { name } = loaded.spec;
  const interrupted = endingSignal();
  const status = await upAndPlay(loaded, scenario, options);
  if (options.keep || typeof readState(name) !== "object") return status;
  if (status !== ExitStatus.passed && options.breakOnFailure && !interrupted.aborted) {
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
    const left = isTerminal ? "" : ", and there is no terminal for a shell: it stays up";
    process.stderr.write(`lab ${name} is left as it failed${left}\n${waysToLook(name)}`);
    if (!isTerminal) return status;
    process.stderr.write("a shell: `spinelab` and `kubectl` mean this lab, which goes with it\n");
    await hostShell(name);
    process.stderr.write(`taking lab ${name} down\n`);
  }
  const state = readState(name);
  if (typeof state === "object") await takeDown(state);
  return status;
}

/** `run --keep`: as `up`, then `play`. A lab of the same files that an earlier one left is played on. */
async function upAndPlay(
  loaded: LoadedLab,
  scenario: string,
  options: OnRunningLab,
): Promise<number> {
  const { name } = loaded.spec;
  const kept = readState(name);
  if (typeof kept === "object" && kept.phase === "up" && isMadeOf(kept, loaded.spec)) {
    process.stderr.write(`lab ${name} is up from before: the scenario is played on it\n`);
    return playOn(name, scenario, options);
  }
  const status = await up(loaded, options);
  return status === ExitStatus.passed ? playOn(loaded.spec.name, scenario, options) : status;
}

function isMadeOf(state: LabState, { fabric, manifests, runtime }: LabSpec): boolean {
  // As it is written: what is undefined there is not there here.
  const written = JSON.parse(JSON.stringify({ fabric, manifests, runtime })) as object;
  const { fabric: itsFabric, manifests: itsManifests, runtime: itsRuntime } = state;
  return isDeepStrictEqual(
    { fabric: itsFabric, manifests: itsManifests, runtime: itsRuntime },
    written,
  );
}

function several(value: string, before: string[]): string[] {
  return [...before, value];
}
