import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Runtime } from "../runtime/port.ts";
import { type Prefix, parsePrefix } from "../net/prefix.ts";
import { type Cluster, type Fabric, findNode } from "../topology/fabric.ts";

const nodes: Resource = { apiVersion: "v1", plural: "nodes", namespaced: false };
const cniFile = "/etc/cni/net.d/10-spinelab.conflist";
const anyDestination = { ipv4: "0.0.0.0/0", ipv6: "::/0" } as const;

/**
 * Gives nodes, all of them where none are named, their podCIDRs: those of the fabric where it has none yet, so that node and podCIDR
 * belong together as in every other runtime. A podCIDR cannot be changed: where a cluster made
 * elsewhere has others, the fabric takes those.
 */
export async function givePodCidrs(
  client: KubeClient,
  fabric: Fabric,
  cluster: Cluster,
  names: readonly string[] = cluster.nodes,
): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const member = findNode(fabric, name)!.kubernetes!;
      const spec = (await client.get<KubeObject>(nodes, { name })).spec as NodeSpec | undefined;
      const given = podCidrsOf(spec);
      if (given.length > 0) {
        member.podCidrs = given;
        return;
      }
      if (!cluster.disableDefaultCni) return; // The controller manager is about to give it one.
      const [podCIDR] = member.podCidrs;
      await client.patch(nodes, { name }, { spec: { podCIDR, podCIDRs: member.podCidrs } });
    }),
  );
}

type NodeSpec = { podCIDR?: string; podCIDRs?: string[] };

function podCidrsOf(spec: NodeSpec | undefined): Prefix[] {
  const written = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  return written.flatMap((each) => parsePrefix(each) ?? []);
}

/**
 * The CNI configuration of a node: each pod on a veth pair of its own, with an address of the node's
 * podCIDRs and the node as its gateway. Nothing is masqueraded: the fabric routes pods.
 */
export function cniConfig(podCidrs: readonly Prefix[]): string {
  const config = {
    cniVersion: "0.3.1",
    name: "spinelab",
    plugins: [
      {
        type: "ptp",
        ipMasq: false,
        mtu: 1500,
        ipam: {
          type: "host-local",
          // A tmpfs: addresses of pods that a restart of the node ended are free again.
          dataDir: "/run/cni-ipam-state",
          routes: podCidrs.map((prefix) => ({
            dst: anyDestination[prefix.includes(":") ? "ipv6" : "ipv4"],
          })),
          ranges: podCidrs.map((prefix) => [{ subnet: prefix }]),
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/**
 * Writes the CNI configuration of every node whose pod networking is the lab's to bring; kubelet finds
 * it by itself and the node becomes Ready.
 */
export async function writeCniConfigs(
  runtime: Pick<Runtime, "writeFile">,
  fabric: Fabric,
): Promise<void> {
  const names = fabric.clusters.flatMap((each) => (each.disableDefaultCni ? each.nodes : []));
  await Promise.all(
    names.map((name) =>
      runtime.writeFile(name, cniFile, cniConfig(findNode(fabric, name)!.kubernetes!.podCidrs)),
    ),
  );
}
