import { type Address, familyOf } from "../net/address.ts";
import { addressBits, type Prefix, prefixOf } from "../net/prefix.ts";
import { type KernelHop, type KernelRoute, RouteTable, RouteType } from "../sys/kernel-route.ts";

/** How an address is reached: over these hops, each on a link, at the metric of the route that leads there. */
export type Resolved = { hops: readonly KernelHop[]; metric: number };

/** The kernel's routes as a value: what others than Spinelab put there. */
export class KernelTable {
  readonly #routes = new Map<Prefix, KernelRoute[]>();

  clear(): void {
    this.#routes.clear();
  }

  /** In the place of an earlier one of the same table, metric and protocol. */
  add(route: KernelRoute): void {
    this.delete(route);
    const others = this.#routes.get(route.prefix) ?? [];
    this.#routes.set(route.prefix, [...others, route]);
  }

  delete(route: KernelRoute): void {
    const left = this.to(route.prefix).filter((other) => !isSame(other, route));
    if (left.length > 0) this.#routes.set(route.prefix, left);
    else this.#routes.delete(route.prefix);
  }

  prefixes(): Iterable<Prefix> {
    return this.#routes.keys();
  }

  /** Of every table. */
  to(prefix: Prefix): readonly KernelRoute[] {
    return this.#routes.get(prefix) ?? [];
  }

  /** Whether the prefix is on a link of this machine, or is an address of its own. */
  isConnected(prefix: Prefix, table: number): boolean {
    return this.#usable(prefix, table).some(
      ({ type, hops }) =>
        type === RouteType.local ||
        (type === RouteType.unicast && hops.some(({ gateway }) => gateway === undefined)),
    );
  }

  /**
   * The longest match in `table`, the main and the local table; hops whose link is down count as not
   * there. Undefined: no route, one that leads nowhere, or an address of this machine itself.
   */
  resolve(address: Address, table: number): Resolved | undefined {
    for (let length = addressBits(familyOf(address)); length >= 0; length--) {
      const [best] = this.#usable(prefixOf(address, length), table).toSorted(
        (a, b) => a.metric - b.metric,
      );
      if (best === undefined) continue;
      if (best.type !== RouteType.unicast) return undefined;
      const hops = best.hops
        .filter(({ isDown }) => !isDown)
        .map(({ gateway = address, interfaceIndex }) => ({ gateway, interfaceIndex }));
      return { hops, metric: best.metric };
    }
    return undefined;
  }

  /** Routes that the kernel would take: one over links that are all down is none. */
  #usable(prefix: Prefix, table: number): KernelRoute[] {
    return this.to(prefix).filter(
      (route) =>
        [table, RouteTable.main, RouteTable.local].includes(route.table) &&
        (route.hops.length === 0 || route.hops.some(({ isDown }) => !isDown)),
    );
  }
}

function isSame(a: KernelRoute, b: KernelRoute): boolean {
  return (
    a.table === b.table &&
    a.metric === b.metric &&
    a.protocol === b.protocol &&
    a.type === b.type &&
    // One prefix can be on several links: fe80::/64 mostly is.
    (a.hops[0]?.gateway !== undefined || a.hops[0]?.interfaceIndex === b.hops[0]?.interfaceIndex)
  );
}
