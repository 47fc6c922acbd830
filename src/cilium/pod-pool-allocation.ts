import { parsePrefix, type Prefix, prefixContains, prefixFamily, subnet } from "../net/prefix.ts";
import type { Family } from "../net/address.ts";
import { compareText } from "./compare-text.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import { type CiliumPodIPPool, usableOffsets } from "./schema/pod-ip-pool.ts";

type Allocated = { pool: string; cidrs: string[] };

/** What the operator writes: a node's `spec.ipam.pools.allocated`, whole. */
export type PodPoolAllocation = { node: string; allocated: Allocated[] };

export type PodPoolResult = { changes: PodPoolAllocation[]; errors: string[] };

/**
 * Multi-pool IPAM: nodes whose `spec.ipam.pools.requested` needs more addresses than they have get
 * further CIDRs of the pool, of its `maskSize`, the lowest that are free. What a node has it keeps until
 * its agent takes it out of `allocated`: then it is free for all nodes.
 */
export function allocatePodPools(
  nodes: readonly CiliumNode[],
  pools: readonly CiliumPodIPPool[],
): PodPoolResult {
  const result: PodPoolResult = { changes: [], errors: [] };
  const taken = nodes.flatMap(({ spec }) =>
    (spec.ipam?.pools?.allocated ?? []).flatMap(({ cidrs = [] }) =>
      cidrs.flatMap((each) => parsePrefix(each) ?? []),
    ),
  );
  for (const { metadata, spec } of nodes.toSorted((a, b) =>
    compareText(a.metadata.name, b.metadata.name),
  )) {
    const { requested = [], allocated: before = [] } = spec.ipam?.pools ?? {};
    const allocated = new Map(before.map(({ pool, cidrs = [] }) => [pool, [...cidrs]]));
    let isChanged = false;
    for (const { pool: name, needed = {} } of requested) {
      const pool = pools.find((each) => each.metadata.name === name);
      if (pool === undefined) {
        result.errors.push(`node ${metadata.name}: there is no CiliumPodIPPool ${name}`);
        continue;
      }
      const cidrs = allocated.get(name) ?? [];
      for (const family of ["ipv4", "ipv6"] as const) {
        const wanted = needed[`${family}-addrs`] ?? 0;
        while (room(pool, cidrs, family) < wanted) {
          const next = lowestFree(pool, family, taken);
          if (next === undefined) {
            result.errors.push(`node ${metadata.name}: pool ${name} has no ${family} CIDR left`);
            break;
          }
          taken.push(next);
          cidrs.push(next);
          isChanged = true;
        }
      }
      if (cidrs.length > 0) allocated.set(name, cidrs);
    }
    if (!isChanged) continue;
    const list = Array.from(allocated, ([pool, cidrs]) => ({ pool, cidrs }));
    const sorted = list.sort((a, b) => compareText(a.pool, b.pool));
    result.changes.push({ node: metadata.name, allocated: sorted });
  }
  return result;
}

function room({ spec }: CiliumPodIPPool, cidrs: readonly string[], family: Family): number {
  return cidrs
    .flatMap((each) => parsePrefix(each) ?? [])
    .filter((each) => prefixFamily(each) === family)
    .map((each) => usableOffsets(each, spec))
    .reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

function lowestFree(
  { spec }: CiliumPodIPPool,
  family: Family,
  taken: readonly Prefix[],
): Prefix | undefined {
  const { cidrs = [], maskSize = 0 } = spec[family] ?? {};
  for (const cidr of cidrs) {
    const whole = parsePrefix(cidr);
    if (whole === undefined) continue;
    for (let n = 0; ; n++) {
      const next = subnet(whole, maskSize, n);
      if (next === undefined) break;
      const isTaken = taken.some(
        (each) => prefixContains(each, next) || prefixContains(next, each),
      );
      if (!isTaken) return next;
    }
  }
  return undefined;
}
