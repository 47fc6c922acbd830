import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../kube/object.ts";
import { seededRandom } from "../scenario/random.ts";
import { measuredFile, readTiming } from "../sim/frr/timing.ts";
import { clusterResources } from "../sim/scale/kubernetes-nodes.ts";
import { runScale, type ScaleOptions, type ScaleOutcome } from "../sim/scale/scale-run.ts";
import { scalePage } from "./scale-page.ts";
import { stageFigures } from "./scale-text.ts";

const bgp = new URL("../../labs/leaf-spine/bgp.yaml", import.meta.url).pathname;
const fabric = { racks: 4, nodesPerRack: 5, uplinks: 2, spines: 4, superspines: 2 };

function run(
  lose: string,
  signal = new AbortController().signal,
  onStage: ScaleOptions["onStage"] = () => {},
): Promise<ScaleOutcome> {
  const objects = parseAllDocuments(readFileSync(bgp, "utf8")).map(
    (document) => document.toJS() as KubeObject,
  );
  return runScale({
    ...{ fabric, services: 1, lose, signal, resources: clusterResources(objects) },
    timing: readTiming(measuredFile),
    random: seededRandom(3, "world"),
    onStage,
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
  const page = scalePage(outcome, [{ file: "bgp.yaml", bytes: 1160 }]);
  expect(page).toContain("tor2 loses its power");
  expect(page).toContain("bgp.yaml (1,160 bytes)");
  expect(page).toMatch(/\d+ flows have no way any more/);
});

test("who forwarded otherwise when, and how many routes were told of when, is known and drawn", async () => {
  const outcome = await run("tor2");
  for (const { pace, announced, withdrawn } of outcome.stages) {
    expect(pace.routes.reduce((sum, one) => sum + one, 0)).toBe(announced + withdrawn);
  }
  const [, loss, back] = outcome.stages;
  const { length } = loss!.routers;
  expect(length).toBe(2 + 4 + 4);
  expect(loss!.routers.filter(({ isUp }) => !isUp)).toEqual([{ name: "tor2", isUp: false }]);
  // Each of the others loses the rack's prefixes, the spines without it when they hear of that.
  const changed = loss!.routers.filter(({ changedAfterMs = 0 }) => changedAfterMs > 0);
  expect(changed.length).toBe(length - 1);
  expect(Math.max(...changed.map((of) => of.changedAfterMs!))).toBe(loss!.convergenceMs);
  expect(back!.routers.every(({ isUp }) => isUp)).toBe(true);
  const page = scalePage(outcome, []);
  expect(page.match(/<title>tor2: without power<\/title>/g)).toHaveLength(1);
  expect(page.match(/<title>tor2: last forwarded otherwise after /g)).toHaveLength(2);
  expect(page).toMatch(/Routes announced and withdrawn in each .* of virtual time, [\d,]+ at most/);
});

test("one seed is one course of events", async () => {
  expect(simulated(await run("spine0"))).toEqual(simulated(await run("spine0")));
});

test("a run that is ended early says so", async () => {
  const controller = new AbortController();
  controller.abort(new Error("interrupted"));
  const outcome = await run("spine0", controller.signal);
  expect(outcome).toMatchObject({ isWhole: false, stages: [{ isAtRest: false, restless: [] }] });
  expect(scalePage(outcome, [])).toContain("interrupted; a router last forwarded otherwise");
});

test("what is counted on the wires is what the speakers have sent", async () => {
  await run("spine0", undefined, ({ name, updates, announced }, { routers, nodes }) => {
    // Later one of them is another than at the beginning.
    if (name !== "cold start") return;
    const peers = [...routers, ...nodes].flatMap(({ speaker }) => speaker!.peers(0));
    const total = (counts: number[]) => counts.reduce((sum, one) => sum + one, 0);
    expect(total(peers.map((peer) => peer.updates.sent))).toBe(updates);
    expect(total(peers.flatMap((peer) => peer.families.map((of) => of.announced)))).toBe(announced);
    expect(announced).toBeGreaterThan(0);
  });
});

test("a fabric that does not come to rest is given up, and the routers are named that go on changing", async () => {
  const { stages } = await run("spine1", undefined, ({ name }, { world, routers, shared }) => {
    if (name !== "cold start") return;
    const flapping = routers.find((router) => router.name === "tor0")!;
    const options = { restarting: false, softwareVersion: "", random: () => 0.5 };
    const flap = () => {
      if (flapping.speaker === undefined) {
        flapping.powerOn({ ...options, shared, pace: world.timing });
      } else flapping.powerOff();
      world.clock.setTimer(4000, flap);
    };
    world.clock.setTimer(4000, flap);
  });
  const loss = stages[1]!;
  expect(loss.isAtRest).toBe(false);
  expect(loss.restless).toContain("spine0");
  expect(Object.fromEntries(stageFigures(loss))["no rest"]).toMatch(/routes still change/);
  // Ten minutes of virtual time are half a minute of a busy machine's.
}, 120_000);
