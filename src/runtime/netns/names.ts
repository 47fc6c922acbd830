import { existsSync } from "node:fs";
import type { Fabric, FabricNode } from "../../topology/fabric.ts";
import { ipBatch } from "./ip.ts";

/** Names of a node's namespace in `ip netns`: one for the node and one for each of its sidecars. */
export function namespaceNames(fabric: Fabric, node: FabricNode): string[] {
  const prefix = fabric.prefix === "" ? "" : `${fabric.prefix}-`;
  return [node.name, ...node.aliases].map((name) => prefix + name);
}

export async function attachNames(names: { name: string; pid: number }[]): Promise<void> {
  for (const { name } of names) {
    if (existsSync(`/run/netns/${name}`)) {
      throw new Error(`a network namespace ${name} exists already (ip netns list)`);
    }
  }
  const batch = names.map(({ name, pid }) => `netns attach ${name} ${pid}\n`).join("");
  await ipBatch([], batch, "names of namespaces");
}

/** Fine where a name is gone already. */
export async function detachNames(names: string[]): Promise<void> {
  const present = names.filter((name) => existsSync(`/run/netns/${name}`));
  const batch = present.map((name) => `netns delete ${name}\n`).join("");
  if (batch !== "") await ipBatch([], batch, "names of namespaces");
}
