import type { Pod } from "../kube/kinds.ts";
import { isReady } from "../kube/kinds.ts";
import { type Address, type Family, familyOf, parseAddress } from "../net/address.ts";
import type { SimNode } from "../sim/network.ts";
import type { SimulatedLab } from "./simulated-lab.ts";

/** A pod that runs, as scenarios name it: `netshoot@kind-worker`. */
export type PodEnd = {
  name: string;
  /** The machine that it is on. */
  home: SimNode;
  /** The sandbox. */
  node: SimNode;
  addresses: Partial<Record<Family, Address>>;
};

/** The running pods that have a network of their own, one of each kind on each node. */
export async function podEnds({ clusters, world }: SimulatedLab): Promise<PodEnd[]> {
  const ends = new Map<string, PodEnd>();
  for (const cluster of clusters) {
    for (const object of await cluster.port.listPods()) {
      const pod = object as Pod;
      const { name, namespace = "default", labels, ownerReferences } = pod.metadata;
      const home = world.network.nodes.get(pod.spec.nodeName ?? "");
      const node = world.network.nodes.get(`${namespace}/${name}`);
      if (home?.isUp !== true || node === undefined || !isReady(pod)) continue;
      const called = `${labels?.["app"] ?? ownerReferences?.[0]?.name ?? name}@${home.name}`;
      const addresses: PodEnd["addresses"] = {};
      for (const { ip } of podIps(pod)) {
        const own = parseAddress(ip);
        if (own !== undefined && node.ownerOf(own) !== undefined) addresses[familyOf(own)] = own;
      }
      if (!ends.has(called)) ends.set(called, { name: called, home, node, addresses });
    }
  }
  return [...ends.values()];
}

function podIps({ status }: Pod): readonly { ip: string }[] {
  return (status as { podIPs?: { ip: string }[] } | undefined)?.podIPs ?? [];
}
