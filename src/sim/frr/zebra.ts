import type { Prefix } from "../../net/prefix.ts";
import type { FibNextHop, FibRoute } from "../fib.ts";
import type { SimNode } from "../network.ts";
import type { FrrConfig, StaticRoute } from "./config.ts";

/** As `ip route` names what comes from staticd, with zebra's metric of all its routes. */
const own = { protocol: "zstatic", metric: 20 } as const;

/** What zebra and staticd put on a node by configuration: addresses of interfaces, and static routes. */
export class Zebra {
  readonly #node: SimNode;
  /** Addresses that it gave: `INTERFACE ADDRESS/LENGTH`. */
  readonly #given = new Set<string>();
  /** To which it has routes. */
  #routes: Prefix[] = [];

  constructor(node: SimNode) {
    this.#node = node;
  }

  /** Fine to be done again: what is as it should be is left alone. */
  apply({ interfaces, staticRoutes, doesNotForward }: FrrConfig): void {
    for (const family of ["ipv4", "ipv6"] as const) {
      if (doesNotForward[family] === true) this.#node.doesNotForward.add(family);
      if (doesNotForward[family] === false) this.#node.doesNotForward.delete(family);
    }
    this.#addresses(interfaces);
    const wanted = Map.groupBy(staticRoutes, ({ prefix }) => prefix);
    const gone = this.#routes.filter((prefix) => !wanted.has(prefix));
    this.#routes = [...wanted.keys()];
    for (const prefix of gone) this.#node.fib.remove(prefix, isOwn);
    for (const [prefix, routes] of wanted) this.#install(prefix, routes);
  }

  /** Its routes go with it; addresses stay. */
  stop(): void {
    this.#node.fib.removeAll(isOwn);
  }

  #addresses(interfaces: FrrConfig["interfaces"]): void {
    const wanted = new Set<string>();
    for (const [name, addresses] of interfaces) {
      for (const added of addresses) {
        const { address, prefixLength } = added;
        const key = `${name} ${address}/${prefixLength}`;
        wanted.add(key);
        const link = this.#node.interfaces.get(name);
        if (link === undefined || this.#node.ownerOf(address) !== undefined) continue;
        this.#given.add(key);
        this.#node.addAddress(name, added);
      }
    }
    for (const key of [...this.#given]) {
      if (wanted.has(key)) continue;
      this.#given.delete(key);
      const [name = "", text = ""] = key.split(" ");
      const link = this.#node.interfaces.get(name);
      const gone = link?.addresses.find((one) => `${one.address}/${one.prefixLength}` === text);
      if (gone !== undefined) this.#node.removeAddress(name, gone);
    }
  }

  #install(prefix: Prefix, routes: readonly StaticRoute[]): void {
    const { fib } = this.#node;
    const nextHops = routes.flatMap((route) => this.#nextHops(route));
    if (nextHops.length > 0) fib.replace({ ...own, prefix, kind: "unicast", nextHops });
    else if (routes.some(({ via }) => via === "blackhole")) {
      fib.replace({ ...own, prefix, kind: "blackhole", nextHops });
    } else fib.remove(prefix, isOwn);
  }

  /** Over links that are there; by way of other routes, but neither static nor default ones. */
  #nextHops({ via, interface: name }: StaticRoute): FibNextHop[] {
    if (via === "blackhole") return [];
    const { fib, interfaces } = this.#node;
    const isUp = (link: string) => interfaces.get(link)?.hasCarrier === true;
    if (name !== undefined) return isUp(name) ? [{ address: via, interface: name }] : [];
    const leads = (route: FibRoute) =>
      !isOwn(route) && !route.prefix.endsWith("/0") && route.kind === "unicast";
    return (fib.lookup(via, leads)?.nextHops ?? [])
      .filter((hop) => isUp(hop.interface))
      .map((hop) => ({ address: hop.address ?? via, interface: hop.interface }));
  }
}

function isOwn({ protocol }: FibRoute): boolean {
  return protocol === own.protocol;
}
