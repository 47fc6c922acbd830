import type { Prefix } from "../net/prefix.ts";
import type { Runtime } from "../runtime/port.ts";
import type { FabricNode } from "../topology/fabric.ts";
import { frrRoute, frrRoutes, frrSessions } from "./frr.ts";
import type { AddressFamily, RibRoute, Session } from "./rib-view.ts";
import { agentRoutes, agentSessions } from "./speaker.ts";

/** Reads the BGP speaker of a node: Spinelab's agent on Kubernetes nodes, FRR elsewhere. */

export function hasAgent(node: FabricNode): boolean {
  return node.kubernetes !== undefined;
}

export async function readSessions(
  runtime: Runtime,
  node: FabricNode,
  family: AddressFamily,
): Promise<Session[]> {
  return await (hasAgent(node)
    ? agentSessions(runtime, node.name, family)
    : frrSessions(runtime, node.name, family));
}

/** Every path of the table. */
export async function readRoutes(
  runtime: Runtime,
  node: FabricNode,
  family: AddressFamily,
): Promise<RibRoute[]> {
  return await (hasAgent(node)
    ? agentRoutes(runtime, node.name, family)
    : frrRoutes(runtime, node.name, family));
}

/** The paths to exactly this prefix, with all their attributes. */
export async function readRoute(
  runtime: Runtime,
  node: FabricNode,
  prefix: Prefix,
): Promise<RibRoute[]> {
  if (!hasAgent(node)) return await frrRoute(runtime, node.name, prefix);
  const family = prefix.includes(":") ? "ipv6-unicast" : "ipv4-unicast";
  const routes = await agentRoutes(runtime, node.name, family);
  return routes.filter((route) => route.prefix === prefix);
}
