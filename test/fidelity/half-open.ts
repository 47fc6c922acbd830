import { readSessions } from "../../src/observe/router.ts";
import type { LabContext } from "../../src/scenario/context.ts";
import type { FabricNode } from "../../src/topology/fabric.ts";
import { families, isLookedAt, peerNode } from "./state.ts";

/**
 * Whether a session is Established at one end only, as where the other has lost its power or its cable without a word.
 * It ends with its hold time, and nothing is at rest until then.
 */
export async function hasHalfOpenSession(context: LabContext): Promise<boolean> {
  const nodes = context.fabric.nodes.filter(isLookedAt);
  const peersOf = new Map(
    await Promise.all(
      nodes.map(async (node) => [node.name, await establishedPeers(context, node)] as const),
    ),
  );
  return [...peersOf].some(([node, peers]) =>
    [...peers].some((peer) => peer === undefined || peersOf.get(peer)?.has(node) === false),
  );
}

/** Nodes, by name; undefined for an address that no node has any more. None where nobody answers. */
async function establishedPeers(
  { names, runtime }: LabContext,
  node: FabricNode,
): Promise<Set<string | undefined>> {
  const sessions = await Promise.all(
    families.map((family) => readSessions(runtime, node, family).catch(() => [])),
  );
  const established = sessions.flat().filter(({ state }) => state === "Established");
  return new Set(established.map(({ peer }) => peerNode(names, node, peer)));
}
