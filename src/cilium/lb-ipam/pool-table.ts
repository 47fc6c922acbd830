import { type Address, type Family, familyOf } from "../../net/address.ts";
import { addressNumber, type AddressRange, rangeContains } from "../../net/address-range.ts";
import { compareText } from "../compare-text.ts";
import type { DesiredCondition } from "../conditions.ts";
import { LabelSelectorError, matchesLabels } from "../labels.ts";
import type { CiliumLoadBalancerIPPool } from "../schema/load-balancer-ip-pool.ts";
import { FreeAddresses } from "./free-addresses.ts";
import { poolRanges } from "./pool-ranges.ts";

/** A pool with what is free of it. */
export type Pool = {
  readonly name: string;
  readonly resource: CiliumLoadBalancerIPPool;
  readonly ranges: readonly { range: AddressRange; free: FreeAddresses; total: bigint }[];
  /** Why nothing new is allocated of it: another pool, or itself, has the same addresses. */
  readonly conflict: string | undefined;
};

/** All pools with the addresses of these Services taken. Of two that overlap, the newer is in conflict. */
export function poolTable(
  resources: readonly CiliumLoadBalancerIPPool[],
  taken: Iterable<Address>,
): { pools: Pool[]; problems: string[] } {
  const problems: string[] = [];
  const pools: Pool[] = [];
  for (const resource of [...resources].sort(byAge)) {
    const { name } = resource.metadata;
    const blocks = poolRanges(resource);
    problems.push(
      ...blocks.problems.map((problem) => `CiliumLoadBalancerIPPool ${name}: ${problem}`),
    );
    const ranges = blocks.ranges.map(({ range, reserved }) => {
      const free = new FreeAddresses(range);
      const total = free.count;
      // They count as used.
      for (const address of reserved) free.take(address);
      return { range, free, total };
    });
    pools.push({ name, resource, ranges, conflict: conflictOf(name, blocks.ranges, pools) });
  }
  for (const address of taken) {
    for (const { ranges } of pools) for (const { free } of ranges) free.take(address);
  }
  return { pools, problems };
}

/** A pool in conflict itself gives nothing out that another could collide with. */
function conflictOf(
  name: string,
  ranges: readonly { range: AddressRange }[],
  older: readonly Pool[],
): string | undefined {
  for (const [index, { range }] of ranges.entries()) {
    const own = ranges.slice(index + 1).find((each) => overlaps(each.range, range));
    if (own !== undefined) return conflictText(range, own.range, name);
  }
  const usable = older.filter(({ conflict }) => conflict === undefined);
  for (const { range } of ranges) {
    for (const pool of usable) {
      const other = pool.ranges.find((each) => overlaps(each.range, range));
      if (other !== undefined) return conflictText(range, other.range, pool.name);
    }
  }
  return undefined;
}

function conflictText(a: AddressRange, b: AddressRange, pool: string): string {
  return `Pool conflicts since range '${a.first} - ${a.last}' overlaps range '${b.first} - ${b.last}' from IP Pool '${pool}'`;
}

function overlaps(a: AddressRange, b: AddressRange): boolean {
  return (
    familyOf(a.first) === familyOf(b.first) &&
    addressNumber(a.first) <= addressNumber(b.last) &&
    addressNumber(b.first) <= addressNumber(a.last)
  );
}

/** Oldest first; by name where two are of one second. */
function byAge(a: CiliumLoadBalancerIPPool, b: CiliumLoadBalancerIPPool): number {
  return (
    compareText(a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? "") ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

export function contains({ ranges }: Pool, address: Address): boolean {
  return ranges.some(({ range }) => rangeContains(range, address));
}

/** Without a selector every Service; a selector that is none selects nothing. */
export function selects({ resource }: Pool, labels: Readonly<Record<string, string>>): boolean {
  const { serviceSelector } = resource.spec;
  if (serviceSelector === undefined) return true;
  try {
    return matchesLabels(serviceSelector, labels);
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    return false;
  }
}

/** Whether new addresses come out of it. */
export function isEnabled({ resource, conflict }: Pool): boolean {
  return !resource.spec.disabled && conflict === undefined;
}

export function hasFamily({ ranges }: Pool, family: Family): boolean {
  return ranges.some(({ range }) => familyOf(range.first) === family);
}

/** Any address of the family, ranges in the pool's order. */
export function takeAny({ ranges }: Pool, family: Family): Address | undefined {
  for (const { range, free } of ranges) {
    if (familyOf(range.first) !== family) continue;
    const address = free.takeAny();
    if (address !== undefined) return address;
  }
  return undefined;
}

export function take({ ranges }: Pool, address: Address): boolean {
  return ranges.some(({ free }) => free.take(address));
}

/** Also where a pool in conflict has the address too. */
export function giveBack(pools: readonly Pool[], address: Address): void {
  for (const { resource, ranges } of pools) {
    const reserved = new Set(poolRanges(resource).ranges.flatMap((each) => each.reserved));
    for (const { range, free } of ranges) {
      if (!rangeContains(range, address) || free.has(address) || reserved.has(address)) continue;
      free.giveBack(address);
    }
  }
}

export function countsOf({ ranges }: Pool): { total: bigint; available: bigint; used: bigint } {
  let total = 0n;
  let available = 0n;
  for (const each of ranges) {
    total += each.total;
    available += each.free.count;
  }
  return { total, available, used: total - available };
}

/** What `kubectl get ippools` shows of it. */
export function poolConditions(pool: Pool): DesiredCondition[] {
  const { generation } = pool.resource.metadata;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const { total, available, used } = countsOf(pool);
  const count = (type: string, value: bigint): DesiredCondition => ({
    type: `cilium.io/${type}`,
    status: "Unknown",
    reason: "noreason",
    message: String(value),
    ...observed,
  });
  return [
    {
      type: "cilium.io/PoolConflict",
      ...(pool.conflict === undefined
        ? { status: "False", reason: "resolved", message: "" }
        : { status: "True", reason: "cidr_overlap", message: pool.conflict }),
      ...observed,
    },
    count("IPsTotal", total),
    count("IPsAvailable", available),
    count("IPsUsed", used),
  ];
}
