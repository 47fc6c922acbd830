import type { Fabric } from "../../topology/fabric.ts";
import { findNode } from "../../topology/fabric.ts";
import { durationText } from "../bounds.ts";
import { pick, type Random } from "../random.ts";
import type { EventBody, EventOf, ScenarioEvent } from "../schema/types.ts";
import { cutLinks } from "./partition.ts";

/** A fault that could be drawn. `keys`: what it is about, which has one fault at a time. */
type Candidate = { keys: readonly string[]; event: EventBody };

/** Draws before it gives up finding a thing that is not broken already. */
const drawsMax = 1000;

/** Until a machine that is switched on can be dealt with again. */
const machineStartMs = 5_000;

export function chaosText({ faults, of, overMs }: EventOf<"chaos">): string {
  return `chaos: ${faults} faults of ${of.join(", ")} over ${durationText(overMs)}`;
}

/** A fault that was drawn: `afterMs` from the chaos event's beginning, and `undoAfterMs`. */
export type DrawnFault = { keys: readonly string[]; event: ScenarioEvent };

/**
 * The faults of a chaos event in order of time. Nothing has two faults at one time. Throws where there is nothing to
 * break.
 */
export function drawFaults(fabric: Fabric, event: EventOf<"chaos">, random: Random): DrawnFault[] {
  const candidates = event.of.map((kind) => candidatesOf(fabric, kind, event.spare));
  const kinds = candidates.filter((each) => each.length > 0);
  if (kinds.length === 0) throw new Error(`${chaosText(event)}: nothing is left to break`);
  const { atLeast = 0, atMost = atLeast } = event.lastingMs;
  const drawn: (Candidate & { fromMs: number; toMs: number; event: ScenarioEvent })[] = [];
  for (let draws = 0; drawn.length < event.faults; draws++) {
    if (draws === drawsMax) {
      throw new Error(`${chaosText(event)}: so many do not fit, each on a thing of its own`);
    }
    const { keys, event: fault } = pick(random, pick(random, kinds));
    const fromMs = Math.round(random() * event.overMs);
    const undoAfterMs = Math.round(atLeast + random() * (atMost - atLeast));
    const toMs = fromMs + undoAfterMs + (fault.kind === "node" ? machineStartMs : 0);
    const meets = drawn.some(
      (one) =>
        one.fromMs <= toMs && fromMs <= one.toMs && one.keys.some((key) => keys.includes(key)),
    );
    if (meets) continue;
    const timing = { source: event.source, afterMs: fromMs, undoAfterMs, times: 1 };
    drawn.push({ keys, fromMs, toMs, event: { ...fault, ...timing } });
  }
  return drawn.toSorted((a, b) => a.fromMs - b.fromMs);
}

function candidatesOf(
  fabric: Fabric,
  kind: EventOf<"chaos">["of"][number],
  spare: readonly string[],
): Candidate[] {
  const spared = new Set(spare.map((name) => findNode(fabric, name)?.name ?? name));
  const nodes = fabric.nodes.filter(({ name }) => !spared.has(name));
  switch (kind) {
    case "link":
      return fabric.links
        .filter(({ endpoints }) => !endpoints.some(({ node }) => spared.has(node)))
        .map(({ endpoints: [{ node, interface: name }] }) => ({
          keys: [`link ${node}:${name}`],
          event: { kind: "link", link: { on: { node, interface: name } }, set: "down" },
        }));
    case "node":
      return nodes
        .filter((node) => node.kind !== "bridge")
        .map(({ name }) => ({
          keys: [`agent ${name}`, `power ${name}`],
          event: { kind: "node", on: name, action: "stop" },
        }));
    case "agent":
      return nodes
        .filter(({ kubernetes }) => kubernetes !== undefined)
        .map(({ name }) => ({
          keys: [`agent ${name}`],
          event: { kind: "agent", on: name, action: "kill" },
        }));
    case "partition":
      // One at a time: where several nodes are cut off at once there is soon nobody left to reach.
      return nodes.flatMap(({ name }) => {
        const ends = cutLinks(fabric, [name]).flatMap(({ endpoints }) => endpoints);
        if (ends.length === 0) return [];
        const filtering = new Set(ends.map(({ node }) => node));
        return {
          keys: ["partition", ...[...filtering].map((node) => `power ${node}`)],
          event: { kind: "partition", isolate: [name] },
        };
      });
  }
}
