import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { Exploration } from "../../explore/explore.ts";
import type { FaultOptions } from "../../explore/draw.ts";
import { nearest } from "../../input/nearest.ts";
import { terminalOutput } from "../../report/terminal/output.ts";
import { ExitStatus, UsageError, wholeNumber } from "../exit.ts";
import { ExplorationView, explorationJson, type Written } from "../exploration-text.ts";
import { endingSignal, writeNotes } from "../view.ts";

type SimulateOptions = {
  seeds: string;
  seed?: number;
  faults: string;
  each: string;
  over: string;
  lasting: string;
  heal: "some" | "all" | "none";
  threads?: string;
  shrink: boolean;
  report: string;
  json?: boolean;
};

const faultKinds = {
  links: "link",
  nodes: "node",
  agents: "agent",
  partitions: "partition",
} as const satisfies Record<string, FaultOptions["kinds"][number]>;

const defaults = { each: "3", over: "30s", lasting: "30s", heal: "some" } as const;
const allKinds = Object.keys(faultKinds).join(",");

export function registerSimulate(program: Command): void {
  program
    .command("simulate")
    .summary("look for faults that break a lab: a thousand courses of events in virtual time")
    .argument("<lab>", "a lab: `spinelab list` names them")
    .option("--seeds <a..b>", "the seeds to play, each another course of events", "1..1000")
    .option(
      "--seed <n>",
      "one seed alone, as a failure's replay line has it",
      wholeNumber("--seed"),
    )
    .option("--faults <kinds>", `what breaks: of ${allKinds}`, allKinds)
    .option("--each <n>", "faults of one seed", defaults.each)
    .option("--over <time>", "they begin within so long", defaults.over)
    .option("--lasting <time>", "one that heals lasts so long at most", defaults.lasting)
    .addOption(
      new Option("--heal <which>", "every second fault by chance, all, or none of them")
        .choices(["some", "all", "none"])
        .default(defaults.heal),
    )
    .option("--threads <n>", "play so many seeds at a time (default: one a processor)")
    .option("--no-shrink", "leave failing seeds as they were drawn")
    .option("--report <folder>", "where scenario files of failing seeds go", "reports")
    .option("--json", "the outcome as JSON")
    .addHelpText(
      "after",
      `
Each seed builds the lab in virtual time, breaks some things at some times, waits until routes are at
rest and looks at everything:

  reach      every pod reaches every pod that the links left allow
  loop       no packet goes in circles
  stale      no route points to nothing
  exchange   what one side of a session has sent, the other has
  session    no session is down between two that reach each other
  agent      every agent that was started again runs
  decision   no path is used where a better one is known
  rest       routes come to rest: where not, the circle of paths is told

Of seeds that fail alike the first is shrunk to the fewest faults at the simplest times and written as
a scenario, which fails in the same way when it is run. The same seed is the same course of events
each time. Ctrl-C ends it, and tells what was found by then.

  links       a cable is cut                    nodes       a machine loses its power
  agents      the BGP process is killed         partitions  a machine is cut off, its carriers stay

Examples:
  spinelab simulate rack-spine-dual
  spinelab simulate rack-spine-dual --seeds 1..100 --faults links,agents --each 1
  spinelab simulate rack-spine-dual --heal all
  spinelab simulate rack-spine-dual --seed 37               one seed again

Exit status: 0 no seed failed, 1 one did, 2 the input is wrong, 3 inconclusive: ended early, or
some seeds could not be played.`,
    )
    .action(async (lab: string, options: SimulateOptions) => {
      process.exitCode = await simulate(lab, options);
    });
}

async function simulate(name: string, options: SimulateOptions): Promise<number> {
  const { seeds, faults, threads } = readOptions(options);
  const { findLab, loadLab } = await import("../../lab/load.ts");
  const { explore } = await import("../../explore/explore.ts");
  const { scenario: _, ...source } = findLab(name);
  const { spec, notes } = loadLab(source, `spinelab simulate ${name}`, { kind: "sim" });
  const output = terminalOutput(process.stdout, process.env);
  if (!options.json) writeNotes(notes);
  const view = new ExplorationView(options.json ? undefined : output, { lab: name, seeds, faults });
  const signal = endingSignal();
  let found: Exploration;
  try {
    found = await explore({
      ...{ spec, seeds, faults, signal, shrinks: options.shrink },
      threads: Math.min(threads, seeds.to - seeds.from + 1),
      onProgress: (progress) => view.progress(progress),
    });
  } catch (error) {
    view.close();
    if (!signal.aborted) throw error;
    process.stderr.write(`${(signal.reason as Error).message} before the first seed was played\n`);
    return ExitStatus.inconclusive;
  }
  const folder = resolve(options.report, spec.name);
  const { scenarioText } = await import("../../explore/scenario-text.ts");
  const written = found.failures.map((failure): Written => {
    const { plan } = failure.smallest;
    const file = join(folder, `seed-${plan.seed}-${failure.invariant}.yaml`);
    const replay = `spinelab simulate ${name}${words(options)} --seed ${plan.seed}`;
    const run = `spinelab run ${name} --scenario ${relative("", file)} --runtime sim --seed ${plan.seed}`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      file,
      scenarioText({ fabric: spec.fabric, failing: failure.smallest, replay, run }),
    );
    return { failure, file, replay, run };
  });
  const asked = seeds.to - seeds.from + 1;
  const status = statusOf(found, asked);
  if (options.json) {
    const json = explorationJson(found, written, { lab: name, seeds, status });
    process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
  } else view.end(found, written, status);
  return status;
}

function statusOf({ failures, inconclusive, done }: Exploration, asked: number): number {
  if (failures.length > 0) return ExitStatus.failed;
  return inconclusive.length > 0 || done < asked ? ExitStatus.inconclusive : ExitStatus.passed;
}

/** The options that the same seed needs to be the same. */
function words(options: SimulateOptions): string {
  const given = [
    ...(options.faults === allKinds ? [] : [`--faults ${options.faults}`]),
    ...(["each", "over", "lasting", "heal"] as const).flatMap((option) =>
      options[option] === defaults[option] ? [] : [`--${option} ${options[option]}`],
    ),
  ];
  return given.map((word) => ` ${word}`).join("");
}

/** Throws UsageError with every mistake in them. */
function readOptions(options: SimulateOptions) {
  const mistakes: string[] = [];
  const read = <Value>(of: () => Value): Value | undefined => {
    try {
      return of();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      mistakes.push(error.message);
      return undefined;
    }
  };
  const { threads: written = String(availableParallelism()) } = options;
  const seeds = read(() => seedsOf(options));
  const kinds = read(() => kindsOf(options.faults));
  const count = read(() => whole(options.each, "--each", 0, 1000));
  const overMs = read(() => duration(options.over, "--over"));
  const lastingMsMax = read(() => duration(options.lasting, "--lasting"));
  const threads = read(() => whole(written, "--threads", 1, 256));
  if (mistakes.length > 0) throw new UsageError(mistakes.join("\n"));
  const faults: FaultOptions = {
    ...{ kinds: kinds!, count: count!, overMs: overMs!, lastingMsMax: lastingMsMax! },
    heal: options.heal,
  };
  return { seeds: seeds!, faults, threads: threads! };
}

function seedsOf({ seeds, seed }: SimulateOptions): { from: number; to: number } {
  if (seed !== undefined) return { from: seed, to: seed };
  const { from, to } = /^(?<from>\d{1,9})\.\.(?<to>\d{1,9})$/.exec(seeds)?.groups ?? {};
  const range = { from: Number(from), to: Number(to) };
  if (from === undefined || range.to < range.from) {
    throw new UsageError(`--seeds ${seeds}: expected A..B, for example 1..1000`);
  }
  return range;
}

function kindsOf(text: string): FaultOptions["kinds"] {
  const written = text.split(",").map((word) => word.trim());
  const unknown = written.filter((word) => !(word in faultKinds));
  if (unknown.length > 0) {
    const guess = nearest(unknown[0]!, Object.keys(faultKinds));
    const hint = guess === undefined ? `one or more of ${allKinds}` : `did you mean ${guess}?`;
    throw new UsageError(`--faults ${text}: no such kind: ${unknown.join(", ")}\n  hint: ${hint}`);
  }
  return written.map((word) => faultKinds[word as keyof typeof faultKinds]);
}

function whole(text: string, option: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(`${option} ${text}: expected a whole number from ${min} to ${max}`);
}

const unitMs = { ms: 1, s: 1000, m: 60_000 } as const;

function duration(text: string, option: string): number {
  const { number, unit } = /^(?<number>\d+(\.\d+)?)(?<unit>ms|s|m)$/.exec(text)?.groups ?? {};
  const ms = Number(number) * (unitMs[unit as keyof typeof unitMs] ?? Number.NaN);
  if (Number.isFinite(ms)) return ms;
  throw new UsageError(`${option} ${text}: expected a time with its unit, for example 30s`);
}
