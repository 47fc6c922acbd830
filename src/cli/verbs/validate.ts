import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type Diagnostic, formatDiagnostic } from "../../input/diagnostic.ts";
import { ExitStatus } from "../exit.ts";

export function registerValidate(program: Command): void {
  program
    .command("validate")
    .summary("check labs, topologies, manifests and scenarios, without creating anything")
    .argument("<file...>", "labs by name or folder, and files of every kind that Spinelab reads")
    .option("--json", "mistakes as JSON")
    .addHelpText(
      "after",
      `
What a file is shows in its fields: a lab, a containerlab topology, a kind cluster, Kubernetes
manifests, a scenario, a speaker's configuration, a timeline. A lab is checked with every file that it
names, and its scenario with the lab: a node or pod that is not there is found. A scenario by itself has
only its form checked; a topology is checked with the kind clusters that are named beside it.

Every mistake is told at once: file:line, what was expected, and a hint. Editors tell them while you
type: begin a scenario with
  # yaml-language-server: $schema=PATH/docs/scenario.schema.json

Examples:
  spinelab validate rack-spine
  spinelab validate scenarios/*.yaml bgp.yaml
  spinelab validate topology.clab.yaml cluster.yaml

Exit status: 0 no mistakes, 2 some.`,
    )
    .action(async (files: string[], options: { json?: boolean }) => {
      const problems: Diagnostic[] = [];
      const good: string[] = [];
      for (const file of files) {
        const { kind, mistakes } = await validate(file, files);
        problems.push(...mistakes);
        if (mistakes.length === 0) good.push(`${file}: ${kind}, no mistakes`);
      }
      if (options.json) process.stdout.write(`${JSON.stringify(problems, undefined, 2)}\n`);
      else {
        for (const problem of problems) process.stdout.write(`${formatDiagnostic(problem)}\n`);
        for (const line of good) process.stdout.write(`${line}\n`);
      }
      process.exitCode = problems.length > 0 ? ExitStatus.inputWrong : ExitStatus.passed;
    });
}

async function validate(
  name: string,
  beside: readonly string[],
): Promise<{ kind: string | undefined; mistakes: readonly Diagnostic[] }> {
  const { availableLabs } = await import("../../lab/load.ts");
  const { mistakesOfLab, validateFile } = await import("../../lab/validate-file.ts");
  if (availableLabs().has(name)) return { kind: "lab", mistakes: mistakesOfLab(name) };
  const file =
    existsSync(name) && statSync(name).isDirectory() ? join(name, "lab.yaml") : resolve(name);
  return validateFile(file, beside.filter(existsSync));
}
