import { existsSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import { type Diagnostic, formatDiagnostic, InputError } from "../../input/diagnostic.ts";
import { ExitStatus } from "../exit.ts";

export function registerValidate(program: Command): void {
  program
    .command("validate")
    .summary("check labs, topologies, manifests and scenarios, without creating anything")
    .argument("<file...>", "labs by name, lab.yaml, topologies, clusters, manifests or scenarios")
    .option("--json", "mistakes as JSON")
    .action(async (files: string[], options: { json?: boolean }) => {
      const problems: Diagnostic[] = [];
      for (const file of files) problems.push(...(await validate(file)));
      if (options.json) process.stdout.write(`${JSON.stringify(problems, undefined, 2)}\n`);
      else {
        for (const problem of problems) process.stdout.write(`${formatDiagnostic(problem)}\n`);
        if (problems.length === 0) process.stdout.write(`${files.join(", ")}: no mistakes\n`);
      }
      process.exitCode = problems.length > 0 ? ExitStatus.inputWrong : ExitStatus.passed;
    });
}

async function validate(name: string): Promise<readonly Diagnostic[]> {
  const { availableLabs, findLab, loadLab } = await import("../../lab/load.ts");
  const file = existsSync(name) && statSync(name).isDirectory() ? join(name, "lab.yaml") : name;
  try {
    if (availableLabs().has(name) || basename(file) === "lab.yaml") {
      loadLab(findLab(availableLabs().has(name) ? name : file), "");
      return [];
    }
    return await validateAlone(resolve(file));
  } catch (error) {
    if (error instanceof InputError) return error.diagnostics;
    throw error;
  }
}

/** A file by itself: what it is shows in its fields. */
async function validateAlone(file: string): Promise<Diagnostic[]> {
  const { readYamlFile } = await import("../../input/yaml-file.ts");
  const content = readYamlFile(file);
  if ("diagnostics" in content) return content.diagnostics;
  const text = await import("node:fs").then((fs) => fs.readFileSync(file, "utf8"));
  const diagnostics: Diagnostic[] = [];
  if (/^topology:/m.test(text)) {
    const { buildFabric } = await import("../../topology/fabric-build.ts");
    const built = buildFabric({ topology: file, clusters: [], environment: process.env });
    if ("diagnostics" in built) diagnostics.push(...built.diagnostics);
  } else if (/^steps:/m.test(text)) {
    const { readScenario } = await import("../../scenario/schema/read.ts");
    const { validateResource } = await import("../../cilium/schema/validate.ts");
    const read = readScenario(file, validateResource);
    if ("diagnostics" in read) diagnostics.push(...read.diagnostics);
  } else if (/^apiVersion: +kind\.x-k8s\.io\//m.test(text)) {
    const { readKindCluster } = await import("../../topology/kind.ts");
    readKindCluster(file, diagnostics);
  } else {
    const { readManifests } = await import("../../topology/manifests.ts");
    const { validateResource } = await import("../../cilium/schema/validate.ts");
    readManifests([file], validateResource, diagnostics);
  }
  return diagnostics;
}
