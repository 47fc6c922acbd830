import { nodeObject } from "../kube/controllers/nodes.ts";
import type { KubeObject } from "../kube/object.ts";
import type { KubeApi } from "../kube/server/kube-api.ts";
import type { AgentPort } from "../scenario/context.ts";
import type { Recorder } from "../timeline/record.ts";
import { type Fabric, findNode } from "../topology/fabric.ts";
import { DeployError } from "./exec-lines.ts";

// What the clusters of all runtimes have in common.

/** Agents as scenarios and labs use them. */
export type ClusterAgents = AgentPort & {
  /** From now on it is no news that they end. */
  expectAllToEnd(): void;
  /** The node is about to lose its power. */
  nodeStopping(node: string): void;
  /** It is up again; resolves when its agent is. */
  nodeStarted(node: string): Promise<void>;
};

/** Agents that the lab itself starts, and the operator on one of their nodes. */
export type StartedAgents = ClusterAgents & { startOperator(node: string): void | Promise<void> };

/**
 * An agent on each node, and the operator on the first once the manifests are `applied`: it lists them then. Meeting
 * them one by one, it would give out addresses in another order on a slower machine. Resolves when all of them are up.
 */
export function startAgents(
  agents: StartedAgents,
  nodes: readonly string[],
  prepareNode: (node: string) => Promise<void>,
  applied: Promise<void> = Promise.resolve(),
): Promise<unknown> {
  const started = Promise.all(
    nodes.map(async (node, index) => {
      await prepareNode(node);
      const operator = index === 0 && applied.then(() => agents.startOperator(node));
      await Promise.all([operator, agents.start(node)]);
    }),
  );
  // Its failure is met by whoever waits for it, later; until then it must not count as unhandled.
  started.catch(() => {});
  return started;
}

/** A node of the fabric becomes a Node, as its kubelet makes one. */
export function registerNode(api: KubeApi, fabric: Fabric, name: string): void {
  const { role, labels, taints, podCidrs, nodeAddresses } = findNode(fabric, name)!.kubernetes!;
  const node = { name, role, labels, taints, podCidrs, addresses: nodeAddresses };
  api.create("nodes", nodeObject(node, api.clock.nowMs()));
}

/** Throws DeployError naming the manifest where it is refused. `source`: `file:line`. */
export async function applyManifest(
  apply: (object: KubeObject) => Promise<unknown>,
  object: KubeObject,
  source: string,
): Promise<void> {
  try {
    await apply(object);
  } catch (error) {
    const { kind, metadata } = object;
    const message = `${source}: ${kind} ${metadata.name}: ${(error as Error).message}`;
    throw new DeployError(message, { cause: error });
  }
}

/** What fails in the background is in the timeline. */
export function errorRecorder(record: Recorder): (what: string, error: unknown) => void {
  return (what, error) => {
    const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    record({ type: "log", level: "error", message });
  };
}
