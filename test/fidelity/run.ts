/**
 * Plays labs on the simulation and in namespaces and compares them, step by step:
 *
 *   node test/fidelity/run.ts [--write] [lab,…]     (all: without)
 *
 * `--write` makes docs/fidelity.md of it, which takes all labs. Needs root.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { parseArgs } from "node:util";
import { comparedLab } from "./compared-lab.ts";
import { type LabResult, page, pageFile } from "./page.ts";

const { values, positionals } = parseArgs({
  options: { write: { type: "boolean", default: false } },
  allowPositionals: true,
});
const names =
  positionals[0]?.split(",") ?? readdirSync(new URL("../../labs", import.meta.url)).sort();
const results: LabResult[] = [];
for (const name of names) {
  const result = await comparedLab(name);
  results.push(result);
  const { sim, real, steps, linesCompared, differences } = result;
  console.log(
    `${name}: sim ${sim}, netns ${real}, ${steps} steps, ${linesCompared} lines, ${differences.length} differ`,
  );
  for (const { step, node, sim: ours, real: theirs, why } of differences) {
    console.log(
      `  ${step}: ${node}${why === undefined ? "" : ` (${why})`}\n    sim   ${ours ?? "-"}\n    netns ${theirs ?? "-"}`,
    );
  }
}
if (values.write) {
  if (positionals.length > 0) throw new Error("--write takes all labs");
  const frr = /FRRouting (\S+)/.exec(
    execFileSync("/usr/lib/frr/bgpd", ["--version"], { encoding: "utf8" }),
  );
  writeFileSync(
    pageFile,
    page(results, { frr: frr?.[1] ?? "of an unknown version", kernel: release() }),
  );
}
