import type { CiliumNode } from "../../cilium/schema/cilium-node.ts";
import type { CiliumPodIPPool } from "../../cilium/schema/pod-ip-pool.ts";
import type { Address } from "../../net/address.ts";
import { parsePrefix, type Prefix, prefixFamily } from "../../net/prefix.ts";
import { isActive, type Pod } from "../kinds.ts";
import type { KubeApi } from "../server/kube-api.ts";
import type { PodAddresses } from "./pod-addresses.ts";

/** By which a pod, or its namespace, asks for addresses of a CiliumPodIPPool. */
const annotation = "ipam.cilium.io/ip-pool";
const ciliumNodes = "ciliumnodes.cilium.io";
const pools = "ciliumpodippools.cilium.io";
const waitLimitMs = 10_000;

/**
 * What Cilium's agent does for pods of a pool other than the node's podCIDR: it asks for addresses in
 * `spec.ipam.pools.requested` of its CiliumNode and takes them from `allocated`, which the operator fills.
 */
export class PodPools {
  readonly #api: KubeApi;
  readonly #addresses: PodAddresses;

  constructor(api: KubeApi, addresses: PodAddresses) {
    this.#api = api;
    this.#addresses = addresses;
  }

  /** The pool that the pod is to have its addresses from; undefined: the node's podCIDRs. */
  poolOf({ metadata }: Pod): string | undefined {
    const own = metadata.annotations?.[annotation];
    if (own !== undefined) return own;
    const namespace = this.#api.find("namespaces", { name: metadata.namespace ?? "" });
    return namespace?.metadata.annotations?.[annotation];
  }

  /** Waits for what the operator gives. Throws where that does not come, or the pool is not there. */
  async allocate(pod: Pod, pool: string): Promise<{ addresses: Address[]; cidrs: Prefix[] }> {
    const node = pod.spec.nodeName!;
    const found = this.#api.find(pools, { name: pool }) as CiliumPodIPPool | undefined;
    if (!found) throw new Error(`there is no CiliumPodIPPool ${pool}`);
    const families = (["ipv4", "ipv6"] as const).filter((family) => found.spec[family]);
    let failed = "";
    const take = () => {
      this.#request(node, pool, families);
      const free = families.map((family) =>
        this.#allocated(node, pool).find(
          (each) => prefixFamily(each) === family && this.#addresses.hasFree(each, 1),
        ),
      );
      const missing = families.filter((_, n) => free[n] === undefined);
      failed = `node ${node} has no free ${missing.join(" and ")} address of pool ${pool}`;
      if (missing.length > 0) return undefined;
      const addresses = this.#addresses.allocate(pod.metadata.uid!, free as Prefix[], 1);
      if ("exhausted" in addresses) return undefined;
      return { addresses, cidrs: free as Prefix[] };
    };
    return (await this.#until(take)) ?? Promise.reject(new Error(failed));
  }

  #allocated(node: string, pool: string): Prefix[] {
    const { allocated = [] } = this.#ciliumNode(node)?.spec.ipam?.pools ?? {};
    return allocated
      .filter((each) => each.pool === pool)
      .flatMap(({ cidrs = [] }) => cidrs.flatMap((each) => parsePrefix(each) ?? []));
  }

  /** As many addresses as the node has pods of the pool. */
  #request(node: string, pool: string, families: readonly ("ipv4" | "ipv6")[]): void {
    const before = this.#ciliumNode(node);
    if (!before) return; // Its agent has not announced it yet.
    const count = (this.#api.list("pods") as Pod[]).filter(
      (each) => each.spec.nodeName === node && isActive(each) && this.poolOf(each) === pool,
    ).length;
    const { requested = [] } = before.spec.ipam?.pools ?? {};
    const needed = Object.fromEntries(families.map((family) => [`${family}-addrs`, count]));
    const known = requested.find((each) => each.pool === pool);
    if (JSON.stringify(known?.needed) === JSON.stringify(needed)) return;
    const others = requested.filter((each) => each.pool !== pool);
    const wanted = { requested: [...others, { pool, needed }] };
    this.#api.patch(ciliumNodes, { name: node }, { spec: { ipam: { pools: wanted } } }, "merge");
  }

  #ciliumNode(name: string): CiliumNode | undefined {
    return this.#api.find(ciliumNodes, { name }) as CiliumNode | undefined;
  }

  /** Looks at once and at each change of a CiliumNode. */
  #until<T>(look: () => T | undefined): Promise<T | undefined> {
    const now = look();
    if (now !== undefined) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const finish = (then: () => void) => {
        cancel();
        unsubscribe();
        then();
      };
      const unsubscribe = this.#api.subscribe(({ resource }) => {
        if (resource !== ciliumNodes) return;
        // Not inside the change itself: what is looked at may change more.
        queueMicrotask(() => {
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
