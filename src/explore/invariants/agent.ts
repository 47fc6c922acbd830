import type { ScenarioEvent } from "../../scenario/schema/types.ts";
import type { World } from "../../sim/world.ts";
import type { Fabric } from "../../topology/fabric.ts";
import type { Finding } from "./finding.ts";

/** Nodes whose agents run, as they have a BGP speaker. */
export function runningAgents(world: World, { nodes }: Fabric): Set<string> {
  const speaking = new Set([...world.speakers].map(({ node }) => node.name));
  return new Set(
    nodes.flatMap(({ name, kubernetes }) =>
      kubernetes !== undefined && speaking.has(name) ? [name] : [],
    ),
  );
}

/** No agent is away that ran before, on a node with power, but for those that were killed for good. */
export function missingAgents(
  before: ReadonlySet<string>,
  faults: readonly ScenarioEvent[],
  world: World,
  fabric: Fabric,
): Finding[] {
  const killed = new Set(
    faults.flatMap((fault) =>
      fault.kind === "agent" && fault.undoAfterMs === undefined ? [fault.on] : [],
    ),
  );
  const now = runningAgents(world, fabric);
  return [...before]
    .filter((name) => !now.has(name) && !killed.has(name) && world.network.node(name).isUp)
    .map((name) => ({
      invariant: "agent",
      text: `${name}: its agent was started again, and no BGP speaker runs there`,
    }));
}
