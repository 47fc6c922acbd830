import { type Address, address, type Family, familyOf, isLinkLocal } from "../net/address.ts";
import { prefixOf } from "../net/prefix.ts";
import { Fib, type FibRoute } from "./fib.ts";
import { Cable, Interface, type InterfaceAddress } from "./link.ts";
import { LinkWatch } from "./link-watch.ts";
import { type Chain, Netfilter } from "./netfilter.ts";
import { Processes } from "./processes.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What happened to a node's own network. */
export type NetworkChange =
  /** An interface came, went, changed its state or its addresses. */
  { change: "interfaces" } | { change: "route"; how: "add" | "delete"; route: FibRoute };

/** A machine: a router, a Kubernetes node, a pod, a bridge. */
export class SimNode {
  readonly name: string;
  readonly isBridge: boolean;
  isUp = true;
  /** Next hops over a link without carrier are passed over (sysctl ignore_routes_with_linkdown). */
  ignoresRoutesWithLinkdown = false;
  /** Which of several next hops a packet takes depends on its ports too (sysctl fib_multipath_hash_policy 1). */
  hashesPorts = false;
  /** Packets that are not for it go no further, in these families (sysctl ip_forward 0). */
  readonly doesNotForward = new Set<Family>();
  /** Which of several next hops a flow takes is another with each (sysctl fib_multipath_hash_seed). */
  hashSeed = 0;
  /** Undefined: it has no packet rules. */
  netfilter: Netfilter | undefined;
  readonly interfaces = new Map<string, Interface>();
  readonly fib: Fib;
  readonly processes = new Processes();
  readonly #owned = new Map<Address, Interface>();
  readonly #listeners = new Set<(change: NetworkChange) => void>();
  #nextIndex = 1;
  readonly #linkWatch: LinkWatch;
  readonly #newMac: () => string;

  constructor(
    name: string,
    { isBridge, clock, newMac }: { isBridge: boolean; clock: VirtualClock; newMac: () => string },
  ) {
    this.name = name;
    this.isBridge = isBridge;
    this.#linkWatch = new LinkWatch(clock, () => this.interfacesChanged());
    this.#newMac = newMac;
    this.fib = new Fib((how, route) => this.#tell({ change: "route", how, route }));
    this.addInterface("lo");
    if (!isBridge) this.addAddress("lo", { address: address("127.0.0.1"), prefixLength: 8 });
  }

  /** As it was before anything was configured: its interfaces up, without addresses and routes. */
  reset(): void {
    this.ignoresRoutesWithLinkdown = false;
    this.hashesPorts = false;
    this.doesNotForward.clear();
    this.hashSeed = 0;
    this.netfilter = undefined;
    this.fib.removeAll(() => true);
    this.processes.end();
    for (const on of [...this.interfaces.values()]) {
      if (on.isBridge) this.removeInterface(on.name);
    }
    for (const on of this.interfaces.values()) {
      on.generatesLinkLocal = true;
      on.resetLinkLocal();
      for (const one of [...on.addresses]) {
        if (!one.address.startsWith("127.")) this.removeAddress(on.name, one);
      }
      on.isUp = true;
    }
  }

  /** Packet rules in place of those of the same name; none: they go. */
  setPacketRules(name: string, chains: readonly Chain[]): void {
    if (chains.length > 0) this.withNetfilter().setTable(name, chains);
    else this.netfilter?.setTable(name, chains);
  }

  withNetfilter(): Netfilter {
    return (this.netfilter ??= new Netfilter(this));
  }

  onChange(listener: (change: NetworkChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The interface that has the address; a link-local one only with its interface. */
  ownerOf(of: Address, on?: string): Interface | undefined {
    if (!isLinkLocal(of)) return this.#owned.get(of);
    const link = on === undefined ? undefined : this.interfaces.get(on);
    return link?.linkLocal === of ? link : undefined;
  }

  /** `isBridge`: one that joins others, as `ip link add NAME type bridge` makes it. */
  addInterface(name: string, { isBridge = false } = {}): Interface {
    const added = new Interface(this, name, this.#nextIndex++, this.#newMac(), isBridge);
    this.interfaces.set(name, added);
    this.#tell({ change: "interfaces" });
    return added;
  }

  /** With its cable, the end of that at another node, its addresses and the routes over it. */
  removeInterface(name: string): void {
    const gone = this.interfaces.get(name);
    if (gone === undefined) return;
    this.interfaces.delete(name);
    this.setMaster(gone, undefined);
    for (const port of [...gone.ports]) this.setMaster(port, undefined);
    for (const { address: one } of gone.addresses) this.#owned.delete(one);
    this.#removeRoutesOver(name);
    const { cable } = gone;
    if (cable !== undefined) {
      // Of a veth pair neither end is without the other.
      cable.isWhole = false;
      gone.cable = undefined;
      const other = cable.otherEnd(gone);
      other.cable = undefined;
      other.node.removeInterface(other.name);
    }
    this.#tell({ change: "interfaces" });
  }

  /** With the route to its subnet, as the kernel adds it. */
  addAddress(name: string, added: InterfaceAddress): void {
    const on = this.interfaces.get(name)!;
    on.addresses.push(added);
    this.#owned.set(added.address, on);
    if (on.isUp) this.#addConnected(on, added);
    this.#tell({ change: "interfaces" });
  }

  removeAddress(name: string, { address: removed, prefixLength }: InterfaceAddress): boolean {
    const on = this.interfaces.get(name);
    const at = on?.addresses.findIndex(
      (one) => one.address === removed && one.prefixLength === prefixLength,
    );
    if (on === undefined || at === undefined || at < 0) return false;
    on.addresses.splice(at, 1);
    this.#owned.delete(removed);
    this.fib.remove(
      prefixOf(removed, prefixLength),
      (route) => route.protocol === "kernel" && isOver(route, name),
    );
    this.#tell({ change: "interfaces" });
    return true;
  }

  /** Down: the kernel removes the routes over it, and IPv6 addresses. Up: those to its subnets come back. */
  setInterface(name: string, isUp: boolean): void {
    const on = this.interfaces.get(name)!;
    if (on.isUp === isUp) return;
    on.isUp = isUp;
    if (isUp) {
      if (on.generatesLinkLocal) on.resetLinkLocal();
      for (const one of on.addresses) this.#addConnected(on, one);
    } else {
      const lost = on.addresses.filter((one) => familyOf(one.address) === "ipv6");
      for (const one of lost) this.removeAddress(name, one);
      if (!on.generatesLinkLocal) on.linkLocal = undefined;
      this.#removeRoutesOver(name);
    }
    this.interfacesChanged();
    on.cable?.otherEnd(on).node.interfacesChanged();
  }

  /** Makes an interface a port of a bridge of this node; undefined: of none. */
  setMaster(port: Interface, bridge: Interface | undefined): void {
    if (port.master === bridge) return;
    port.master?.ports.delete(port);
    port.master = bridge;
    bridge?.ports.add(port);
    this.#tell({ change: "interfaces" });
  }

  interfacesChanged(): void {
    this.#tell({ change: "interfaces" });
  }

  #addConnected(on: Interface, { address: own, prefixLength }: InterfaceAddress): void {
    if (on.isLoopback && familyOf(own) === "ipv4") return; // In the local table.
    this.fib.replace({
      prefix: prefixOf(own, prefixLength),
      kind: "unicast",
      protocol: "kernel",
      metric: familyOf(own) === "ipv4" ? 0 : 256,
      nextHops: [{ interface: on.name }],
    });
  }

  #removeRoutesOver(name: string): void {
    this.fib.removeAll((route) => isOver(route, name));
  }

  #tell(change: NetworkChange): void {
    if (change.change === "interfaces") this.#linkWatch.look(this.interfaces.values());
    for (const listener of this.#listeners) listener(change);
  }
}

function isOver(route: FibRoute, name: string): boolean {
  return route.nextHops.length > 0 && route.nextHops.every((hop) => hop.interface === name);
}

/** All nodes of a world and the cables between them. */
export class SimNetwork {
  readonly nodes = new Map<string, SimNode>();
  readonly #clock: VirtualClock;
  #nextMac = 1;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  addNode(name: string, { isBridge = false } = {}): SimNode {
    const newMac = () => this.#mac();
    const node = new SimNode(name, { isBridge, clock: this.#clock, newMac });
    this.nodes.set(name, node);
    return node;
  }

  removeNode(name: string): void {
    const gone = this.nodes.get(name);
    for (const link of gone?.interfaces.keys() ?? []) gone!.removeInterface(link);
    this.nodes.delete(name);
  }

  node(name: string): SimNode {
    const found = this.nodes.get(name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** Makes both interfaces and the cable between them. */
  connect(
    a: { node: string; interface: string },
    b: { node: string; interface: string },
    delayMs: number,
  ): Cable {
    const ends = [a, b].map((end) => this.node(end.node).addInterface(end.interface));
    const [first, second] = ends as [Interface, Interface];
    const cable = new Cable([first, second], delayMs);
    first.cable = cable;
    second.cable = cable;
    first.node.interfacesChanged();
    second.node.interfacesChanged();
    return cable;
  }

  /** Cuts or mends: addresses and routes survive on both ends. */
  setCable(cable: Cable, isWhole: boolean): void {
    if (cable.isWhole === isWhole) return;
    cable.isWhole = isWhole;
    for (const end of cable.ends) end.node.interfacesChanged();
  }

  /** A power cut: everything that speaks to it hears nothing more. */
  setNode(node: SimNode, isUp: boolean): void {
    if (node.isUp === isUp) return;
    node.isUp = isUp;
    for (const { cable } of node.interfaces.values()) {
      for (const end of cable?.ends ?? []) end.node.interfacesChanged();
    }
  }

  /** Locally administered, one after the other. */
  #mac(): string {
    const serial = this.#nextMac++;
    const bytes = [serial >>> 24, serial >>> 16, serial >>> 8, serial].map((part) => part & 0xff);
    return ["aa", "c1", ...bytes.map((part) => part.toString(16).padStart(2, "0"))].join(":");
  }
}
