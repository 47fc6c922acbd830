import { UnreadableError } from "../../observe/unreadable.ts";
import { askAgent } from "../../observe/speaker.ts";
import type { Runtime } from "../../runtime/port.ts";
import type { ScenarioEvent } from "../../scenario/schema/types.ts";
import type { World } from "../../sim/world.ts";
import type { Fabric } from "../../topology/fabric.ts";
import type { Finding } from "./finding.ts";

/** Nodes with power whose agents answer, whatever they say: without the API they have no sessions. */
export async function runningAgents(
  runtime: Runtime,
  world: World,
  { nodes }: Fabric,
): Promise<Set<string>> {
  const running = new Set<string>();
  for (const { name, kubernetes } of nodes) {
    if (kubernetes === undefined || !world.network.node(name).isUp) continue;
    if (await answers(runtime, name)) running.add(name);
  }
  return running;
}

async function answers(runtime: Runtime, node: string): Promise<boolean> {
  try {
    await askAgent(runtime, node, { get: "peers" });
    return true;
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    // What comes with a cause is that nobody was there to answer.
    return error.cause === undefined;
  }
}

/** No agent is away that ran before, on a node with power, but for those that were killed for good. */
export function missingAgents(
  of: { before: ReadonlySet<string>; now: ReadonlySet<string> },
  faults: readonly ScenarioEvent[],
  world: World,
): Finding[] {
  const killed = new Set(
    faults.flatMap((fault) =>
      fault.kind === "agent" && fault.undoAfterMs === undefined ? [fault.on] : [],
    ),
  );
  return [...of.before]
    .filter((name) => !of.now.has(name) && !killed.has(name) && world.network.node(name).isUp)
    .map((name) => ({
      invariant: "agent",
      text: `${name}: its agent was started again, and does not run`,
    }));
}
