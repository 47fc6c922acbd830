import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Lab } from "../../lab/lab.ts";
import { nearest } from "../../input/nearest.ts";
import { type Fabric, findNode } from "../../topology/fabric.ts";
import type { RuntimeChoice } from "../../lab/spec.ts";
import type { LoadedLab } from "../../lab/load.ts";
import type { Scenario, ScenarioEvent } from "../../scenario/schema/types.ts";
import type { TimelineRecord } from "../../timeline/record.ts";
import {
  type RuntimeOptions,
  runtimeChoice,
  runtimeWords,
  withRuntime,
} from "../runtime-options.ts";
import type { EvidenceFile as ReportFile } from "../../report/write.ts";
import { takenOver } from "../evidence.ts";
import { ExitStatus, statusOf, UsageError, wholeNumber } from "../exit.ts";
import { planText } from "../plan-text.ts";
import { concludeBrokenOff, InterruptedError } from "../../lab/broken-off.ts";
import { createView, endingSignal, writeNotes } from "../view.ts";

type RunOptions = RuntimeOptions & {
  scenario?: string;
  keep?: boolean;
  dryRun?: boolean;
  step?: boolean;
  breakOnFailure?: boolean;
  capture?: string[];
  repeat: number;
  seed?: number;
  report: string;
  name?: string;
  json?: boolean;
};

export function registerRun(program: Command): void {
  withRuntime(program.command("run"))
    .summary("deploy a lab, play its scenario, report, take it down")
    .argument("<name>", "a lab: `spinelab list` names them")
    .option("--scenario <file>", "another scenario than the lab's own")
    .option("--dry-run", "print what would be built, done and expected; create nothing")
    .option("--keep", "leave the lab up afterwards")
    .option("--step", "ask before each step: Enter goes on, q ends")
    .option("--break-on-failure", "stop at the first failure, leave the lab up, open a shell")
    .option(
      "--repeat <n>",
      "play it so many times, each on a fresh lab",
      wholeNumber("--repeat", 1),
      1,
    )
    .option("--seed <n>", "draw by this what is left to chance", wholeNumber("--seed"))
    .option("--capture <node:if...>", "keep the packets on these interfaces, in evidence/captures")
    .option("--report <folder>", "where reports go", "reports")
    .option("--name <name>", "the lab's name on this machine, to run two of a kind")
    .option("--json", "the timeline as lines of JSON")
    .addHelpText(
      "after",
      `
Examples:
  spinelab run rack-spine                            what CI does
  spinelab run rack-spine --dry-run                  the plan: nodes, commands, steps
  spinelab run rack-spine --step                     one step at a time, to look in between
  spinelab run rack-spine --break-on-failure         stop where it fails, with a shell
  spinelab run rack-spine --scenario mine.yaml       the same fabric, another story

The reports are in reports/NAME: report.html for people, junit.xml for CI, timeline.jsonl with
everything that happened, and evidence/ where it failed.`,
    )
    .action(async (name: string, options: RunOptions) => {
      process.exitCode = await run(name, options);
    });
}

/** The lab with the scenario that is to be played on it. */
export async function loadRun(
  name: string,
  options: Pick<RunOptions, "scenario" | "name" | "capture">,
  runtime: RuntimeChoice,
): Promise<{ loaded: LoadedLab; scenario: string }> {
  const { findLab, loadLab } = await import("../../lab/load.ts");
  const { capturesOf } = await import("../../lab/captures.ts");
  const file = findLab(name);
  const scenario = options.scenario === undefined ? file.scenario : resolve(options.scenario);
  if (scenario === undefined) {
    throw new UsageError(
      `lab ${name} has no scenario\n  hint: give one with --scenario, or use up`,
    );
  }
  const { scenario: _own, ...source } = file;
  const loaded = loadLab(
    { ...source, name: options.name ?? file.name, scenario },
    `spinelab run ${name}${options.scenario ? ` --scenario ${options.scenario}` : ""}${runtimeWords(runtime)}`,
    runtime,
  );
  writeNotes(loaded.notes);
  const { fabric } = loaded.spec;
  const asked = (options.capture ?? []).map((end) => interfaceOf(fabric, end));
  const captures = [...new Set([...asked, ...capturesOf(fabric, loaded.scenario!)])];
  return { loaded: { ...loaded, spec: { ...loaded.spec, captures } }, scenario };
}

/** `NODE:INTERFACE`, of the node by its own name. */
function interfaceOf(fabric: Fabric, written: string): string {
  const [node = "", name] = written.split(":");
  const found = findNode(fabric, node);
  if (found !== undefined && name !== undefined && name !== "") return `${found.name}:${name}`;
  const ends = fabric.links.flatMap(({ endpoints }) => endpoints);
  const known = ends.map((end) => `${end.node}:${end.interface}`);
  const guess = nearest(written, known);
  throw new UsageError(
    `--capture ${written}: expected NODE:INTERFACE of the lab\n  hint: ${guess === undefined ? `such as ${known[0] ?? "tor0:net0"}` : `did you mean ${guess}?`}`,
  );
}

async function run(name: string, options: RunOptions): Promise<number> {
  const { loaded, scenario } = await loadRun(name, options, runtimeChoice(options));
  if (options.dryRun) {
    const { planOf } = await import("../../lab/plan.ts");
    const plan = planOf(loaded);
    process.stdout.write(options.json ? `${JSON.stringify(plan, undefined, 2)}\n` : planText(plan));
    return ExitStatus.passed;
  }
  const { sweepStaleLabs } = await import("../../lab/sweep.ts");
  for (const line of await sweepStaleLabs()) process.stderr.write(`${line}\n`);
  if (options.keep || options.step || options.breakOnFailure) {
    const { runAndLook } = await import("./up.ts");
    return runAndLook(loaded, scenario, options);
  }
  const isSimulated = loaded.spec.runtime.kind === "sim";
  const signal = endingSignal();
  let status: number = ExitStatus.passed;
  // A simulated run is the same each time, unless it is asked to be another.
  const first = options.seed ?? (isSimulated ? 1 : randomInt(seedMax));
  const runs: (readonly TimelineRecord[])[] = [];
  const note = (one: number) => {
    // Failed is worse than inconclusive.
    if (one === ExitStatus.failed || status === ExitStatus.passed) status = one;
  };
  for (let n = 0; n < options.repeat && !signal.aborted; n++) {
    const seed = first + n;
    const { replay } = loaded.spec;
    const spec = { ...loaded.spec, seed, replay: `${replay} --seed ${seed}` };
    const isDrawn = isSimulated || usesChance(loaded.scenario!);
    const drawn = isDrawn ? spec : { ...loaded.spec, seed };
    const one = await runOnce({ ...loaded, spec: drawn }, options, signal, runs);
    note(one);
  }
  if (runs.length > 1) note(await tellSpread(runs, loaded, options));
  return status;
}

/** What the runs measured, how far it is apart, and whether that is within the scenario's limits. */
async function tellSpread(
  runs: readonly (readonly TimelineRecord[])[],
  { scenario, spec }: LoadedLab,
  options: RunOptions,
): Promise<number> {
  const { holdLimits, spreadOf, spreadText } = await import("../../report/spread.ts");
  const spreads = spreadOf(runs);
  const results = holdLimits(spreads, scenario!.spread);
  const { writeSpread } = await import("../../report/write.ts");
  const folder = resolve(options.report, spec.name);
  await writeSpread(folder, runs.at(-1)!, { runs: runs.length, spreads, results });
  // With --json standard output is the timelines' alone.
  if (!options.json)
    process.stdout.write(spreadText(spreads, results, runs.length, process.stdout.columns ?? 100));
  const verdicts = results.map(({ verdict }) => statusOf(verdict));
  if (verdicts.includes(ExitStatus.failed)) return ExitStatus.failed;
  return verdicts.find((each) => each !== ExitStatus.passed) ?? ExitStatus.passed;
}

/** Deploys, plays, reports and takes down. Adds what happened to `timelines`. */
export async function runOnce(
  loaded: LoadedLab,
  options: Pick<RunOptions, "report" | "json">,
  signal: AbortSignal,
  timelines: (readonly TimelineRecord[])[],
): Promise<number> {
  const { Lab } = await import("../../lab/lab.ts");
  const { writeReports } = await import("../../report/write.ts");
  const view = createView(options.json);
  const beganMs = performance.now();
  let status: number;
  let lab: Lab | undefined;
  let evidence: ReportFile[] | undefined;
  try {
    lab = await Lab.open(loaded.spec, { sinks: [view.write], scenario: loaded.scenario });
    await lab.up(signal);
    status = statusOf(await lab.play(loaded.scenario!, signal));
    evidence = takenOver(
      await (status === ExitStatus.passed ? lab.captures.take() : lab.evidence()),
    );
  } catch (error) {
    if (lab === undefined) {
      view.close();
      throw error;
    }
    if (!(error instanceof InterruptedError)) evidence = takenOver(await lab.evidence());
    status = statusOf(concludeBrokenOff(lab, error as Error));
  }
  const folder = resolve(options.report, loaded.spec.name);
  try {
    await lab.down();
  } finally {
    await writeReports(folder, lab.records, evidence);
    view.close({ reports: [folder], tookRealMs: performance.now() - beganMs });
    timelines.push(lab.records);
  }
  return status;
}

/** Of a seed that is drawn: short enough to type. */
const seedMax = 1_000_000;

function usesChance({ steps }: Scenario): boolean {
  const draws = (event: ScenarioEvent): boolean =>
    event.kind === "chaos" || (event.kind === "together" && event.events.some(draws));
  return steps.some(({ events }) => events.some(draws));
}
