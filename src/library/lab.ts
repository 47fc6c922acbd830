import { resolve } from "node:path";
import { stringify } from "yaml";
import { validateResource } from "../cilium/schema/validate.ts";
import { InputError } from "../input/diagnostic.ts";
import { concludeBrokenOff } from "../lab/broken-off.ts";
import { examine, type Finding } from "../lab/doctor.ts";
import { Lab } from "../lab/lab.ts";
import { findLab, type LoadedLab, loadLab } from "../lab/load.ts";
import { objectsNow } from "../lab/objects-now.ts";
import { writeReports } from "../report/write.ts";
import type { ExecResult } from "../runtime/port.ts";
import { resolvePlace } from "../scenario/resolve.ts";
import { runScenario } from "../scenario/run.ts";
import { readScenarioText } from "../scenario/schema/read.ts";
import type { Sink } from "../timeline/log.ts";
import type { RecordBody, TimelineRecord, Verdict } from "../timeline/record.ts";
import type { Manifest } from "../topology/manifests.ts";
import { parseReference } from "../topology/references.ts";
import type { CheckInput, EventInput, StepInput } from "./scenario-types.ts";

export type { CheckInput, EventInput, StepInput } from "./scenario-types.ts";
export type { Finding } from "../lab/doctor.ts";
export type { RecordBody, TimelineRecord, Verdict } from "../timeline/record.ts";

/** The files of a lab that has no folder of its own. Paths are relative to the current directory. */
export type LabFiles = { topology: string; clusters?: string[]; manifests?: string[] };

export type LabOptions = {
  /** On this machine; else the lab's own with the number of this process. */
  name?: string;
  /** Where the reports of what was done go, as `run` writes them; else none are written. */
  report?: string;
  /** Told of every record as it is made. */
  onRecord?: Sink;
};

/** What became of a step: its records, and the figures of its end. */
export type StepResult = {
  verdict: Verdict;
  /** Why it did not pass. */
  reason?: string;
  /** From the first event to the last change of a route. Undefined without events, or changes. */
  convergeMs?: number;
  checks: Extract<TimelineRecord, { type: "check" }>[];
  outages: Extract<TimelineRecord, { type: "outage" }>[];
};

/**
 * A lab, deployed and ready: by name or by its files. It lives in this process, and ends with it.
 * Throws InputError with every mistake in its files, EnvironmentError where the machine cannot.
 */
export async function lab(
  source: string | LabFiles,
  options: LabOptions = {},
): Promise<RunningLab> {
  const loaded = load(source, options.name);
  const opened = await Lab.open(loaded.spec, {
    sinks: options.onRecord === undefined ? [] : [options.onRecord],
  });
  const running = new RunningLab(opened, options);
  try {
    await opened.up(running.signal);
  } catch (error) {
    concludeBrokenOff(opened, error as Error);
    await takenDown(opened, options.report);
    throw error;
  }
  return running;
}

function load(source: string | LabFiles, name: string | undefined): LoadedLab {
  if (typeof source === "string") {
    const { scenario: _played, ...file } = findLab(source);
    return loadLab({ ...file, name: name ?? `${file.name}-${process.pid}` }, `lab("${source}")`);
  }
  const { topology, clusters = [], manifests = [] } = source;
  return loadLab(
    {
      topology: resolve(topology),
      clusters: clusters.map((file) => resolve(file)),
      manifests: manifests.map((file) => resolve(file)),
      name,
    },
    `lab("${topology}")`,
  );
}

/** A lab that is up. `await using` takes it down, whatever happens. */
export class RunningLab implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #report: string | undefined;
  readonly #ending = new AbortController();
  #steps = 0;
  #worst: Verdict = "pass";
  /** Of the last step that had events: what `toConvergeWithin` looks at. */
  lastEvents: StepResult | undefined;

  constructor(of: Lab, options: LabOptions) {
    this.#lab = of;
    this.#report = options.report;
  }

  /** As other commands call it: `spinelab inspect NAME` while a test stands still. */
  get name(): string {
    return this.#lab.spec.name;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Everything that happened so far. */
  get records(): readonly TimelineRecord[] {
    return this.#lab.records;
  }

  /** A node, or a pod written `APP@NODE`: something to expect of. */
  at(place: string): LabPlace {
    const found = parseReference(place, ["node", "pod"]);
    if ("message" in found) throw new TypeError(`${place}: ${found.message}`);
    return new LabPlace(this, place);
  }

  /** Does events, one after the other. Rejects where one fails. */
  async do(...events: EventInput[]): Promise<StepResult> {
    const result = await this.step({ do: events });
    if (result.verdict !== "pass") throw new StepError(result);
    return result;
  }

  /** Waits until every check holds at once. Rejects with what was seen last where they do not. */
  async expect(checks: CheckInput | CheckInput[], within = "10s"): Promise<StepResult> {
    const result = await this.step({ expect: checks, within });
    if (result.verdict !== "pass") throw new StepError(result);
    return result;
  }

  /** A step as a scenario has it, judged; a check that fails is a verdict, not an error. */
  async step(input: StepInput): Promise<StepResult> {
    const index = this.#steps++;
    const { fabric, manifests } = this.#lab.spec;
    const context = this.#lab.context(this.signal);
    const objects = await objectsNow(context.kube, manifests);
    const name = input.name ?? `step ${index + 1}`;
    const text = stringify({ name, steps: [{ ...input, name }] });
    const read = readScenarioText(text, name, validateResource, {
      fabric,
      manifests: objects as Manifest[],
      isUp: true,
    });
    if ("diagnostics" in read) throw new InputError(read.diagnostics);
    const began = this.records.length;
    const outcome = await runScenario(
      { ...context, recorder: (body) => this.#lab.record(numbered(body, index)) },
      read.scenario,
    );
    const result = resultOf(outcome, this.records.slice(began));
    if (input.do !== undefined) this.lastEvents = result;
    this.#note(result.verdict);
    return result;
  }

  /** Runs a command in a node or pod to its end; a status other than 0 is a result. */
  async exec(place: string, argv: readonly string[]): Promise<ExecResult> {
    const found = parseReference(place, ["node", "pod"]);
    if ("message" in found) throw new TypeError(`${place}: ${found.message}`);
    const context = this.#lab.context(this.signal);
    return await context.runtime.exec(await resolvePlace(context, found.reference), argv);
  }

  /** What is wrong in the lab, and why: nothing where all is well. */
  async doctor(): Promise<Finding[]> {
    return await examine(this.#lab.context(this.signal), {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error("the lab is taken down"));
    this.#lab.conclude(this.#worst);
    await takenDown(this.#lab, this.#report);
  }

  #note(verdict: Verdict): void {
    const order: Verdict[] = ["pass", "warn", "inconclusive", "fail"];
    if (order.indexOf(verdict) > order.indexOf(this.#worst)) this.#worst = verdict;
  }
}

async function takenDown(of: Lab, report: string | undefined): Promise<void> {
  await of.down();
  if (report !== undefined) await writeReports(resolve(report), of.records);
}

/** A node or pod of a lab that is up. */
export class LabPlace {
  readonly lab: RunningLab;
  /** As references write it: `tor0`, `netshoot@kind-worker`. */
  readonly name: string;

  constructor(of: RunningLab, name: string) {
    this.lab = of;
    this.name = name;
  }

  exec(...argv: string[]): Promise<ExecResult> {
    return this.lab.exec(this.name, argv);
  }
}

/** A step did not pass where it had to. */
export class StepError extends Error {
  override readonly name = "StepError";
  readonly result: StepResult;
  constructor(result: StepResult) {
    super(explain(result));
    this.result = result;
  }
}

/** Why a step did not pass, in lines: each check with what was expected, seen, and since when. */
export function explain({ verdict, reason, checks }: StepResult): string {
  const bad = checks.filter((check) => check.verdict !== "pass");
  return [
    `${verdict}${reason === undefined ? "" : `: ${reason}`}`,
    ...bad.flatMap(({ text, expected, seen, differs, looks, tookMs }) => [
      text,
      `  expected  ${expected}`,
      `  seen      ${seen}`,
      ...(differs === undefined ? [] : [`  differs   ${differs}`]),
      `  looked ${looks} times in ${Math.round(tookMs)} ms`,
    ]),
  ].join("\n");
}

/** Each step is a run of its own beneath; in the lab's timeline they follow each other. */
function numbered(body: RecordBody, index: number): RecordBody {
  if (body.type === "step") return { ...body, index };
  if ("step" in body && body.step !== undefined) return { ...body, step: index };
  return body;
}

function resultOf(
  outcome: { verdict: Verdict; reason?: string },
  records: readonly TimelineRecord[],
): StepResult {
  const end = records.findLast((record) => record.type === "step" && record.state === "end");
  const convergeMs = end !== undefined && "convergeMs" in end ? end.convergeMs : undefined;
  return {
    verdict: outcome.verdict,
    ...(outcome.reason !== undefined && { reason: outcome.reason }),
    ...(convergeMs !== undefined && { convergeMs }),
    checks: records.filter((record) => record.type === "check"),
    outages: records.filter((record) => record.type === "outage"),
  };
}
