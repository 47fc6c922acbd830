import { formatDuration } from "../report/duration.ts";
import type { TerminalOutput } from "../report/terminal/output.ts";
import { type Line, printLine, span } from "../report/terminal/text.ts";
import type { ScaleOutcome, ScaleStage } from "../sim/scale/scale-run.ts";
import type { LeafSpine } from "../topology/leaf-spine/parameters.ts";
import { here } from "./here.ts";

/** What a user has written, which is the same for every size: files and their bytes. */
export type WrittenFile = { file: string; bytes: number };

const eraseLine = "\r\u001B[K";

/** A run over a generated fabric as a person reads it, stage by stage. */
export class ScaleText {
  readonly #output: TerminalOutput | undefined;

  /** Undefined: nothing is printed. */
  constructor(output: TerminalOutput | undefined) {
    this.#output = output;
  }

  begin(fabric: LeafSpine, services: number, written: readonly WrittenFile[]): void {
    this.#print(span(fabricText(fabric, services), "bold"));
    this.#print(span(writtenText(written), "dim"));
  }

  beginStage({ name, what }: Pick<ScaleStage, "name" | "what">): void {
    this.#print();
    this.#print(span(`${name}: `, "bold"), span(what));
  }

  /** On a terminal: how far the stage is. */
  progress({ virtualMs, routes }: { virtualMs: number; routes: number }): void {
    const text = `  ${formatDuration(virtualMs)} of virtual time, ${whole(routes)} routes exchanged`;
    if (this.#output?.isTty) this.#output.stream.write(`${eraseLine}${text}`);
  }

  stage(stage: ScaleStage): void {
    if (this.#output?.isTty) this.#output.stream.write(eraseLine);
    const text = restText(stage);
    const color = { "at rest": "green", interrupted: "yellow", "not at rest": "red" } as const;
    this.#print(
      span("  "),
      span(text, color[text]),
      span(lastChangeText(stage)),
      span(`  (simulated in ${formatDuration(stage.realMs)})`, "dim"),
    );
    for (const [name, value] of stageFigures(stage)) {
      this.#print(span(`  ${name.padEnd(10)}`, "dim"), span(value));
    }
  }

  end(outcome: ScaleOutcome, files: readonly string[]): void {
    this.#print();
    if (!outcome.isWhole) {
      this.#print(span("ended early: the stages above are what was found", "yellow"));
    }
    for (const line of totalLines(outcome)) this.#print(span(line));
    for (const file of files) this.#print(span(`report: ${here(file)}`));
  }

  #print(...line: Line): void {
    const output = this.#output;
    output?.stream.write(`${printLine(line, output)}\n`);
  }
}

/** To be read after how it ended. */
export function lastChangeText({ isAtRest, convergenceMs }: ScaleStage): string {
  const later = `${formatDuration(convergenceMs)} later`;
  return isAtRest ? ` ${later}` : `; a router last forwarded otherwise ${later}`;
}

/** How a stage ended. */
export function restText({ isAtRest, restless }: ScaleStage) {
  if (isAtRest) return "at rest";
  return restless.length > 0 ? "not at rest" : "interrupted";
}

/** `30,000 nodes in 750 racks of 40; each ToR has 2 uplinks to 4 spines; 2 superspines; 1 Service`. */
export function fabricText(fabric: LeafSpine, services: number): string {
  const { racks, nodesPerRack, uplinks, spines, superspines } = fabric;
  return [
    `${counted(racks * nodesPerRack, "node")} in ${counted(racks, "rack")} of ${nodesPerRack}`,
    `each ToR has ${counted(uplinks, "uplink")} to ${counted(spines, "spine")}`,
    counted(superspines, "superspine"),
    counted(services, "Service"),
  ].join("; ");
}

/** `written for it, as for a fabric of any size: bgp.yaml (1,160 bytes), leaf-spine.yaml (274 bytes)`. */
export function writtenText(written: readonly WrittenFile[]): string {
  const files = written.map(({ file, bytes }) => `${here(file)} (${whole(bytes)} bytes)`);
  return `written for it, as for a fabric of any size: ${files.join(", ")}`;
}

/** What the run cost, all stages together. */
export function totalLines(outcome: ScaleOutcome): string[] {
  const { stages, isWhole, cpuSeconds, peakMemoryBytes } = outcome;
  const total = (of: (stage: ScaleStage) => number) =>
    stages.reduce((sum, one) => sum + of(one), 0);
  const routes = total(({ announced, withdrawn }) => announced + withdrawn);
  // Of a run that has hardly begun it is the start's.
  const cost =
    !isWhole || routes === 0 ? "" : `: ${((cpuSeconds * 1e6) / routes).toFixed(1)} µs a route`;
  return [
    `in all ${whole(routes)} routes in ${whole(total(({ updates }) => updates))} UPDATEs of ` +
      `${bytesText(total(({ updateBytes }) => updateBytes))}, ` +
      `${formatDuration(cpuSeconds * 1000)} of CPU time${cost}`,
    `memory at most ${bytesText(peakMemoryBytes)}`,
  ];
}

/** Of the routers that do not come to rest, so many are named. */
const restlessMax = 10;

/** What a stage came to, as names and text. */
export function stageFigures(stage: ScaleStage): [name: string, value: string][] {
  const { sessions, paths, updates, updateBytes, memoryBytes, flows, restless } = stage;
  const figures: [string, string][] = [];
  if (restless.length > 0) {
    const more = restless.length > restlessMax ? ` and ${restless.length - restlessMax} more` : "";
    figures.push([
      "no rest",
      "ten minutes after it began routes still change, at the end those of " +
        `${restless.slice(0, restlessMax).join(", ")}${more}`,
    ]);
  }
  figures.push(
    ["sessions", `${whole(sessions)} established`],
    ["paths", `${whole(paths)} in the routers' tables`],
    ["updates", `${whole(updates)} messages, ${bytesText(updateBytes)}`],
    ["routes", routesText(stage)],
    ["memory", bytesText(memoryBytes)],
  );
  if (flows === undefined) return figures;
  const { interrupted, outageMs, lost, rerouted, hopsBefore, hopsAfter, example } = flows;
  figures.push([
    "outage",
    interrupted === 0
      ? `none of ${counted(flows.flows, "flow")} between pods was interrupted`
      : `${whole(interrupted)} of ${counted(flows.flows, "flow")} between pods were interrupted, ` +
        `for ${formatDuration(outageMs.median)} (median), ${formatDuration(outageMs.longest)} at most`,
  ]);
  if (lost > 0) figures.push(["lost", `${counted(lost, "flow")} have no way any more`]);
  figures.push([
    "ways",
    `${whole(rerouted)} go another way; ${hopsBefore.toFixed(2)} routers on the way before, ` +
      `${hopsAfter.toFixed(2)} after`,
  ]);
  if (example !== undefined) {
    const { from, to, before, after } = example;
    figures.push(["for one", `${from} to ${to}: ${before.join(" ")}, then ${after.join(" ")}`]);
  }
  return figures;
}

/**
 * RFC 4271 §3.1: a route ends by WITHDRAWN ROUTES, by another one for the same prefix, or with its session. Where
 * there is another way to everything it is the second and the third.
 */
function routesText({ name, announced, withdrawn }: ScaleStage): string {
  const text = `${whole(announced)} announced, ${whole(withdrawn)} withdrawn`;
  if (name !== "loss" || withdrawn > 0 || announced === 0) return text;
  return `${text}: who has another way announces it in the place of the lost one`;
}

export function bytesText(bytes: number): string {
  if (bytes < 2 ** 20) return `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return bytes < 2 ** 30
    ? `${(bytes / 2 ** 20).toFixed(1)} MiB`
    : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

const wholeNumbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function whole(value: number): string {
  return wholeNumbers.format(value);
}

function counted(n: number, noun: string): string {
  return `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;
}
