import { type Address, addressToBytes, type Family, familyOf } from "../net/address.ts";
import { addressBits, type Prefix, prefixFamily, prefixLength, prefixOf } from "../net/prefix.ts";

/** A route as Linux has it. Of one prefix the route of the lowest metric counts. */
export type FibRoute = {
  prefix: Prefix;
  kind: "unicast" | "blackhole" | "unreachable";
  /** As `ip route` words it: `kernel`, `boot`, `static`, `zstatic`, `bgp`, `ra`. */
  protocol: string;
  metric: number;
  /** Several for ECMP; none where `kind` is not unicast. */
  nextHops: readonly FibNextHop[];
  /** Of what the node itself sends that way, where it is not an address of the interface (`src`). */
  source?: Address;
};

/** Without an address the destination itself is on the link. */
export type FibNextHop = { address?: Address; interface: string };

/** The main routing table of one node, both families. */
export class Fib {
  readonly #tables: Record<Family, Map<number, Map<Prefix, FibRoute[]>>> = {
    ipv4: new Map(),
    ipv6: new Map(),
  };
  /** Lengths in use, the longest first. */
  readonly #lengths: Record<Family, number[]> = { ipv4: [], ipv6: [] };
  readonly #onChange: (change: "add" | "delete", route: FibRoute) => void;

  constructor(onChange: (change: "add" | "delete", route: FibRoute) => void) {
    this.#onChange = onChange;
  }

  /** In place of the route of the same prefix, metric and protocol, if there is one. */
  replace(route: FibRoute): void {
    const family = prefixFamily(route.prefix);
    const length = prefixLength(route.prefix);
    let ofLength = this.#tables[family].get(length);
    if (ofLength === undefined) {
      this.#tables[family].set(length, (ofLength = new Map()));
      this.#lengths[family] = [...this.#tables[family].keys()].sort((a, b) => b - a);
    }
    const routes = ofLength.get(route.prefix) ?? [];
    const at = routes.findIndex((old) => isSameKey(old, route));
    if (at >= 0 && isSameRoute(routes[at]!, route)) return;
    const others = routes.filter((_, i) => i !== at);
    ofLength.set(
      route.prefix,
      [...others, route].sort((a, b) => a.metric - b.metric),
    );
    this.#onChange("add", route);
  }

  /** Every route that `which` picks. */
  remove(prefix: Prefix, which: (route: FibRoute) => boolean): void {
    const ofLength = this.#tables[prefixFamily(prefix)].get(prefixLength(prefix));
    const routes = ofLength?.get(prefix);
    if (ofLength === undefined || routes === undefined) return;
    const gone = routes.filter(which);
    if (gone.length === 0) return;
    const left = routes.filter((route) => !gone.includes(route));
    if (left.length === 0) ofLength.delete(prefix);
    else ofLength.set(prefix, left);
    for (const route of gone) this.#onChange("delete", route);
  }

  removeAll(which: (route: FibRoute) => boolean): void {
    for (const { prefix } of this.routes().filter(which)) this.remove(prefix, which);
  }

  /** The route of the longest prefix that holds the address. */
  lookup(to: Address, usable: (route: FibRoute) => boolean = () => true): FibRoute | undefined {
    const family = familyOf(to);
    for (const length of this.#lengths[family]) {
      const routes = this.#tables[family].get(length)!.get(prefixOf(to, length));
      const found = routes?.find(usable);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Those of exactly this prefix, the one that counts first. */
  at(prefix: Prefix): readonly FibRoute[] {
    return this.#tables[prefixFamily(prefix)].get(prefixLength(prefix))?.get(prefix) ?? [];
  }

  /** In the order of `ip route`: by family and address. */
  routes(): FibRoute[] {
    return (["ipv4", "ipv6"] as const).flatMap((family) =>
      [...this.#tables[family].values()]
        .flatMap((ofLength) => [...ofLength.values()].flat())
        .sort((a, b) => compareRoutes(a, b)),
    );
  }
}

function isSameKey(a: FibRoute, b: FibRoute): boolean {
  return a.metric === b.metric && a.protocol === b.protocol;
}

function isSameRoute(a: FibRoute, b: FibRoute): boolean {
  return (
    a.kind === b.kind &&
    a.source === b.source &&
    a.nextHops.length === b.nextHops.length &&
    a.nextHops.every((hop, i) => {
      const other = b.nextHops[i]!;
      return hop.address === other.address && hop.interface === other.interface;
    })
  );
}

function compareRoutes(a: FibRoute, b: FibRoute): number {
  const [x, y] = [a, b].map(({ prefix }) =>
    addressToBytes(prefix.slice(0, prefix.indexOf("/")) as Address),
  ) as [Uint8Array, Uint8Array];
  return (
    Buffer.compare(x, y) || prefixLength(a.prefix) - prefixLength(b.prefix) || a.metric - b.metric
  );
}

/** The host's own prefix: /32 or /128. */
export function hostPrefix(of: Address): Prefix {
  return prefixOf(of, addressBits(familyOf(of)));
}
