import { type Resource, resource, written } from "../converted.ts";
import type { LabelSelector } from "../schema/label-selector.ts";
import type { IPAddressPool } from "./schema.ts";

/** On Services that MetalLB's annotation `address-pool` put into a pool, and in that pool's selector. */
export const poolLabel = "lbipam.spinelab.io/pool";

/** The label under which LB-IPAM sees a Service's namespace. */
const namespaceLabel = "io.kubernetes.service.namespace";

/** A CiliumLoadBalancerIPPool with the addresses and the Services of an IPAddressPool. */
export function convertedPool(
  { metadata: { name }, spec }: IPAddressPool,
  notes: string[],
): Resource {
  if (spec.avoidBuggyIPs) {
    notes.push(
      `IPAddressPool ${name}: avoidBuggyIPs keeps every address that ends in .0 or .255; allowFirstLastIPs: No keeps the first and the last of each prefix`,
    );
  }
  const serviceSelector = servicesOf(name, spec, notes);
  const allowFirstLastIPs = spec.avoidBuggyIPs ? "No" : undefined;
  return resource(
    "CiliumLoadBalancerIPPool",
    { name },
    written({ allowFirstLastIPs, blocks: spec.addresses.map(blockOf), serviceSelector }),
  );
}

function blockOf(range: string): object {
  const [start, stop] = range.split("-");
  return stop === undefined ? { cidr: range } : { start: start!.trim(), stop: stop.trim() };
}

/** Undefined: all. */
export function servicesOf(
  name: string,
  { autoAssign, serviceAllocation }: IPAddressPool["spec"],
  notes: string[],
): LabelSelector | undefined {
  if (!autoAssign) {
    notes.push(
      `IPAddressPool ${name}: autoAssign is false; the pool is now for Services with the label ${poolLabel}: ${name}`,
    );
    return { matchLabels: { [poolLabel]: name } };
  }
  if (serviceAllocation === undefined) return undefined;
  const {
    priority,
    namespaces = [],
    namespaceSelectors = [],
    serviceSelectors = [],
  } = serviceAllocation;
  if (priority !== undefined) {
    notes.push(`IPAddressPool ${name}: a pool of Cilium has no priority`);
  }
  if (namespaceSelectors.length > 0) {
    notes.push(
      `IPAddressPool ${name}: Cilium selects namespaces by name, not by label: write them under ${namespaceLabel}`,
    );
  }
  if (serviceSelectors.length > 1) {
    notes.push(
      `IPAddressPool ${name}: only the first of ${serviceSelectors.length} serviceSelectors; a pool of Cilium has one`,
    );
  }
  const [first = {}] = serviceSelectors;
  const expressions = [
    ...(first.matchExpressions ?? []),
    ...(namespaces.length > 0
      ? [{ key: namespaceLabel, operator: "In" as const, values: namespaces }]
      : []),
  ];
  const selector = { ...first, ...(expressions.length > 0 && { matchExpressions: expressions }) };
  return Object.keys(selector).length === 0 ? undefined : selector;
}
