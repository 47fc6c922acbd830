import { type Prefix, parsePrefix, prefixFamily } from "../net/prefix.ts";
import { acceptStatement, type RankedStatement, statementPriority } from "./export-policy.ts";
import { InstanceError } from "./instance-error.ts";
import { LabelSelectorError, matchesLabels } from "./labels.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumPodIPPool } from "./schema/pod-ip-pool.ts";
import type { SelectedAdvertisements, SelectedEntry } from "./selected-advertisements.ts";
import { unitedAttributes } from "./united-attributes.ts";

/**
 * What `CiliumPodIPPool` advertisements make of a peer: the CIDRs that the node has from the pools
 * that the selector matches, one statement for each pool.
 */
export function podIpPoolStatements(
  node: CiliumNode,
  pools: readonly CiliumPodIPPool[],
  selected: readonly SelectedAdvertisements[],
): { originate: Prefix[]; statements: RankedStatement[] } {
  const originate: Prefix[] = [];
  const statements: RankedStatement[] = [];
  for (const { pool: name, cidrs = [] } of node.spec.ipam?.pools?.allocated ?? []) {
    const pool = pools.find(({ metadata }) => metadata.name === name);
    if (pool === undefined) continue;
    for (const { family, advertisements } of selected) {
      const own = advertisements.filter(({ entry }) => selects(entry, pool));
      const prefixes = cidrs.map(parsed).filter((each) => prefixFamily(each) === family.afi);
      if (own.length === 0 || prefixes.length === 0) continue;
      originate.push(...prefixes);
      const attributes = unitedAttributes(own.map(({ entry }) => entry.attributes));
      statements.push({
        priority: statementPriority.podIpPool,
        statement: acceptStatement(`CiliumPodIPPool-${name}-${family.afi}`, prefixes, attributes),
      });
    }
  }
  return { originate, statements };
}

/** By the pool's labels and `io.cilium.podippool.name`; without a selector nothing is selected. */
function selects(
  { advertisementType, selector }: SelectedEntry["entry"],
  { metadata }: CiliumPodIPPool,
): boolean {
  if (advertisementType !== "CiliumPodIPPool" || selector === undefined) return false;
  const labels = {
    ...metadata.labels,
    "io.cilium.podippool.name": metadata.name,
    // The resource has none; the label is there all the same.
    "io.cilium.podippool.namespace": "",
  };
  try {
    return matchesLabels(selector, labels);
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    throw new InstanceError(`advertisements[].selector: ${error.message}`, { cause: error });
  }
}

function parsed(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new InstanceError(`failed to parse prefix ${text}`);
  return prefix;
}
