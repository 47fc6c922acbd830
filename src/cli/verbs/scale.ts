import { spawn } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { getHeapStatistics } from "node:v8";
import type { Command } from "commander";
import { type Diagnostic, EnvironmentError, InputError } from "../../input/diagnostic.ts";
import type { KubeObject } from "../../kube/object.ts";
import { terminalOutput } from "../../report/terminal/output.ts";
import type { Manifest } from "../../topology/manifests.ts";
import type { ScaleOutcome } from "../../sim/scale/scale-run.ts";
import { ExitStatus, UsageError } from "../exit.ts";
import type { ReadOptions, WrittenOptions } from "../scale-options.ts";
import { bytesText, ScaleText, type WrittenFile } from "../scale-text.ts";
import { endingSignal } from "../view.ts";

type ScaleOptions = WrittenOptions & { report: string; json?: boolean };

export function registerScale(program: Command): void {
  program
    .command("scale")
    .summary("a leaf-spine fabric of up to 30,000 nodes in virtual time")
    .argument("[lab]", "a lab whose topology is generated (leaf-spine:)", "leaf-spine")
    .option("--racks <n>", "racks, each with one ToR")
    .option("--nodes-per-rack <n>", "Kubernetes nodes of each rack")
    .option("--uplinks <n>", "uplinks of each ToR, every one to another spine")
    .option("--spines <n>", "spines")
    .option("--superspines <n>", "superspines, each connected to every spine")
    .option("--services <n>", "Services of type LoadBalancer, announced by every node", "1")
    .option("--lose <router>", "the router that goes and comes back, or none", "spine0")
    .option("--seed <n>", "draw by this what is left to chance", "1")
    .option("--report <folder>", "where the report goes", "reports")
    .option("--json", "the outcome as JSON")
    .addHelpText(
      "after",
      `
The lab's file says how large the fabric is; each number may be given here instead. Every node is
configured by the lab's Cilium resources, every router by FRR's lines, and runs Spinelab's speaker:
docs/scale.md says what is left out for the sake of size. Ctrl-C ends it, and tells what was found by then.

Examples:
  spinelab scale                                              4 nodes in 4 racks
  spinelab scale --racks 750 --nodes-per-rack 40              30,000 nodes
  spinelab scale --racks 25 --nodes-per-rack 40 --lose tor3   a rack loses its ToR
  spinelab scale my-fabric/lab.yaml --json

Exit status: 0 at rest after every stage, 1 not, 2 the input is wrong, 3 inconclusive: ended early,
or too large for this machine.`,
    )
    .action(async (lab: string, options: ScaleOptions) => {
      process.exitCode = await scale(lab, options);
    });
}

async function scale(name: string, options: ScaleOptions): Promise<number> {
  const { fabric, services, seed, lose, objects, written } = await read(name, options);
  const { estimatedBytes, runScale } = await import("../../sim/scale/scale-run.ts");
  const { clusterResources } = await import("../../sim/scale/kubernetes-nodes.ts");
  const { measuredFile, readTiming } = await import("../../sim/frr/timing.ts");
  const { seededRandom } = await import("../../scenario/random.ts");
  const bytes = estimatedBytes(fabric, services);
  mustFit(bytes);
  if (getHeapStatistics().heap_size_limit < bytes * heapMargin) return inLargerHeap(bytes);
  const text = new ScaleText(
    options.json ? undefined : terminalOutput(process.stdout, process.env),
  );
  text.begin(fabric, services, written);
  const outcome = await runScale({
    ...{ fabric, services, lose, resources: clusterResources(objects) },
    timing: readTiming(measuredFile),
    random: seededRandom(seed, "world"),
    signal: endingSignal(),
    onBegin: (stage) => text.beginStage(stage),
    onProgress: (of) => text.progress(of),
    onStage: (stage) => text.stage(stage),
  });
  const folder = resolve(options.report, "scale");
  const files = await writeReport(folder, outcome, written);
  if (options.json) process.stdout.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
  else text.end(outcome, files);
  if (!outcome.isWhole) return ExitStatus.inconclusive;
  return outcome.stages.every(({ isAtRest }) => isAtRest) ? ExitStatus.passed : ExitStatus.failed;
}

/** The lab's numbers with those of the command line, and the Kubernetes objects that it applies. */
async function read(
  name: string,
  options: ScaleOptions,
): Promise<ReadOptions & { objects: KubeObject[]; written: WrittenFile[] }> {
  const { validateResource } = await import("../../cilium/schema/validate.ts");
  const { findLab } = await import("../../lab/load.ts");
  const { readScaleOptions } = await import("../scale-options.ts");
  const { readLeafSpine } = await import("../../topology/leaf-spine/read.ts");
  const { readManifests } = await import("../../topology/manifests.ts");
  const lab = findLab(name);
  const diagnostics: Diagnostic[] = [];
  const numbers = readLeafSpine(lab.topology, diagnostics);
  const manifests = readManifests(lab.manifests, validateResource, diagnostics);
  if (diagnostics.length > 0) throw new InputError(diagnostics);
  if (numbers === undefined) {
    throw new UsageError(
      `the topology of ${name} is written out (${lab.topology})\n` +
        "  hint: spinelab scale takes one that is generated, with a section leaf-spine:",
    );
  }
  return {
    ...readScaleOptions(numbers, options),
    // What the speakers are made of; pods have no part in it.
    written: [...filesOf(manifests), lab.topology].map((file) => ({
      file,
      bytes: statSync(file).size,
    })),
    objects: manifests.map(({ object }) => object as KubeObject),
  };
}

/** Those with a resource of BGP. */
function filesOf(manifests: readonly Manifest[]): Set<string> {
  return new Set(
    manifests
      .filter(({ object }) => object.kind.startsWith("CiliumBGP"))
      .map(({ source }) => source.replace(/:\d+$/, "")),
  );
}

/** Better not begun than ended by the system half-way. */
function mustFit(bytes: number): void {
  const available = process.availableMemory();
  if (bytes <= 0.9 * available) return;
  throw new EnvironmentError(
    `a fabric of this size takes about ${bytesText(bytes)} of memory, and there are ${bytesText(available)}`,
    "fewer racks, nodes or uplinks, or a larger machine",
  );
}

/** What was allocated and is not collected yet. */
const heapMargin = 1.5;

/** V8 bounds the heap at the start of a process: the same command in one that may have more. */
function inLargerHeap(bytes: number): Promise<number> {
  const megabytes = Math.ceil((bytes * heapMargin * 1.1) / 2 ** 20);
  const argv = [`--max-old-space-size=${megabytes}`, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(process.execPath, argv, { stdio: "inherit" });
  // Ctrl-C reaches both, and the child tells what it found.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("exit", (code, signal) => {
      if (code !== null) return done(code);
      fail(new EnvironmentError(endedBy(signal!, megabytes), "fewer racks, or more memory"));
    });
  });
}

/** V8 aborts where the heap is full, and Linux kills where the machine is. */
function endedBy(signal: string, megabytes: number): string {
  const what = `the simulation was ended by ${signal}`;
  if (signal !== "SIGABRT" && signal !== "SIGKILL") return what;
  return `${what}, most likely for want of memory: its heap may have ${bytesText(megabytes * 2 ** 20)}`;
}

async function writeReport(
  folder: string,
  outcome: ScaleOutcome,
  written: readonly WrittenFile[],
): Promise<string[]> {
  const { scalePage } = await import("../scale-page.ts");
  mkdirSync(folder, { recursive: true });
  const files = [
    [join(folder, "report.html"), scalePage(outcome, written)],
    [join(folder, "outcome.json"), `${JSON.stringify(outcome, undefined, 2)}\n`],
  ] as const;
  for (const [file, content] of files) writeFileSync(file, content);
  return files.map(([file]) => file);
}
