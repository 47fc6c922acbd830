import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../kube/object.ts";
import { seededRandom } from "../scenario/random.ts";
import { measuredFile, readTiming } from "../sim/frr/timing.ts";
import { clusterResources } from "../sim/scale/kubernetes-nodes.ts";
import { runScale, type ScaleOutcome } from "../sim/scale/scale-run.ts";
import { scalePage } from "./scale-page.ts";
import { stageFigures } from "./scale-text.ts";

const bgp = new URL("../../labs/leaf-spine/bgp.yaml", import.meta.url).pathname;
const fabric = { racks: 4, nodesPerRack: 5, uplinks: 2, spines: 4, superspines: 2 };

function run(lose: string, signal = new AbortController().signal): Promise<ScaleOutcome> {
  const objects = parseAllDocuments(readFileSync(bgp, "utf8")).map(
    (document) => document.toJS() as KubeObject,
  );
  return runScale({
    ...{ fabric, services: 1, lose, signal, resources: clusterResources(objects) },
    timing: readTiming(measuredFile),
    random: seededRandom(3, "world"),
    onStage: () => {},
  });
}

/** All that does not depend on the machine. */
const simulated = ({ stages }: ScaleOutcome) =>
  stages.map(({ realMs: _, cpuMs: __, memoryBytes: ___, ...stage }) => stage);

test("a rack that loses its ToR is cut off until it is back; its nodes notice by their hold timers", async () => {
  const outcome = await run("tor2");
  const { stages, isWhole } = outcome;
  expect(isWhole).toBe(true);
  const [cold, loss, back] = stages;
  // Nodes, uplinks, spines to superspines.
  expect(cold!.sessions).toBe(20 + 8 + 8);
  expect(loss!.sessions).toBe(cold!.sessions - 5 - 2);
  expect(loss!.flows!.lost).toBeGreaterThan(0);
  expect(loss!.flows!.lost).toBeLessThan(loss!.flows!.flows);
  expect(loss!.withdrawn).toBeGreaterThan(0);
  expect(back!.sessions).toBe(cold!.sessions);
  expect(back!.paths).toBe(cold!.paths);
  expect(back!.flows!.lost).toBe(0);
  expect(Object.fromEntries(stageFigures(loss!))["lost"]).toMatch(/flows have no way any more/);
  const page = scalePage(outcome);
  expect(page).toContain("loss: tor2 loses its power");
  expect(page).toMatch(/\d+ flows have no way any more/);
});

test("one seed is one course of events", async () => {
  expect(simulated(await run("spine0"))).toEqual(simulated(await run("spine0")));
});

test("a run that is ended early says so", async () => {
  const controller = new AbortController();
  controller.abort(new Error("interrupted"));
  const { isWhole, stages } = await run("spine0", controller.signal);
  expect(isWhole).toBe(false);
  expect(stages.length).toBeLessThan(3);
});
