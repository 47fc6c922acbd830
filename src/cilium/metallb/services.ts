import { poolLabel } from "./pools.ts";

type Written = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; [field: string]: unknown };
  [field: string]: unknown;
};

const prefixes = ["metallb.universe.tf/", "metallb.io/"];
const renamed: Readonly<Record<string, string>> = {
  loadBalancerIPs: "lbipam.cilium.io/ips",
  "allow-shared-ip": "lbipam.cilium.io/sharing-key",
};

/**
 * A Service of which MetalLB's annotations became Cilium's: addresses and sharing keys, and a label
 * for the pool. Undefined: it has none of them. `labelledPools`: those that select by that label.
 */
export function convertedService(
  service: Written,
  labelledPools: ReadonlySet<string>,
  notes: string[],
): Written | undefined {
  const { name } = service.metadata;
  const annotations = (service.metadata["annotations"] ?? {}) as Record<string, string>;
  const labels: Record<string, string> = { ...service.metadata.labels };
  let isMetallbs = false;
  const kept = Object.entries(annotations).flatMap(([key, value]) => {
    const prefix = prefixes.find((each) => key.startsWith(each));
    if (prefix === undefined) return [[key, value]];
    isMetallbs = true;
    const what = key.slice(prefix.length);
    const now = renamed[what];
    if (now !== undefined) return [[now, value]];
    if (what === "address-pool") {
      labels[poolLabel] = value;
      if (labelledPools.has(value)) return [];
      notes.push(
        `Service ${name}: it was for pool ${value}; let that CiliumLoadBalancerIPPool, and no other, select ${poolLabel}: ${value}`,
      );
    } else notes.push(`Service ${name}: Cilium has no annotation in the place of ${key}`);
    return [];
  });
  if (!isMetallbs) return undefined;
  const metadata = {
    ...service.metadata,
    ...(Object.keys(labels).length > 0 && { labels }),
    annotations: Object.fromEntries(kept),
  };
  return { ...service, metadata };
}
