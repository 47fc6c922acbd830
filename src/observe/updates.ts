import type { Runtime } from "../runtime/port.ts";
import { frrJson } from "./frr.ts";
import { gobgpJson } from "./gobgp.ts";
import { agentPeers } from "./speaker.ts";
import { UnreadableError } from "./unreadable.ts";

/** BGP UPDATE messages (RFC 4271 §4.3) of a router since its sessions began, of all neighbors. */
export type UpdateCounts = { received: number; sent: number };

type Neighbor = { messageStats?: { updatesRecv?: number; updatesSent?: number } };

export async function frrUpdateCounts(runtime: Runtime, node: string): Promise<UpdateCounts> {
  const neighbors = await frrJson(runtime, node, "bgpd", "show bgp neighbors");
  return countUpdates(neighbors);
}

export async function agentUpdateCounts(runtime: Runtime, node: string): Promise<UpdateCounts> {
  const peers = await agentPeers(runtime, node);
  return sumOf(peers.map(({ updates }) => updates));
}

/** The speaker is there, and does not know. */
export class UncountedError extends UnreadableError {}

/** BIRD counts routes, and no messages. */
export async function birdUpdateCounts(_: Runtime, node: string): Promise<UpdateCounts> {
  throw new UncountedError(node, "birdc show protocols all", "BIRD does not count messages");
}

export async function gobgpUpdateCounts(runtime: Runtime, node: string): Promise<UpdateCounts> {
  return countGobgpUpdates(await gobgpJson(runtime, node, ["neighbor"]));
}

/** Of FRR's `show bgp neighbors json`. */
export function countUpdates(json: unknown): UpdateCounts {
  const neighbors = Object.values(json as Record<string, Neighbor>);
  return sumOf(
    neighbors.map(({ messageStats }) => ({
      received: messageStats?.updatesRecv ?? 0,
      sent: messageStats?.updatesSent ?? 0,
    })),
  );
}

type Messages = { received?: { update?: number }; sent?: { update?: number } };

/** Of `gobgp neighbor -j`. What is 0 it leaves out. */
export function countGobgpUpdates(json: unknown): UpdateCounts {
  const neighbors = Object.values(json as { state?: { messages?: Messages } }[]);
  return sumOf(
    neighbors.map(({ state }) => ({
      received: state?.messages?.received?.update ?? 0,
      sent: state?.messages?.sent?.update ?? 0,
    })),
  );
}

function sumOf(counts: readonly UpdateCounts[]): UpdateCounts {
  return {
    received: counts.reduce((sum, { received }) => sum + received, 0),
    sent: counts.reduce((sum, { sent }) => sum + sent, 0),
  };
}
