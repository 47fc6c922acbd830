/**
 * Plays labs on kind, one after the other, each as a person would: `spinelab run LAB --runtime docker`.
 *
 *   node test/docker/kind-labs.ts all           every lab
 *   node test/docker/kind-labs.ts lab,lab,…     these
 *
 * Prints a line for each, and what did not pass. What each did is in reports/kind; once every lab has
 * been played there, docs/kind-labs.md is made of it. Ends with status 1 where one failed: what is
 * inconclusive is told with its reason, and no failure. Needs what `make test-kind` brings.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { availableLabs } from "../../src/lab/load.ts";
import { summarize } from "../../src/report/summary.ts";
import { kindVersion } from "../../src/runtime/docker/kind-command.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { testEngine } from "./engine.ts";
import { labsPage, labsTable, type Outcome, type Played } from "./kind-labs-page.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const reports = path.join(repository, "reports/kind");
const page = path.join(repository, "docs/kind-labs.md");
const known = [...availableLabs().keys()].sort();
const resultOf = (lab: string) => path.join(reports, `${lab}.json`);

const [names = "all"] = process.argv.slice(2);
const labs = names === "all" ? known : names.split(",");
const played: Played[] = [];
mkdirSync(reports, { recursive: true });
for (const lab of labs) {
  const one = await play(lab);
  played.push(one);
  writeFileSync(resultOf(lab), JSON.stringify(one));
  const reasons = one.reasons.map((reason) => `\n    ${reason}`).join("");
  console.log(`${lab}: ${one.verdict}, ${one.passed} of ${one.checks} checks${reasons}`);
}
console.log(`\n${labsTable(played)}`);
if (known.every((lab) => existsSync(resultOf(lab)))) {
  const all = known.map((lab) => JSON.parse(readFileSync(resultOf(lab), "utf8")) as Played);
  writeFileSync(page, labsPage(all, await machine()));
}
if (played.some(({ verdict }) => verdict === "fail")) process.exitCode = 1;

async function play(lab: string): Promise<Played> {
  const file = path.join(reports, `${lab}.log`);
  const log = openSync(file, "w");
  const load = loadavg()[0]!;
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
  return { lab, load, tookS, ...outcomeOf(readFileSync(file, "utf8"), status) };
}

/** Of what the command printed: records, and whatever else it had to say. */
function outcomeOf(output: string, status: number): Outcome {
  const lines = output.split("\n").filter((line) => line !== "");
  const isRecord = (line: string) => line.startsWith("{");
  const records = lines.filter(isRecord).map((line) => JSON.parse(line) as TimelineRecord);
  const { checks, failures, steps, stages, verdict, reason } = summarize(records);
  const reasons = [
    ...failures.map(({ node, message }) => (node === undefined ? message : `${node}: ${message}`)),
    ...steps.flatMap((step) =>
      step.checks
        .filter((check) => check.verdict === "fail" || check.verdict === "inconclusive")
        .map(({ text, expected, seen }) => `${step.name}: ${text}: expected ${expected}; ${seen}`),
    ),
  ];
  if (reasons.length === 0 && verdict !== "pass") {
    reasons.push(...(reason === undefined ? lines.filter((line) => !isRecord(line)) : [reason]));
  }
  const deployedMs = stages.find(({ stage }) => stage === "deployed")?.tookMs;
  return {
    // A command that ended otherwise than its scenario has failed.
    verdict: status === 0 || status === 3 ? verdict : "fail",
    passed: checks.pass + checks.warn,
    checks: Object.values(checks).reduce((sum, each) => sum + each, 0),
    ...(deployedMs === undefined ? {} : { deployedS: deployedMs / 1000 }),
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
