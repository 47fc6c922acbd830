import type { Session } from "../observe/rib-view.ts";
import { readSessions } from "../observe/router.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Fabric } from "../topology/fabric.ts";
import { runsFrr } from "./evidence.ts";

export type NodeSession = Session & { node: string };

/** `unread`: routers and agents that do not answer, and why. */
export type LabSessions = { sessions: NodeSession[]; unread: { node: string; reason: string }[] };

/** IPv4 unicast sessions of every router and agent. A node that is to run no BGP speaker has none. */
export async function readAllSessions(fabric: Fabric, runtime: Runtime): Promise<LabSessions> {
  const found: LabSessions = { sessions: [], unread: [] };
  await Promise.all(
    fabric.nodes.map(async (node) => {
      try {
        const sessions = await readSessions(runtime, node, "ipv4-unicast");
        found.sessions.push(...sessions.map((session) => ({ node: node.name, ...session })));
      } catch (error) {
        const isToRun = node.kubernetes !== undefined || runsFrr(node);
        if (isToRun) found.unread.push({ node: node.name, reason: (error as Error).message });
      }
    }),
  );
  const order = new Map(fabric.nodes.map(({ name }, i) => [name, i]));
  const inOrder = (a: { node: string }, b: { node: string }) =>
    order.get(a.node)! - order.get(b.node)!;
  return { sessions: found.sessions.sort(inOrder), unread: found.unread.sort(inOrder) };
}
