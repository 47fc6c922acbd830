/**
 * Plays labs on the simulation and in namespaces and compares them, step by step:
 *
 *   node test/fidelity/run.ts [--write] [--runs N] [lab,…]     (all: without)
 *   node test/fidelity/run.ts --page                           (plays none: the page of the results that are there)
 *
 * `--runs`: how often a lab is played in namespaces at the most, where something takes too long there (1: without).
 * `--write` keeps what came of each in test/fidelity/results, and makes docs/fidelity.md of all that is there. Exit
 * status 1: a line differs that nothing explains, or a time is not within the band. Needs root.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { parseArgs } from "node:util";
import { comparedLab } from "./compared-lab.ts";
import { faults, type LabResult, page, pageFile } from "./page.ts";

const { values, positionals } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    runs: { type: "string", default: "1" },
    page: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const labs = readdirSync(new URL("../../labs", import.meta.url)).sort();
const folder = new URL("results/", import.meta.url);
const fileOf = (lab: string) => new URL(`${lab}.json`, folder);

for (const name of values.page ? [] : (positionals[0]?.split(",") ?? labs)) {
  const result = await comparedLab(name, Number(values.runs));
  const { sim, real, steps, linesCompared, differences } = result;
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
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify(result, undefined, 1)}\n`);
}
if (values.write || values.page) {
  const known = labs.filter((lab) => existsSync(fileOf(lab)));
  const results = known.map((lab) => JSON.parse(readFileSync(fileOf(lab), "utf8")) as LabResult);
  const bgpd = execFileSync("/usr/lib/frr/bgpd", ["--version"], { encoding: "utf8" });
  const frr = /version (\S+)/.exec(bgpd)?.[1] ?? "of an unknown version";
  const missing = labs.filter((lab) => !known.includes(lab));
  writeFileSync(pageFile, page(results, missing, { frr, kernel: release() }));
}
