import { expect } from "vitest";
import type { Diagnostic } from "../../input/diagnostic.ts";
import { filesFor, shown } from "../../input/files.testkit.ts";
import { buildFabric } from "../../topology/fabric-build.ts";
import { readManifests } from "../../topology/manifests.ts";
import type { ScenarioLab } from "./check-scenario.ts";
import { readScenario } from "./read.ts";
import type { Scenario } from "./types.ts";

export const valid = () => ({ problems: [] });
export const folder = new URL("../../../test/data/leaf-spine-lab/", import.meta.url).pathname;

/** The seed's lab: netshoot runs on the three workers. */
function seedLab(): ScenarioLab {
  const built = buildFabric({
    topology: `${folder}bgp-topo.yaml`,
    clusters: [`${folder}cluster.yaml`],
    environment: {},
  });
  if ("diagnostics" in built) throw new Error(JSON.stringify(built.diagnostics));
  const diagnostics: Diagnostic[] = [];
  const files = ["cilium-bgp-peering-policies.yaml", "netshoot-ds.yaml"].map(
    (name) => folder + name,
  );
  const manifests = readManifests(files, valid, diagnostics);
  expect(diagnostics).toEqual([]);
  return { fabric: built.fabric, manifests };
}

const lab = seedLab();

export function read(text: string, files: Record<string, string> = {}) {
  return readScenario(filesFor({ "s.yaml": text, ...files })("s.yaml"), valid, lab);
}

export function scenario(...of: Parameters<typeof read>): Scenario {
  const result = read(...of);
  expect(shown(result)).toEqual([]);
  return (result as { scenario: Scenario }).scenario;
}

/** One step with these events and checks, each a line from line 4 and on. */
export function step({
  events = [],
  checks = [],
}: {
  events?: string[];
  checks?: string[];
}): string {
  const lines = [
    "name: x\nsteps:\n  - name: one",
    ...(events.length > 0 ? ["    do:", ...events.map((each) => `      - ${each}`)] : []),
    ...(checks.length > 0 ? ["    expect:", ...checks.map((each) => `      - ${each}`)] : []),
  ];
  return `${lines.join("\n")}\n`;
}
