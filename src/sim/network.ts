import { type Address, address, familyOf, isLinkLocal } from "../net/address.ts";
import { prefixOf } from "../net/prefix.ts";
import { Fib, type FibRoute } from "./fib.ts";

/** What happened to a node's own network. */
export type NetworkChange =
  /** An interface came, went, changed its state or its addresses. */
  { change: "interfaces" } | { change: "route"; how: "add" | "delete"; route: FibRoute };

export type InterfaceAddress = { address: Address; prefixLength: number };

/** One end of a cable, or `lo`. */
export class Interface {
  readonly node: SimNode;
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  /** Administratively. */
  isUp = true;
  /** A filter drops all that comes in; the carrier stays. */
  dropsIncoming = false;
  readonly addresses: InterfaceAddress[] = [];
  cable: Cable | undefined;

  constructor(node: SimNode, name: string, index: number, mac: string) {
    this.node = node;
    this.name = name;
    this.index = index;
    this.mac = mac;
  }

  get isLoopback(): boolean {
    return this.name === "lo";
  }

  /** Something is there at the other end, and both ends are up, as with a veth pair. */
  get hasCarrier(): boolean {
    if (this.isLoopback) return this.isUp;
    const { cable } = this;
    if (cable === undefined || !this.isUp || !cable.isWhole) return false;
    return cable.otherEnd(this).isUp && cable.otherEnd(this).node.isUp;
  }

  /** By modified EUI-64 of the MAC address (RFC 4291 Appendix A). */
  get linkLocal(): Address {
    const [a, b, c, d, e, f] = this.mac.split(":").map((text) => Number.parseInt(text, 16));
    const word = (high: number, low: number) => ((high << 8) | low).toString(16);
    return address(`fe80::${word(a! ^ 2, b!)}:${word(c!, 0xff)}:${word(0xfe, d!)}:${word(e!, f!)}`);
  }

  /** What can be spoken to without a router: the interfaces at the other ends of cable and bridges. */
  neighbors(): Interface[] {
    const seen = new Set<Interface>([this]);
    const found: Interface[] = [];
    const cross = (from: Interface) => {
      if (!from.hasCarrier) return;
      const other = from.cable!.otherEnd(from);
      if (seen.has(other)) return;
      seen.add(other);
      if (!other.node.isBridge) {
        found.push(other);
        return;
      }
      for (const port of other.node.interfaces.values()) {
        if (port === other || port.isLoopback || seen.has(port)) continue;
        seen.add(port);
        cross(port);
      }
    };
    cross(this);
    return found;
  }
}

/** Two ends and what lies between. */
export class Cable {
  readonly ends: readonly [Interface, Interface];
  delayMs: number;
  isWhole = true;
  /** Packets that are lost, of all: 0 to 1. */
  loss = 0;

  constructor(ends: readonly [Interface, Interface], delayMs: number) {
    this.ends = ends;
    this.delayMs = delayMs;
  }

  otherEnd(of: Interface): Interface {
    return this.ends[0] === of ? this.ends[1] : this.ends[0];
  }
}

/** A machine: a router, a Kubernetes node, a pod, a bridge. */
export class SimNode {
  readonly name: string;
  readonly isBridge: boolean;
  isUp = true;
  /** Next hops over a link without carrier are passed over (sysctl ignore_routes_with_linkdown). */
  ignoresRoutesWithLinkdown = false;
  readonly interfaces = new Map<string, Interface>();
  readonly fib: Fib;
  readonly #owned = new Map<Address, Interface>();
  readonly #listeners = new Set<(change: NetworkChange) => void>();
  #nextIndex = 1;
  readonly #newMac: () => string;

  constructor(name: string, isBridge: boolean, newMac: () => string) {
    this.name = name;
    this.isBridge = isBridge;
    this.#newMac = newMac;
    this.fib = new Fib((how, route) => this.#tell({ change: "route", how, route }));
    this.addInterface("lo");
    if (!isBridge) this.addAddress("lo", { address: address("127.0.0.1"), prefixLength: 8 });
  }

  /** As it was before anything was configured: its interfaces up, without addresses and routes. */
  reset(): void {
    this.ignoresRoutesWithLinkdown = false;
    this.fib.removeAll(() => true);
    for (const on of this.interfaces.values()) {
      for (const one of [...on.addresses]) {
        if (!one.address.startsWith("127.")) this.removeAddress(on.name, one);
      }
      on.isUp = true;
      on.dropsIncoming = false;
    }
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

  addInterface(name: string): Interface {
    const added = new Interface(this, name, this.#nextIndex++, this.#newMac());
    this.interfaces.set(name, added);
    this.#tell({ change: "interfaces" });
    return added;
  }

  /** With its cable, its addresses and the routes over it. */
  removeInterface(name: string): void {
    const gone = this.interfaces.get(name);
    if (gone === undefined) return;
    this.interfaces.delete(name);
    for (const { address: one } of gone.addresses) this.#owned.delete(one);
    this.#removeRoutesOver(name);
    const { cable } = gone;
    if (cable !== undefined) {
      cable.isWhole = false;
      gone.cable = undefined;
      const other = cable.otherEnd(gone);
      other.cable = undefined;
      other.node.interfacesChanged();
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
      for (const one of on.addresses) this.#addConnected(on, one);
    } else {
      const lost = on.addresses.filter((one) => familyOf(one.address) === "ipv6");
      for (const one of lost) this.removeAddress(name, one);
      this.#removeRoutesOver(name);
    }
    this.interfacesChanged();
    on.cable?.otherEnd(on).node.interfacesChanged();
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
    for (const listener of this.#listeners) listener(change);
  }
}

function isOver(route: FibRoute, name: string): boolean {
  return route.nextHops.length > 0 && route.nextHops.every((hop) => hop.interface === name);
}

/** All nodes of a world and the cables between them. */
export class SimNetwork {
  readonly nodes = new Map<string, SimNode>();
  #nextMac = 1;

  addNode(name: string, options: { isBridge?: boolean } = {}): SimNode {
    const node = new SimNode(name, options.isBridge === true, () => this.#mac());
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
