/**
 * Plays labs on the simulation and in namespaces and compares them, step by step:
 *
 *   node test/fidelity/run.ts [--write] [--runs N] [lab,…]     (all: without)
 *   node test/fidelity/run.ts --drawn 1..3 [lab,…]             (what these seeds draw, instead of the labs' own)
 *   node test/fidelity/run.ts --page                           (plays none: the page of the results that are there)
 *
 * `--runs`: how often a lab is played on both sides at the most, where a time is not within the band (1: without).
 * `--write` keeps what came of each in test/fidelity/results, and makes docs/fidelity.md of all that is there. Exit
 * status 1: a line differs that nothing explains, or a time is not within the band. Needs root.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { parseArgs } from "node:util";
import { comparedDrawn, comparedLab } from "./compared-lab.ts";
import { faults, type LabResult, page, pageFile } from "./page.ts";

const { values, positionals } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    runs: { type: "string", default: "1" },
    drawn: { type: "string" },
    page: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const labs = readdirSync(new URL("../../labs", import.meta.url)).sort();
const folder = new URL("results/", import.meta.url);
const fileOf = (lab: string, drawn?: { seed: number }) =>
  new URL(drawn === undefined ? `${lab}.json` : `drawn/${lab}-${drawn.seed}.json`, folder);

const names = values.page ? [] : (positionals[0]?.split(",") ?? labs);
const plays = names.flatMap((name) =>
  values.drawn === undefined
    ? [() => comparedLab(name, Number(values.runs))]
    : seedsOf(values.drawn).map((seed) => () => comparedDrawn(name, seed)),
);
for (const play of plays) {
  const result = await play();
  const { lab, drawn, sim, real, steps, linesCompared, differences } = result;
  const name = drawn === undefined ? lab : `${lab}, seed ${drawn.seed}`;
  console.log(
    `${name}: sim ${sim}, netns ${real}, ${steps} steps, ${linesCompared} lines, ${differences.length} differ`,
  );
  for (const { step, node, sim: ours, real: theirs, why } of differences) {
    const explained = why === undefined ? "" : ` (${why})`;
    console.log(
      `  ${step}: ${node}${explained}\n    sim   ${ours ?? "-"}\n    netns ${theirs ?? "-"}`,
    );
  }
  for (const fault of faults(result)) {
    console.log(fault);
    process.exitCode = 1;
  }
  if (!values.write) continue;
  const file = fileOf(lab, drawn);
  mkdirSync(new URL(".", file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, undefined, 1)}\n`);
}
if (values.write || values.page) {
  const read = (file: URL) => JSON.parse(readFileSync(file, "utf8")) as LabResult;
  const known = labs.filter((lab) => existsSync(fileOf(lab)));
  const results = known.map((lab) => read(fileOf(lab)));
  const drawnFolder = new URL("drawn/", folder);
  const drawn = existsSync(drawnFolder)
    ? readdirSync(drawnFolder).map((file) => read(new URL(file, drawnFolder)))
    : [];
  const inOrder = drawn.sort((a, b) => a.lab.localeCompare(b.lab) || a.drawn!.seed - b.drawn!.seed);
  const bgpd = execFileSync("/usr/lib/frr/bgpd", ["--version"], { encoding: "utf8" });
  const frr = /version (\S+)/.exec(bgpd)?.[1] ?? "of an unknown version";
  const missing = labs.filter((lab) => !known.includes(lab));
  writeFileSync(pageFile, page(results, missing, inOrder, { frr, kernel: release() }));
}

/** `1..3`, or one. */
function seedsOf(text: string): number[] {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  if (match === null) throw new Error(`--drawn ${text}: expected seeds, for example 1..3`);
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
