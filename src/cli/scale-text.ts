import { relative } from "node:path";
import { formatDuration } from "../report/duration.ts";
import type { TerminalOutput } from "../report/terminal/output.ts";
import { type Line, printLine, span } from "../report/terminal/text.ts";
import type { ScaleOutcome, ScaleStage } from "../sim/scale/scale-run.ts";
import type { LeafSpine } from "../topology/leaf-spine/parameters.ts";

/** A run over a generated fabric as a person reads it, stage by stage. */
export class ScaleText {
  readonly #output: TerminalOutput | undefined;

  /** Undefined: nothing is printed. */
  constructor(output: TerminalOutput | undefined) {
    this.#output = output;
  }

  begin(fabric: LeafSpine, services: number): void {
    this.#print(span(fabricText(fabric, services), "bold"));
  }

  stage(stage: ScaleStage): void {
    const mark = stage.isAtRest ? span("at rest", "green") : span("not at rest", "red");
    this.#print();
    this.#print(span(`${stage.name}: `, "bold"), span(stage.what));
    this.#print(
      span("  "),
      mark,
      span(` ${formatDuration(stage.convergenceMs)} later`),
      span(`  (simulated in ${formatDuration(stage.realMs)})`, "dim"),
    );
    for (const [name, value] of stageFigures(stage)) {
      this.#print(span(`  ${name.padEnd(10)}`, "dim"), span(value));
    }
  }

  end({ isWhole, peakMemoryBytes }: ScaleOutcome, files: readonly string[]): void {
    this.#print();
    if (!isWhole) this.#print(span("ended early: the stages above are what was found", "yellow"));
    this.#print(span(`memory at most ${bytesText(peakMemoryBytes)}`));
    for (const file of files) this.#print(span(`report: ${relative(".", file)}`));
  }

  #print(...line: Line): void {
    const output = this.#output;
    output?.stream.write(`${printLine(line, output)}\n`);
  }
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

/** What a stage came to, as names and text. */
export function stageFigures(stage: ScaleStage): [name: string, value: string][] {
  const { sessions, paths, updates, updateBytes, announced, withdrawn, flows } = stage;
  const figures: [string, string][] = [
    ["sessions", `${whole(sessions)} established`],
    ["paths", `${whole(paths)} in the routers' tables`],
    [
      "updates",
      `${whole(updates)} messages, ${bytesText(updateBytes)}: ` +
        `${whole(announced)} routes announced, ${whole(withdrawn)} withdrawn`,
    ],
    ["memory", bytesText(stage.memoryBytes)],
  ];
  if (flows === undefined) return figures;
  const { interrupted, outageMs, lost, rerouted, hopsBefore, hopsAfter, example } = flows;
  figures.push([
    "outage",
    interrupted === 0
      ? `none of ${whole(flows.flows)} flows between pods was interrupted`
      : `${whole(interrupted)} of ${whole(flows.flows)} flows between pods were interrupted, ` +
        `for ${formatDuration(outageMs.median)} (median), ${formatDuration(outageMs.longest)} at most`,
  ]);
  if (lost > 0) figures.push(["lost", `${whole(lost)} flows have no way any more`]);
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

export function bytesText(bytes: number): string {
  if (bytes < 2 ** 20) return `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return bytes < 2 ** 30
    ? `${(bytes / 2 ** 20).toFixed(1)} MiB`
    : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

export function whole(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

function counted(n: number, noun: string): string {
  return `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;
}
