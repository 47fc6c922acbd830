import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readScenario } from "../schema/read.ts";
import type { Check, Scenario, ScenarioEvent } from "../schema/types.ts";

/** A scenario written as in its file. Throws where the text is no scenario. */
export function scenarioOf(yaml: string): Scenario {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-scenario-"));
  try {
    const file = join(folder, "scenario.yaml");
    writeFileSync(file, yaml);
    const read = readScenario(file, () => ({ problems: [] }));
    if ("diagnostics" in read) throw new Error(JSON.stringify(read.diagnostics));
    return read.scenario;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One item of `expect:`; a probe called p exists. */
export function checkOf(yaml: string): Check {
  const lines = [
    "name: test",
    "steps:",
    "  - name: one",
    "    probe: { name: p, from: kind-worker, to: 10.1.3.1 }",
    `    do: [ { exec: { on: tor0, command: "true" } } ]`,
    `    expect: [ { ${yaml} } ]`,
  ];
  return scenarioOf(lines.join("\n")).steps[0]!.checks[0]!;
}

/** One item of `do:`. */
export function eventOf(yaml: string): ScenarioEvent {
  const lines = ["name: test", "steps:", "  - name: one", `    do: [ { ${yaml} } ]`];
  return scenarioOf(lines.join("\n")).steps[0]!.events[0]!;
}
