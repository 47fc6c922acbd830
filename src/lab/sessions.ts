import type { Session } from "../observe/rib-view.ts";
import { readSessions } from "../observe/router.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Fabric } from "../topology/fabric.ts";

export type NodeSession = Session & { node: string };

/** IPv4 unicast sessions of every router and agent. A node without a BGP speaker has none. */
export async function readAllSessions(fabric: Fabric, runtime: Runtime): Promise<NodeSession[]> {
  const found = await Promise.all(
    fabric.nodes.map(async (node) => {
      try {
        const sessions = await readSessions(runtime, node, "ipv4-unicast");
        return sessions.map((session) => ({ node: node.name, ...session }));
      } catch {
        return []; // What does not run has no sessions; `logs` tells why it does not.
      }
    }),
  );
  return found.flat();
}
