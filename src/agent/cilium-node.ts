import type { KubeObject } from "../kube/object.ts";

type NodeSpec = { podCIDR?: string; podCIDRs?: string[] };
type NodeStatus = { addresses?: { type: string; address: string }[] };

/**
 * The CiliumNode of a Kubernetes node, as Cilium's agent keeps it with `ipam.mode=kubernetes`: the
 * node's labels, addresses and podCIDRs. What else an existing one holds is kept.
 */
export function ciliumNodeOf(node: KubeObject, existing: KubeObject | undefined): KubeObject {
  const spec = (node.spec ?? {}) as NodeSpec;
  const status = (node.status ?? {}) as NodeStatus;
  const podCIDRs = spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR]);
  const annotations = { ...existing?.metadata.annotations };
  for (const [key, value] of Object.entries(node.metadata.annotations ?? {})) {
    if (key.startsWith("cilium.io/")) annotations[key] = value;
  }
  const existingSpec = (existing?.spec ?? {}) as { ipam?: object };
  return {
    ...existing,
    apiVersion: "cilium.io/v2",
    kind: "CiliumNode",
    metadata: {
      ...existing?.metadata,
      name: node.metadata.name,
      ...(node.metadata.labels === undefined ? {} : { labels: node.metadata.labels }),
      // Annotations of Cilium's own: `cilium.io/bgp-virtual-router.ASN`.
      ...(Object.keys(annotations).length > 0 && { annotations }),
      // Garbage collection takes the CiliumNode away with its Node.
      ownerReferences: [
        { apiVersion: "v1", kind: "Node", name: node.metadata.name, uid: node.metadata.uid ?? "" },
      ],
    },
    spec: {
      ...existingSpec,
      addresses: (status.addresses ?? [])
        .filter(({ type }) => type === "InternalIP" || type === "ExternalIP")
        .map(({ type, address }) => ({ type, ip: address })),
      ipam: { ...existingSpec.ipam, podCIDRs },
    },
  };
}
