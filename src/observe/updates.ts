import type { Runtime } from "../runtime/port.ts";
import { frrJson } from "./frr.ts";

/** BGP UPDATE messages (RFC 4271 §4.3) of a router since its sessions began, of all neighbors. */
export type UpdateCounts = { received: number; sent: number };

type Neighbor = { messageStats?: { updatesRecv?: number; updatesSent?: number } };

/** Of FRR. Throws UnreadableError where there is none. */
export async function frrUpdateCounts(runtime: Runtime, node: string): Promise<UpdateCounts> {
  const neighbors = await frrJson(runtime, node, "bgpd", "show bgp neighbors");
  return countUpdates(neighbors);
}

export function countUpdates(json: unknown): UpdateCounts {
  const counts = { received: 0, sent: 0 };
  for (const { messageStats } of Object.values(json as Record<string, Neighbor>)) {
    counts.received += messageStats?.updatesRecv ?? 0;
    counts.sent += messageStats?.updatesSent ?? 0;
  }
  return counts;
}
