import type { NextHop, RouteChange } from "../bgp/speaker/route-feed.ts";
import { type Address, isLinkLocal } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { FibNextHop, FibRoute } from "./fib.ts";
import type { NetworkChange, SimNode } from "./network.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export type BgpRoutesOptions = {
  node: SimNode;
  clock: VirtualClock;
  metric: number;
  /** How long a change takes to reach the kernel. */
  delayMs: number;
  /** Next hops resolve by the default route as well (FRR: `ip nht resolve-via-default`). */
  resolveViaDefault: boolean;
  interfaceOf: (peer: string) => string | undefined;
  /** Next hops that were asked about, when how they are reached has changed. */
  tell: (told: { nextHop: Address; cost: number | undefined }[]) => void;
};

/** What zebra does for bgpd: its routes in the node's table where nothing better is, and what becomes of next hops. */
export class BgpRoutes {
  readonly #options: BgpRoutesOptions;
  readonly #wanted = new Map<Prefix, readonly NextHop[]>();
  readonly #dirty = new Set<Prefix>();
  readonly #asked = new Map<Address, number | undefined>();
  readonly #new = new Set<Address>();
  readonly #stopListening: () => void;
  #isPlanned = false;
  #isLookPlanned = false;
  #isClosed = false;

  constructor(options: BgpRoutesOptions) {
    this.#options = options;
    this.#stopListening = options.node.onChange((change) => this.#heard(change));
  }

  take(changes: readonly RouteChange[]): void {
    for (const { prefix, nextHops } of changes) {
      if (nextHops.length > 0) this.#wanted.set(prefix, nextHops);
      else this.#wanted.delete(prefix);
      this.#dirty.add(prefix);
    }
    this.#plan();
  }

  ask(nextHop: Address): void {
    this.#new.add(nextHop);
    this.#planLook();
  }

  /** Leaves routes as they are, or takes them away. */
  close(how: "leave" | "withdraw"): void {
    this.#isClosed = true;
    this.#stopListening();
    if (how === "withdraw") this.#options.node.fib.removeAll(isOwn);
  }

  #heard(change: NetworkChange): void {
    if (change.change === "route" && isOwn(change.route)) return;
    for (const prefix of this.#wanted.keys()) this.#dirty.add(prefix);
    this.#plan();
    this.#planLook();
  }

  #plan(): void {
    if (this.#isPlanned || this.#dirty.size === 0) return;
    this.#isPlanned = true;
    const { node, clock, delayMs } = this.#options;
    node.processes.setTimer(clock, delayMs, () => {
      this.#isPlanned = false;
      if (this.#isClosed) return;
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      for (const prefix of dirty) this.#install(prefix);
    });
  }

  #install(prefix: Prefix): void {
    const { node, metric } = this.#options;
    const { fib } = node;
    const hops = (this.#wanted.get(prefix) ?? []).flatMap((hop) => this.#resolve(hop));
    const isTaken = fib.at(prefix).some((route) => !isOwn(route));
    const own = { prefix, protocol: "bgp", metric };
    const leadsNowhere = (this.#wanted.get(prefix) ?? []).some(
      ({ address }) => !isLinkLocal(address) && this.#reaching(address)?.kind === "blackhole",
    );
    if (!isTaken && hops.length === 0 && leadsNowhere) {
      return fib.replace({ ...own, kind: "blackhole", nextHops: [] });
    }
    if (hops.length === 0 || isTaken) return fib.remove(prefix, isOwn);
    const nextHops = hops.filter(
      (hop, i) =>
        hops.findIndex((one) => one.address === hop.address && one.interface === hop.interface) ===
        i,
    );
    fib.replace({ ...own, kind: "unicast", nextHops });
  }

  #resolve({ address, peer }: NextHop): FibNextHop[] {
    const { node, interfaceOf } = this.#options;
    if (isLinkLocal(address)) {
      const link = interfaceOf(peer);
      const isUp = link !== undefined && node.interfaces.get(link)?.hasCarrier === true;
      return isUp ? [{ address, interface: link }] : [];
    }
    const route = this.#reaching(address);
    return (route?.nextHops ?? []).map((hop) => ({ address, ...hop }));
  }

  /** Not by routes of BGP itself. A link without carrier reaches nothing; a blackhole is a way, to nowhere. */
  #reaching(to: Address): FibRoute | undefined {
    const { node, resolveViaDefault } = this.#options;
    const isUsable = (route: FibRoute) =>
      !isOwn(route) &&
      (resolveViaDefault || !route.prefix.endsWith("/0")) &&
      (route.kind === "blackhole" ||
        route.nextHops.some((hop) => node.interfaces.get(hop.interface)?.hasCarrier === true));
    return node.fib.lookup(to, isUsable);
  }

  #planLook(): void {
    if (this.#isLookPlanned || (this.#asked.size === 0 && this.#new.size === 0)) return;
    this.#isLookPlanned = true;
    const { node, clock } = this.#options;
    node.processes.setTimer(clock, 0, () => {
      this.#isLookPlanned = false;
      if (!this.#isClosed) this.#look();
    });
  }

  #look(): void {
    const told: { nextHop: Address; cost: number | undefined }[] = [];
    for (const nextHop of new Set([...this.#asked.keys(), ...this.#new])) {
      const cost = isLinkLocal(nextHop) ? 0 : costOf(this.#reaching(nextHop));
      const isKnown = this.#asked.has(nextHop) && this.#asked.get(nextHop) === cost;
      this.#asked.set(nextHop, cost);
      if (!isKnown || this.#new.has(nextHop)) told.push({ nextHop, cost });
    }
    this.#new.clear();
    if (told.length > 0) this.#options.tell(told);
  }
}

/** To zebra what is connected costs nothing, whatever metric the kernel gave it. */
function costOf(route: FibRoute | undefined): number | undefined {
  return route?.protocol === "kernel" ? 0 : route?.metric;
}

function isOwn(route: FibRoute): boolean {
  return route.protocol === "bgp";
}
