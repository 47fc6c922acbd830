import { WantedRoutes } from "../agent/wanted-routes.ts";
import type { NextHop, RouteChange } from "../bgp/speaker/route-feed.ts";
import { type Address, type Family, isLinkLocal } from "../net/address.ts";
import { listDifference } from "../net/list-difference.ts";
import type { Prefix } from "../net/prefix.ts";
import type { FibNextHop, FibRoute } from "./fib.ts";
import type { NetworkChange, SimNode } from "./network.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/**
 * Who keeps a speaker's routes in the kernel. `zebra` gives way to any other's route to the same prefix, and takes
 * what is connected to cost nothing. Spinelab's agent (agent/kernel-routes.ts) puts its own beside others' unless the
 * prefix is on a link, and takes over what an earlier process left.
 */
export type RouteKeeper = "zebra" | "agent";

export type BgpRoutesOptions = {
  node: SimNode;
  clock: VirtualClock;
  metric: number;
  /** How long a change takes to reach the kernel. */
  delayMs: number;
  /** Next hops resolve by the default route as well (FRR: `ip nht resolve-via-default`). */
  resolveViaDefault: boolean;
  keeper: RouteKeeper;
  interfaceOf: (peer: string) => string | undefined;
  /** Next hops that were asked about, when how they are reached has changed. */
  tell: (told: { nextHop: Address; cost: number | undefined }[]) => void;
};

/** A speaker's routes in its node's table, and what becomes of next hops. */
export class BgpRoutes {
  readonly #options: BgpRoutesOptions;
  readonly #wanted = new WantedRoutes();
  readonly #asked = new Map<Address, number | undefined>();
  readonly #new = new Set<Address>();
  readonly #stopListening: () => void;
  #discarded: ReadonlySet<Prefix> = new Set();
  #isPlanned = false;
  #isLookPlanned = false;
  #isClosed = false;

  constructor(options: BgpRoutesOptions) {
    this.#options = options;
    const left = options.node.fib.routes().filter((route) => this.#isOwn(route));
    for (const { prefix } of left) this.#wanted.stale.add(prefix);
    this.#stopListening = options.node.onChange((change) => this.#heard(change));
  }

  take(changes: readonly RouteChange[]): void {
    this.#wanted.take(changes);
    this.#plan();
  }

  /** The family's routes are known: the stale ones that are not among them go. */
  selected(family: Family): void {
    this.#wanted.selected(family);
    this.#plan();
  }

  /** Of these prefixes, which are this router's own, all is dropped that no longer prefix leads to. */
  discard(prefixes: readonly Prefix[]): void {
    const { removed, added } = listDifference([...this.#discarded], prefixes);
    for (const prefix of [...removed, ...added]) this.#wanted.dirty.add(prefix);
    this.#discarded = new Set(prefixes);
    this.#plan();
  }

  ask(nextHop: Address): void {
    this.#new.add(nextHop);
    this.#planLook();
  }

  forget(nextHop: Address): void {
    this.#new.delete(nextHop);
    this.#asked.delete(nextHop);
  }

  /** Leaves routes as they are, or as they should be by now, or takes them away. */
  close(how: "leave" | "finish" | "withdraw"): void {
    this.#isClosed = true;
    this.#stopListening();
    if (how === "finish") for (const prefix of this.#wanted.dirty) this.#install(prefix);
    if (how === "withdraw") this.#options.node.fib.removeAll((route) => this.#isOwn(route));
  }

  #heard(change: NetworkChange): void {
    if (change.change === "route" && isBgp(change.route)) return;
    for (const prefix of this.#wanted.nextHops.keys()) this.#wanted.dirty.add(prefix);
    this.#plan();
    this.#planLook();
  }

  #plan(): void {
    if (this.#isPlanned || this.#wanted.dirty.size === 0) return;
    this.#isPlanned = true;
    const { node, clock, delayMs } = this.#options;
    node.processes.setTimer(clock, delayMs, () => {
      this.#isPlanned = false;
      if (this.#isClosed) return;
      const dirty = [...this.#wanted.dirty];
      this.#wanted.dirty.clear();
      for (const prefix of dirty) this.#install(prefix);
    });
  }

  #install(prefix: Prefix): void {
    const { node, metric, keeper } = this.#options;
    const { fib } = node;
    const isOwn = (route: FibRoute) => this.#isOwn(route);
    if (this.#wanted.nextHops.has(prefix)) this.#wanted.stale.delete(prefix);
    else if (this.#wanted.stale.has(prefix)) return;
    const hops = (this.#wanted.nextHops.get(prefix) ?? []).flatMap((hop) => this.#resolve(hop));
    const isTaken = fib
      .at(prefix)
      .some((route) => (keeper === "zebra" ? !isBgp(route) : isConnected(route)));
    const own = { prefix, protocol: "bgp", metric };
    const leadsNowhere =
      this.#discarded.has(prefix) ||
      (this.#wanted.nextHops.get(prefix) ?? []).some(
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
      !isBgp(route) &&
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
      const cost = isLinkLocal(nextHop) ? 0 : this.#cost(this.#reaching(nextHop));
      const isKnown = this.#asked.has(nextHop) && this.#asked.get(nextHop) === cost;
      this.#asked.set(nextHop, cost);
      if (!isKnown || this.#new.has(nextHop)) told.push({ nextHop, cost });
    }
    this.#new.clear();
    if (told.length > 0) this.#options.tell(told);
  }

  #cost(route: FibRoute | undefined): number | undefined {
    const isFree = this.#options.keeper === "zebra" && route?.protocol === "kernel";
    return isFree ? 0 : route?.metric;
  }

  /** Another speaker of the node has another metric. */
  #isOwn(route: FibRoute): boolean {
    return isBgp(route) && route.metric === this.#options.metric;
  }
}

function isBgp({ protocol }: FibRoute): boolean {
  return protocol === "bgp";
}

/** On a link of the node. */
function isConnected({ kind, nextHops }: FibRoute): boolean {
  return kind === "unicast" && nextHops.some(({ address }) => address === undefined);
}
