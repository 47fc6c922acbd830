import type { CiliumNode } from "../../cilium/schema/cilium-node.ts";
import { type CiliumPodIPPool, usableOffsets } from "../../cilium/schema/pod-ip-pool.ts";
import type { Address, Family } from "../../net/address.ts";
import { parsePrefix, type Prefix, prefixFamily } from "../../net/prefix.ts";
import type { Pod } from "../kinds.ts";
import type { KubeApi } from "../server/kube-api.ts";
import { type AddressRange, type PodAddresses, podCidrRange } from "./pod-addresses.ts";
import { poolOf } from "./pod-pool-choice.ts";

const ciliumNodes = "ciliumnodes.cilium.io";
const pools = "ciliumpodippools.cilium.io";
const waitLimitMs = 10_000;

type NodePools = NonNullable<NonNullable<CiliumNode["spec"]["ipam"]>["pools"]>;
type PoolsByFamily = Partial<Record<Family, string>>;

export type PodPoolsOptions = {
  api: KubeApi;
  addresses: PodAddresses;
  /** The node has the CIDRs no more. Does not reject. */
  released: (node: string, cidrs: readonly Prefix[]) => Promise<void>;
};

/**
 * What Cilium's agent does for pods of pools other than the node's podCIDR: it asks for addresses in
 * `spec.ipam.pools.requested` of its CiliumNode, takes them from `allocated`, which the operator fills,
 * and takes out of `allocated` what no pod needs any more.
 */
export class PodPools {
  readonly #api: KubeApi;
  readonly #addresses: PodAddresses;
  readonly #released: PodPoolsOptions["released"];
  /** Pods that wait for an address, by UID. */
  readonly #pending = new Map<string, { node: string; pools: PoolsByFamily }>();
  #releases: Promise<void> = Promise.resolve();

  constructor({ api, addresses, released }: PodPoolsOptions) {
    this.#api = api;
    this.#addresses = addresses;
    this.#released = released;
  }

  /**
   * An address of each family that the node has a podCIDR of, and the CIDRs of pools that they are of.
   * Waits for what the operator gives. Throws where that does not come, or a pool is not there.
   */
  async allocate(
    pod: Pod,
    podCidrs: readonly Prefix[],
  ): Promise<{ addresses: Address[]; poolCidrs: Prefix[] }> {
    const uid = pod.metadata.uid!;
    const node = pod.spec.nodeName!;
    const chosen = this.#poolsOf(pod, podCidrs.map(prefixFamily));
    for (const [family, name] of Object.entries(chosen) as [Family, string][]) {
      const pool = this.#pool(name);
      if (!pool) throw new Error(`there is no CiliumPodIPPool ${name}`);
      if (!pool.spec[family]) throw new Error(`CiliumPodIPPool ${name} has no ${family} addresses`);
    }
    let failed = "";
    const take = () => {
      const ranges = podCidrs.map((podCidr): AddressRange | undefined => {
        const family = prefixFamily(podCidr);
        const name = chosen[family];
        return name === undefined ? podCidrRange(podCidr) : this.#freeRange(node, name, family);
      });
      const missing = podCidrs.find((_, n) => ranges[n] === undefined);
      if (missing !== undefined) {
        const family = prefixFamily(missing);
        failed = `node ${node} has no free ${family} address of pool ${chosen[family]}`;
        return undefined;
      }
      const addresses = this.#addresses.allocate(uid, ranges as AddressRange[]);
      if ("exhausted" in addresses)
        throw new Error(`no free address in podCIDR ${addresses.exhausted}`);
      this.#pending.delete(uid);
      const cidrs = (ranges as AddressRange[]).map(({ cidr }) => cidr);
      return { addresses, poolCidrs: cidrs.filter((each) => !podCidrs.includes(each)) };
    };
    if (Object.keys(chosen).length === 0) return take()!;
    this.#pending.set(uid, { node, pools: chosen });
    try {
      this.#settle(node);
      const taken = await this.#until(take);
      if (taken === undefined) throw new Error(failed);
      // What takes a released CIDR off the node must not come after what puts it there again.
      await this.#releases;
      return taken;
    } finally {
      this.#pending.delete(uid);
      this.#settle(node);
    }
  }

  /** The pod has ended: what it had goes back, with the CIDRs that nobody needs then. */
  async free(podUid: string, node: string): Promise<void> {
    this.#addresses.free(podUid);
    this.#settle(node);
    await this.#releases;
  }

  #poolsOf(pod: Pod, families: readonly Family[]): PoolsByFamily {
    const namespace = this.#api.find("namespaces", { name: pod.metadata.namespace ?? "" });
    const all = this.#api.list(pools) as CiliumPodIPPool[];
    return Object.fromEntries(
      families.flatMap((family) => {
        const pool = poolOf(pod, namespace, all, family);
        return pool === undefined ? [] : [[family, pool]];
      }),
    );
  }

  #pool(name: string): CiliumPodIPPool | undefined {
    return this.#api.find(pools, { name }) as CiliumPodIPPool | undefined;
  }

  #freeRange(node: string, pool: string, family: Family): AddressRange | undefined {
    const { allocated = [] } = this.#nodePools(node) ?? {};
    return allocated
      .filter((each) => each.pool === pool)
      .flatMap(({ cidrs = [] }) => this.#ranges(pool, cidrs, family))
      .find((range) => this.#addresses.hasFree(range));
  }

  #ranges(pool: string, cidrs: readonly string[], family: Family): AddressRange[] {
    const spec = this.#pool(pool)?.spec;
    return cidrs
      .flatMap((each) => parsePrefix(each) ?? [])
      .filter((cidr) => prefixFamily(cidr) === family)
      .map((cidr) => ({ cidr, ...usableOffsets(cidr, spec) }));
  }

  /** Writes what the node needs, and gives back what it does not. */
  #settle(node: string): void {
    const before = this.#nodePools(node);
    if (!before) return; // Its agent has not announced it yet, or it is gone.
    const waiting = [...this.#pending.values()].filter((each) => each.node === node);
    const names = [
      ...(before.allocated ?? []).map(({ pool }) => pool),
      ...waiting.flatMap((each) => Object.values(each.pools)),
    ];
    const requested: NonNullable<NodePools["requested"]> = [];
    const allocated: NonNullable<NodePools["allocated"]> = [];
    const released: Prefix[] = [];
    for (const pool of [...new Set(names)].sort()) {
      const needed: Record<string, number> = {};
      const entry = before.allocated?.find((each) => each.pool === pool);
      for (const family of ["ipv4", "ipv6"] as const) {
        const pending = waiting.filter((each) => each.pools[family] === pool).length;
        const ranges = this.#ranges(pool, entry?.cidrs ?? [], family);
        const used = ranges.reduce((sum, { cidr }) => sum + this.#addresses.used(cidr), 0);
        if (used + pending > 0) needed[`${family}-addrs`] = used + pending;
        released.push(...this.#excess(ranges, pending));
      }
      if (Object.keys(needed).length > 0) requested.push({ pool, needed });
      const cidrs = entry?.cidrs?.filter((each) => !released.includes(parsePrefix(each)!)) ?? [];
      if (entry && cidrs.length > 0) allocated.push({ ...entry, cidrs });
    }
    const wanted = { requested, ...(released.length > 0 && { allocated }) };
    if (JSON.stringify({ ...before, ...wanted }) === JSON.stringify(before)) return;
    if (requested.length === 0 && !before.requested && released.length === 0) return;
    this.#api.patch(ciliumNodes, { name: node }, { spec: { ipam: { pools: wanted } } }, "merge");
    if (released.length === 0) return;
    this.#releases = this.#releases.then(() => this.#released(node, released));
  }

  /** CIDRs that no pod has an address of, the last first, as long as those that wait have enough left. */
  #excess(ranges: readonly AddressRange[], pending: number): Prefix[] {
    const freeOf = ({ cidr, first, last }: AddressRange) =>
      last - first + 1 - this.#addresses.used(cidr);
    let free = ranges.reduce((sum, range) => sum + freeOf(range), 0);
    const excess: Prefix[] = [];
    for (const range of ranges.toReversed()) {
      if (this.#addresses.used(range.cidr) > 0 || free - freeOf(range) < pending) continue;
      free -= freeOf(range);
      excess.push(range.cidr);
    }
    return excess;
  }

  #nodePools(name: string): NodePools | undefined {
    const found = this.#api.find(ciliumNodes, { name }) as CiliumNode | undefined;
    return found && (found.spec.ipam?.pools ?? {});
  }

  /** Looks at once and at each change of a CiliumNode. */
  #until<T>(look: () => T | undefined): Promise<T | undefined> {
    const now = look();
    if (now !== undefined) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      let isDone = false;
      const finish = (then: () => void) => {
        isDone = true;
        cancel();
        unsubscribe();
        then();
      };
      const unsubscribe = this.#api.subscribe(({ resource }) => {
        if (resource !== ciliumNodes) return;
        // Not inside the change itself: what is looked at may change more.
        queueMicrotask(() => {
          if (isDone) return; // By an earlier one of several changes.
          try {
            const found = look();
            if (found !== undefined) finish(() => resolve(found));
          } catch (error) {
            finish(() => reject(error as Error));
          }
        });
      });
      const cancel = this.#api.clock.setTimer(waitLimitMs, () => finish(() => resolve(undefined)));
    });
  }
}
