import type { FabricChange } from "../timeline/record.ts";
import { type Fabric, type FabricLink, findNode } from "../topology/fabric.ts";
import type { LabContext } from "./context.ts";
import { cutLinks, linksPartitioned } from "./events/partition.ts";
import { linksOf } from "./schema/check-scenario.ts";
import type { ScenarioEvent } from "./schema/types.ts";

/**
 * What an event has done to the fabric as pictures show it: links cut or mended, nodes that are down,
 * paused, or without their agent or a daemon. `undone`: what taking it back has done.
 */
export function fabricChanges(
  { fabric, runtime }: Pick<LabContext, "fabric" | "runtime">,
  event: ScenarioEvent,
  undone: boolean,
): FabricChange[] {
  switch (event.kind) {
    case "link": {
      if (event.set === "impair") {
        const isImpaired = event.impair !== undefined && !undone;
        const state = isImpaired ? "impaired" : "up";
        return linksOf(fabric, event.link).map((link) => linkChange(link, state));
      }
      const state = (event.set === "up") === undone ? "down" : "up";
      return linksOf(fabric, event.link).map((link) => linkChange(link, state));
    }
    case "partition": {
      const isolated = event.isolate.flatMap((name) => findNode(fabric, name)?.name ?? []);
      const links = cutLinks(fabric, isolated);
      if (!undone) return links.map((link) => linkChange(link, "down"));
      // What another partition cuts as well stays cut.
      const stillCut = linksPartitioned(runtime);
      return links.filter((link) => !stillCut.has(link)).map((link) => linkChange(link, "up"));
    }
    case "agent":
    case "daemon": {
      const runs = !["stop", "kill"].includes(event.action);
      return nodeChange(fabric, event.on, runs === undone ? "degraded" : "up");
    }
    case "node": {
      const states = {
        stop: "down",
        pause: "paused",
        start: "up",
        restart: "up",
        unpause: "up",
        leave: "down",
      } as const;
      const back = { start: "down", unpause: "paused" } as const;
      const undoneState = back[event.action as keyof typeof back] ?? "up";
      return nodeChange(fabric, event.on, undone ? undoneState : states[event.action]);
    }
    default:
      return [];
  }
}

function linkChange(link: FabricLink, state: "up" | "down" | "impaired"): FabricChange {
  const [a, b] = link.endpoints.map((end) => ({ node: end.node, interface: end.interface }));
  return { link: { a: a!, b: b! }, state };
}

function nodeChange(
  fabric: Fabric,
  name: string,
  state: "up" | "down" | "paused" | "degraded",
): FabricChange[] {
  const node = findNode(fabric, name);
  return node ? [{ node: node.name, state }] : [];
}
