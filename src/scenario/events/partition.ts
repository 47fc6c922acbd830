import type { Runtime } from "../../runtime/port.ts";
import type { Endpoint, Fabric, FabricLink } from "../../topology/fabric.ts";
import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { nodeNamed } from "../resolve.ts";

/** One in force: a table of its own on each node, so that taking it back leaves the others' rules alone. */
type Partition = { table: string; links: readonly FabricLink[] };

const inForce = new WeakMap<Runtime, Set<Partition>>();
/** No two tables of this process have one name. */
let tablesMade = 0;

/**
 * Cuts some nodes off from all others without taking any carrier away: both ends of each link
 * between the two sides drop what comes in, so that only timers notice.
 */
export const partition: EventHandler<"partition"> = {
  text: (event) => `partition: ${event.isolate.join(", ")} cut off`,

  async run(context, event) {
    const isolated = event.isolate.map((name) => nodeNamed(context, name).name);
    const links = cutLinks(context.fabric, isolated);
    if (links.length === 0) {
      throw new Error(`no link leads from ${event.isolate.join(", ")} to another node`);
    }
    const byNode = Map.groupBy(
      links.flatMap(({ endpoints }) => endpoints),
      (end) => end.node,
    );
    const made: Partition = { table: `spinelab_partition_${++tablesMade}`, links };
    await Promise.all(
      Array.from(byNode, ([node, ends]) =>
        runCommand(context, { node }, ["nft", "-f", "-"], {
          command: `nft: drop what comes in on ${ends.map((end) => end.interface).join(", ")}`,
          stdin: dropRules(made.table, ends),
        }),
      ),
    );
    partitionsOf(context.runtime).add(made);
    return async () => {
      await mend(context, made.table, [...byNode.keys()]);
      partitionsOf(context.runtime).delete(made);
    };
  },
};

/** The links that partitions in force cut. */
export function linksPartitioned(runtime: Runtime): ReadonlySet<FabricLink> {
  return new Set([...partitionsOf(runtime)].flatMap(({ links }) => links));
}

function partitionsOf(runtime: Runtime): Set<Partition> {
  const partitions = inForce.get(runtime) ?? new Set();
  inForce.set(runtime, partitions);
  return partitions;
}

/** The links between the isolated nodes and the others. */
export function cutLinks(fabric: Fabric, isolated: readonly string[]): FabricLink[] {
  return fabric.links.filter(
    ({ endpoints: [a, b] }) => isolated.includes(a.node) !== isolated.includes(b.node),
  );
}

/** One chain a device. */
function dropRules(table: string, ends: readonly Endpoint[]): string {
  const chains = ends.map(
    ({ interface: name }, i) =>
      `chain drop_${i} { type filter hook ingress device "${name}" priority -500; policy drop; }`,
  );
  return [`table netdev ${table} {`].concat(chains, "}\n").join("\n");
}

/** Of a node that was started anew meanwhile the table is gone already, and what is not there cannot be deleted. */
async function mend(context: LabContext, table: string, nodes: readonly string[]): Promise<void> {
  await Promise.all(
    nodes.map((node) =>
      runCommand(context, { node }, ["nft", "-f", "-"], {
        command: "nft: drop no more",
        stdin: `table netdev ${table}\ndelete table netdev ${table}\n`,
      }),
    ),
  );
}
