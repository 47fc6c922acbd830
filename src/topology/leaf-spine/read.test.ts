import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Diagnostic } from "../../input/diagnostic.ts";
import { buildFabric } from "../fabric-build.ts";
import { racksBelow } from "./address-plan.ts";
import { nodesMax } from "./parameters.ts";
import { readLeafSpine } from "./read.ts";

const folder = mkdtempSync(join(tmpdir(), "spinelab-leaf-spine-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(...lines: string[]): string {
  const file = join(folder, "fabric.yaml");
  writeFileSync(file, ["name: fabric", ...lines, ""].join("\n"));
  return file;
}

function mistakesOf(file: string): string[] {
  const diagnostics: Diagnostic[] = [];
  readLeafSpine(file, diagnostics);
  return diagnostics.map(({ line, path, message }) => `${line} ${path}: ${message}`);
}

test("what is not written is as the defaults have it, and a topology that is written out has none", () => {
  const diagnostics: Diagnostic[] = [];
  expect(readLeafSpine(written("leaf-spine: { racks: 7 }"), diagnostics)).toEqual({
    ...{ racks: 7, nodesPerRack: 2, uplinks: 2, spines: 4, superspines: 2 },
  });
  expect(readLeafSpine(written("topology: { nodes: {} }"), diagnostics)).toBeUndefined();
  expect(diagnostics).toEqual([]);
});

test.each([
  ["{ racks: 0 }", "racks: 0: expected a whole number from 1 to 4096"],
  ["{ rack: 3 }", "rack: a leaf-spine fabric has no field 'rack'"],
  ["{ uplinks: 5, spines: 4 }", "uplinks: 5: more than there are spines, which are 4"],
  ["{ superspines: 0 }", "superspines: 0: racks that share no spine cannot reach each other"],
  [
    "{ racks: 1000, nodes-per-rack: 40 }",
    "racks: 1000: with 40 nodes in each these are 40000 nodes",
  ],
])("leaf-spine: %s is refused", (numbers, message) => {
  expect(nodesMax).toBeLessThan(40_000);
  expect(mistakesOf(written(`leaf-spine: ${numbers}`))).toEqual([`2 leaf-spine.${message}`]);
});

test("a topology is written out or generated, not both", () => {
  const file = written("leaf-spine: {}", "topology: { nodes: {} }");
  const built = buildFabric({ topology: file, clusters: [], environment: {} });
  expect("diagnostics" in built && built.diagnostics.map(({ message }) => message)).toEqual([
    "a topology is written out or generated, not both",
  ]);
});

test("every node, router and cable of the numbers is there, with the cluster's addresses", () => {
  const file = written("leaf-spine: { racks: 3, nodes-per-rack: 2, superspines: 1 }");
  const built = buildFabric({ topology: file, clusters: [], environment: {} });
  if ("diagnostics" in built) throw new Error(JSON.stringify(built.diagnostics));
  const { nodes, links, clusters } = built.fabric;
  expect(nodes.map(({ name }) => name).sort()).toEqual(
    [
      ...["kind-control-plane", "kind-worker", "kind-worker2", "kind-worker3", "kind-worker4"],
      ...["kind-worker5", "spine0", "spine1", "spine2", "spine3", "superspine0"],
      ...["tor0", "tor1", "tor2"],
    ].sort(),
  );
  expect(links).toHaveLength(4 + 3 * 2 + 6);
  expect(clusters[0]!.nodes).toHaveLength(6);
  const last = nodes.find(({ name }) => name === "kind-worker5");
  expect(JSON.stringify(last)).toContain("10.64.0.19");
  expect(last?.kubernetes).toMatchObject({ podCidrs: ["10.128.5.0/24"] });
});

test("racks take turns with the spines, so that each has as many as the next", () => {
  const fabric = { racks: 750, nodesPerRack: 40, uplinks: 2, spines: 4, superspines: 2 };
  expect([0, 1, 2, 3].map((spine) => racksBelow(fabric, spine).length)).toEqual([
    ...[375, 376, 375, 374],
  ]);
});
