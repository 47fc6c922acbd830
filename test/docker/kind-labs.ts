/**
 * Plays labs on kind, one after the other, each as a person would: `spinelab run LAB --runtime docker`.
 *
 *   node test/docker/kind-labs.ts all           every lab; docs/kind-labs.md is made of it
 *   node test/docker/kind-labs.ts lab,lab,…     these, without the page
 *
 * Prints a line for each, and the table; what each did is in reports/kind/LAB. Ends with status 1 where
 * one failed: what is inconclusive is told with its reason, and no failure. Needs what `make test-kind`
 * brings.
 */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { availableLabs } from "../../src/lab/load.ts";
import { summarize } from "../../src/report/summary.ts";
import { kindVersion } from "../../src/runtime/docker/kind-command.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { testEngine } from "./engine.ts";
import { labsPage, labsTable, type Played } from "./kind-labs-page.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const reports = path.join(repository, "reports/kind");
const page = path.join(repository, "docs/kind-labs.md");

const [names = "all"] = process.argv.slice(2);
const labs = names === "all" ? [...availableLabs().keys()].sort() : names.split(",");
const played: Played[] = [];
for (const lab of labs) {
  const row = await play(lab);
  played.push(row);
  const reasons = row.reasons.map((reason) => `\n    ${reason}`).join("");
  console.log(`${lab}: ${row.verdict}, ${row.passed} of ${row.checks} checks${reasons}`);
}
console.log(`\n${labsTable(played)}`);
if (names === "all") writeFileSync(page, labsPage(played, await machine()));
if (played.some(({ verdict }) => verdict === "fail")) process.exitCode = 1;

async function play(lab: string): Promise<Played> {
  const folder = path.join(reports, lab);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const log = openSync(path.join(folder, "output"), "w");
  const [load] = loadavg();
  const began = performance.now();
  const command = path.join(repository, "bin/spinelab.mjs");
  const flags = ["--runtime", "docker", "--report", reports, "--json"];
  const child = spawn(process.execPath, [command, "run", lab, ...flags], {
    stdio: ["ignore", log, log],
  });
  const status = await new Promise<number>((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve(code ?? 1));
  });
  const tookS = (performance.now() - began) / 1000;
  return {
    lab,
    load: load!,
    tookS,
    ...whatCame(readFileSync(path.join(folder, "output"), "utf8"), status),
  };
}

/** Of what the command printed: records, and whatever else it had to say. */
function whatCame(output: string, status: number): Omit<Played, "lab" | "load" | "tookS"> {
  const lines = output.split("\n").filter((line) => line !== "");
  const records = lines
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as TimelineRecord);
  const said = lines.filter((line) => !line.startsWith("{"));
  const { checks, failures, steps, verdict, reason } = summarize(records);
  const reasons = [
    ...failures.map(({ node, message }) => (node === undefined ? message : `${node}: ${message}`)),
    ...steps.flatMap((step) =>
      step.checks
        .filter((check) => check.verdict === "fail" || check.verdict === "inconclusive")
        .map(({ text, expected, seen }) => `${step.name}: ${text}: expected ${expected}; ${seen}`),
    ),
  ];
  if (reasons.length === 0 && verdict !== "pass") reasons.push(...(reason ? [reason] : said));
  const deployed = records.find((each) => each.type === "stage" && each.stage === "deployed");
  return {
    // The command's own word, where there is no scenario's.
    verdict: status === 0 || status === 3 ? verdict : "fail",
    passed: checks.pass + checks.warn,
    checks: Object.values(checks).reduce((sum, each) => sum + each, 0),
    deployedS: ((deployed as { tookMs?: number } | undefined)?.tookMs ?? NaN) / 1000,
    reasons,
  };
}

async function machine(): Promise<string> {
  const { Version } = await testEngine().version();
  const image = process.env["SPINELAB_KIND_IMAGE"] ?? "kind's own node image";
  const kubernetes = /v(\d+\.\d+\.\d+)/.exec(image)?.[1] ?? image;
  const month = new Date().toLocaleString("en-GB", { month: "long", year: "numeric" });
  return `${month}, kind ${await kindVersion()}, Kubernetes ${kubernetes}, Docker ${Version}, ${cpus().length} processors`;
}
