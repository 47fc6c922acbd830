import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { drawPlan } from "../../src/explore/draw.ts";
import { writtenEvent } from "../../src/explore/scenario-text.ts";
import { findLab, loadLab } from "../../src/lab/load.ts";
import { pick, type Random, seededRandom } from "../../src/scenario/random.ts";
import type { ScenarioEvent } from "../../src/scenario/schema/types.ts";
import type { FabricNode } from "../../src/topology/fabric.ts";

/** What breaks in one scenario, and what is done to routers. */
const faults = { count: 4, overMs: 40_000, lastingMsMax: 12_000 };
const routerEvents = 3;

/** An event as a file has it. */
type Written = Record<string, unknown>;
type Step = { name: string; do?: Written[]; within?: string; expect?: unknown[] };

/**
 * A scenario that nobody wrote, as the text of a file: the lab's own first step, in which all comes up, then the faults
 * that the exploration draws from the seed, those that overlap in one step at their times, with events of routers between
 * them, and at last whatever is still broken is mended.
 */
export function drawnScenario(lab: string, seed: number): string {
  const { scenario, ...source } = findLab(lab);
  const { fabric } = loadLab(source, "", { kind: "sim" }).spec;
  const [first] = (parse(readFileSync(scenario!, "utf8")) as { steps: Step[] }).steps;
  // Of labs alike the same would be drawn.
  const random = seededRandom(seed, lab);
  const plan = drawPlan(fabric, Math.floor(random() * 2 ** 32), {
    ...faults,
    kinds: ["link", "node", "agent", "partition"],
    heal: "some",
  });
  const lasting = plan.filter(({ undoAfterMs }) => undoAfterMs === undefined);
  const steps: { do: Written[] }[] = overlapping(plan).map(faultStep);
  const without = new Set(lasting.flatMap((fault) => (fault.kind === "node" ? fault.on : [])));
  const routers = fabric.nodes.filter(({ name }) => !without.has(name));
  for (const event of drawRouterEvents(routers, random)) {
    steps.splice(Math.floor(random() * (steps.length + 1)), 0, { do: [event] });
  }
  const mended = lasting.flatMap(mendedBy);
  if (mended.length > 0) steps.push({ do: mended.map(atOnce) });
  return stringify(
    {
      name: `${lab}-drawn-${seed}`,
      summary: `Drawn from seed ${seed}: nobody wrote it.`,
      steps: [
        first,
        ...steps.map((step, i) => ({ name: `${i + 1}: ${nameOf(step.do)}`, ...step })),
      ],
    },
    { lineWidth: 0, flowCollectionPadding: true },
  );
}

/** Faults in order of time, together where one begins before those that heal have healed. */
function overlapping(plan: readonly ScenarioEvent[]): ScenarioEvent[][] {
  const groups: ScenarioEvent[][] = [];
  let untilMs = 0;
  for (const fault of plan) {
    if (fault.afterMs < untilMs) groups.at(-1)!.push(fault);
    else groups.push([fault]);
    untilMs = Math.max(untilMs, fault.afterMs + (fault.undoAfterMs ?? 0));
  }
  return groups;
}

function faultStep(group: readonly ScenarioEvent[]): { do: Written[] } {
  const events = group.map((fault) => atOnce(writtenEvent(fault, -group[0]!.afterMs)));
  return { do: events.length === 1 ? events : [{ together: events }] };
}

/** None: nothing but the event's own `undoAfter` takes it back. */
function mendedBy(fault: ScenarioEvent): Written[] {
  const { source, times } = fault;
  const timing = { source, times, afterMs: 0 };
  switch (fault.kind) {
    case "link":
      return [writtenEvent({ ...timing, kind: "link", link: fault.link, set: "up" }, 0)];
    case "node":
      return [writtenEvent({ ...timing, kind: "node", on: fault.on, action: "start" }, 0)];
    case "agent":
      return [writtenEvent({ ...timing, kind: "agent", on: fault.on, action: "start" }, 0)];
    default:
      return [];
  }
}

function atOnce({ after, ...event }: Written): Written {
  return after === "0s" ? event : { ...event, after };
}

function drawRouterEvents(nodes: readonly FabricNode[], random: Random): Written[] {
  const candidates = nodes.flatMap((node) => {
    const of = eventsOf(node, random);
    return of.length === 0 ? [] : [of];
  });
  // The only router may be without power.
  const length = candidates.length === 0 ? 0 : routerEvents;
  return Array.from({ length }, () => pick(random, pick(random, candidates)));
}

/** What may be done to a router, or to the default routes of a node that has several. */
function eventsOf({ name, image, exec }: FabricNode, random: Random): Written[] {
  const text = exec.map(({ command }) => command).join("\n");
  const routes = [...text.matchAll(/ip route add default via ([\d.]+) metric (\d+)/g)];
  const atRandom = (most: number) => 1 + Math.floor(random() * most);
  return [
    ...routes.map(([, via]) => ({
      metric: { on: name, route: "default", via, metric: 50 * atRandom(6) + 7 },
    })),
    ...(image?.includes("frr") !== true
      ? []
      : [
          { daemon: { on: name, daemon: "bgpd", do: "restart" } },
          { daemon: { on: name, do: "restart" } },
          { exec: { on: name, command: "vtysh -c 'clear bgp *'" } },
          { node: { on: name, do: "pause" }, undoAfter: `${atRandom(12)}s` },
          {
            daemon: { on: name, daemon: "bgpd", do: "kill" },
            undoAfter: `${atRandom(12)}s`,
          },
        ]),
    // A metric is a route map, and where the lab has its own none is put in its place.
    ...(image?.includes("frr") !== true || text.includes("route-map")
      ? []
      : [
          { metric: { on: name, asPathPrepend: atRandom(3) } },
          { metric: { on: name, med: atRandom(100) } },
          { metric: { on: name, localPreference: 90 + atRandom(20) } },
        ]),
  ];
}

/** The words of the file without what YAML needs. */
function nameOf(events: readonly Written[]): string {
  return JSON.stringify(events)
    .replaceAll(/"(on|do|set)":/g, "")
    .replaceAll('":', " ")
    .replaceAll(/[[\]{}"]/g, "")
    .replaceAll(",", ", ");
}
