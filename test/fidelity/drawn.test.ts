import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { availableLabs, findLab, loadLab } from "../../src/lab/load.ts";
import { eventText } from "../../src/scenario/events/table.ts";
import type { ScenarioEvent } from "../../src/scenario/schema/types.ts";
import { drawnScenario } from "./drawn.ts";

const seeds = Array.from({ length: 12 }, (_, i) => i + 1);
const folder = mkdtempSync(join(tmpdir(), "spinelab-drawn-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(lab: string, seed: number) {
  const scenario = join(folder, `${lab}-${seed}.yaml`);
  writeFileSync(scenario, drawnScenario(lab, seed));
  return loadLab({ ...findLab(lab), scenario }, "", { kind: "sim" }).scenario!;
}

it("draws the same of one seed, and another of each seed and each lab", () => {
  expect(drawnScenario("rack-spine", 1)).toBe(drawnScenario("rack-spine", 1));
  const plans = [
    ...seeds.map((seed) => read("rack-spine", seed)),
    ...seeds.map((seed) => read("rack-spine-dual", seed)),
  ].map(({ steps }) => steps.slice(1).map(({ name }) => name));
  expect(new Set(plans.map(String)).size).toBe(plans.length);
});

it.each([...availableLabs().keys()])("writes scenarios that can be played on %s", (lab) => {
  for (const seed of seeds) {
    const { steps } = read(lab, seed);
    expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length);
    expect(steps[0]!.checks).not.toEqual([]);
    const events = steps.slice(1).flatMap((step) => step.events.flatMap(each));
    expect(events.length).toBeGreaterThanOrEqual(4);
    expect(withoutPower(events)).toEqual([]);
  }
});

/** What is done to routers while they have no power, and nodes that never get it back. */
function withoutPower(events: readonly ScenarioEvent[]): string[] {
  const off = new Set<string>();
  const wrong: string[] = [];
  for (const event of events) {
    if (event.kind === "node" && event.undoAfterMs === undefined) {
      if (event.action === "stop") off.add(event.on);
      else off.delete(event.on);
    }
    const isOfRouter = event.kind === "daemon" || (event.kind === "metric" && event.of !== "ospf");
    if (isOfRouter && off.has(event.on)) wrong.push(eventText(event));
  }
  return [...wrong, ...off];
}

function each(event: ScenarioEvent): ScenarioEvent[] {
  return event.kind === "together" ? event.events.flatMap(each) : [event];
}
