import type { Prefix } from "../net/prefix.ts";
import type { Runtime } from "../runtime/port.ts";
import type { FabricNode } from "../topology/fabric.ts";
import { birdRoutes, birdSessions } from "./bird.ts";
import { frrRoute, frrRoutes, frrSessions } from "./frr.ts";
import { gobgpRoutes, gobgpSessions } from "./gobgp.ts";
import type { AddressFamily, RibRoute, Session } from "./rib-view.ts";
import { agentRoutes, agentSessions } from "./speaker.ts";
import { UnreadableError } from "./unreadable.ts";
import {
  agentUpdateCounts,
  birdUpdateCounts,
  frrUpdateCounts,
  gobgpUpdateCounts,
  type UpdateCounts,
} from "./updates.ts";

/** Reads the BGP speaker of a node: Spinelab's agent on Kubernetes nodes, elsewhere FRR, BIRD or GoBGP. */

export function hasAgent(node: FabricNode): boolean {
  return node.kubernetes !== undefined;
}

/** How one kind of speaker is read. */
type Reader = {
  sessions(runtime: Runtime, node: string, family: AddressFamily): Promise<Session[]>;
  /** Every path of the table. */
  routes(runtime: Runtime, node: string, family: AddressFamily): Promise<RibRoute[]>;
  /** The paths to exactly this prefix, with all their attributes. Absent: `routes` has all of them. */
  route?(runtime: Runtime, node: string, prefix: Prefix): Promise<RibRoute[]>;
  updates(runtime: Runtime, node: string): Promise<UpdateCounts>;
};

const agent: Reader = { sessions: agentSessions, routes: agentRoutes, updates: agentUpdateCounts };
const frr: Reader = {
  sessions: frrSessions,
  routes: frrRoutes,
  route: frrRoute,
  updates: frrUpdateCounts,
};
/** By the name of the process. */
const others: Record<string, Reader> = {
  bird: { sessions: birdSessions, routes: birdRoutes, updates: birdUpdateCounts },
  gobgpd: { sessions: gobgpSessions, routes: gobgpRoutes, updates: gobgpUpdateCounts },
};

export function readSessions(
  runtime: Runtime,
  node: FabricNode,
  family: AddressFamily,
): Promise<Session[]> {
  return readBy(runtime, node, (reader) => reader.sessions(runtime, node.name, family));
}

/** Every path of the table. */
export function readRoutes(
  runtime: Runtime,
  node: FabricNode,
  family: AddressFamily,
): Promise<RibRoute[]> {
  return readBy(runtime, node, (reader) => reader.routes(runtime, node.name, family));
}

/** The paths to exactly this prefix, with all their attributes. */
export function readRoute(runtime: Runtime, node: FabricNode, prefix: Prefix): Promise<RibRoute[]> {
  return readBy(runtime, node, async (reader) => {
    if (reader.route) return await reader.route(runtime, node.name, prefix);
    const family = prefix.includes(":") ? "ipv6-unicast" : "ipv4-unicast";
    const routes = await reader.routes(runtime, node.name, family);
    return routes.filter((route) => route.prefix === prefix);
  });
}

/** UPDATE messages so far. Throws UnreadableError where no speaker runs, UncountedError where one does not count them. */
export function readUpdateCounts(runtime: Runtime, node: FabricNode): Promise<UpdateCounts> {
  return readBy(runtime, node, (reader) => reader.updates(runtime, node.name));
}

/** FRR is asked first, since that costs least; only where there is none it is looked for another. */
async function readBy<T>(
  runtime: Runtime,
  node: FabricNode,
  read: (reader: Reader) => Promise<T>,
): Promise<T> {
  if (hasAgent(node)) return await read(agent);
  try {
    return await read(frr);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    const other = await otherSpeaker(runtime, node.name);
    if (other === undefined) throw error;
    return await read(other);
  }
}

async function otherSpeaker(runtime: Runtime, node: string): Promise<Reader | undefined> {
  const script = Object.keys(others)
    .map((name) => `pgrep -x ${name} >/dev/null && echo ${name}`)
    .join("; ");
  const found = await runtime.exec({ node }, ["sh", "-c", `${script}; true`]);
  return others[found.stdout.trim().split("\n")[0] ?? ""];
}
