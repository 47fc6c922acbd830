import { nodeObject } from "../kube/controllers/nodes.ts";
import type { KubeObject } from "../kube/object.ts";
import type { KubeApi } from "../kube/server/kube-api.ts";
import type { Recorder } from "../timeline/record.ts";
import { type Fabric, findNode } from "../topology/fabric.ts";
import { DeployError } from "./exec-lines.ts";

// What the clusters of all runtimes have in common.

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
