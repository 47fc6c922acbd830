import type { Endpoint, Fabric, FabricLink } from "../../topology/fabric.ts";
import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { nodeNamed } from "../resolve.ts";

const table = "spinelab_partition";
/** Adds the table first: what is not there cannot be deleted. */
const noRules = `table netdev ${table}\ndelete table netdev ${table}`;

/**
 * Cuts some nodes off from all others without taking any carrier away: both ends of each link
 * between the two sides drop what comes in, so that only timers notice.
 */
export const partition: EventHandler<"partition"> = {
  text: (event) => `partition: ${event.isolate.join(", ")} cut off`,

  async run(context, event) {
    const isolated = event.isolate.map((name) => nodeNamed(context, name).name);
    const byNode = Map.groupBy(
      cutLinks(context.fabric, isolated).flatMap(({ endpoints }) => endpoints),
      (end) => end.node,
    );
    if (byNode.size === 0) {
      throw new Error(`no link leads from ${event.isolate.join(", ")} to another node`);
    }
    await Promise.all(
      Array.from(byNode, ([node, ends]) =>
        runCommand(context, { node }, ["nft", "-f", "-"], {
          command: `nft: drop what comes in on ${ends.map((end) => end.interface).join(", ")}`,
          stdin: dropRules(ends),
        }),
      ),
    );
    return () => mend(context, [...byNode.keys()]);
  },
};

/** The links between the isolated nodes and the others. */
export function cutLinks(fabric: Fabric, isolated: readonly string[]): FabricLink[] {
  return fabric.links.filter(
    ({ endpoints: [a, b] }) => isolated.includes(a.node) !== isolated.includes(b.node),
  );
}

/** One chain a device; the table of an earlier partition is replaced. */
function dropRules(ends: readonly Endpoint[]): string {
  const chains = ends.map(
    ({ interface: name }, i) =>
      `chain drop_${i} { type filter hook ingress device "${name}" priority -500; policy drop; }`,
  );
  return [noRules, `table netdev ${table} {`].concat(chains, "}\n").join("\n");
}

/** Of a node that was started anew meanwhile the table is gone already. */
async function mend(context: LabContext, nodes: readonly string[]): Promise<void> {
  await Promise.all(
    nodes.map((node) =>
      runCommand(context, { node }, ["nft", "-f", "-"], {
        command: "nft: drop no more",
        stdin: `${noRules}\n`,
      }),
    ),
  );
}
