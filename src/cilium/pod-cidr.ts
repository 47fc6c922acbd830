import { type Prefix, parsePrefix, prefixFamily } from "../net/prefix.ts";
import { acceptStatement, type RankedStatement, statementPriority } from "./export-policy.ts";
import { InstanceError } from "./instance-error.ts";
import type { SelectedAdvertisements } from "./selected-advertisements.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";

/** The node's podCIDRs, each once. Throws InstanceError where one is no prefix. */
export function podCidrsOf(node: CiliumNode): Prefix[] {
  const prefixes = (node.spec.ipam?.podCIDRs ?? []).map((text) => {
    const parsed = parsePrefix(text);
    if (parsed === undefined) throw new InstanceError(`failed to parse prefix ${text}`);
    return parsed;
  });
  return [...new Set(prefixes)];
}

/**
 * What `PodCIDR` advertisements make of a peer: the prefixes it needs in the loc-rib and the export
 * statements `PodCIDR-ipv4`, `PodCIDR-ipv6` that let them out to it.
 */
export function podCidrStatements(
  podCidrs: readonly Prefix[],
  selected: readonly SelectedAdvertisements[],
): { originate: Prefix[]; statements: RankedStatement[]; warnings: string[] } {
  const originate: Prefix[] = [];
  const statements: RankedStatement[] = [];
  const warnings: string[] = [];
  for (const { family, advertisements } of selected) {
    const own = advertisements.filter(({ entry }) => entry.advertisementType === "PodCIDR");
    const prefixes = podCidrs.filter((prefix) => prefixFamily(prefix) === family.afi);
    // Statements of one name do not add up: the last one written is the one that counts.
    const last = own.at(-1);
    if (last === undefined || prefixes.length === 0) continue;
    if (own.length > 1) {
      const names = own.map(({ resource }) => resource).join(", ");
      warnings.push(
        `${own.length} PodCIDR advertisements are selected for ${family.afi} (in ${names}): ` +
          `they are not merged, the last one in ${last.resource} counts`,
      );
    }
    originate.push(...prefixes);
    statements.push({
      priority: statementPriority.podCidr,
      statement: acceptStatement(`PodCIDR-${family.afi}`, prefixes, last.entry.attributes),
    });
  }
  return { originate, statements, warnings };
}
