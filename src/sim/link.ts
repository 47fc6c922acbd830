import { type Address, address } from "../net/address.ts";
import type { Impairment } from "../runtime/port.ts";
import type { SimNode } from "./network.ts";

export type InterfaceAddress = { address: Address; prefixLength: number };

/** One crossing of a cable. */
export type Hop = { from: Interface; to: Interface; cable: Cable };

/** An interface that can be spoken to without a router, and the cables that lead there: several over bridges. */
export type Way = { to: Interface; hops: readonly Hop[] };

/** One end of a cable, a bridge within a node, or `lo`. */
export class Interface {
  readonly node: SimNode;
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  /** A bridge that `ip link add` made; a node of the fabric may be a bridge as a whole. */
  readonly isBridge: boolean;
  /** Administratively. */
  isUp = true;
  readonly addresses: InterfaceAddress[] = [];
  /** Undefined: it was taken away, and none is made of the MAC address (addrgenmode none). */
  linkLocal: Address | undefined;
  generatesLinkLocal = true;
  cable: Cable | undefined;
  /** The bridge that it is a port of. */
  master: Interface | undefined;
  readonly ports = new Set<Interface>();
  /** Whether the node's kernel has told of a carrier here: of a bridge's loss it may be late (link-watch.ts). */
  isCarrierTold = false;

  constructor(node: SimNode, name: string, index: number, mac: string, isBridge: boolean) {
    this.node = node;
    this.name = name;
    this.index = index;
    this.mac = mac;
    this.isBridge = isBridge;
    this.resetLinkLocal();
  }

  get isLoopback(): boolean {
    return this.name === "lo";
  }

  /** As its node's kernel says. */
  get hasCarrier(): boolean {
    return this.isBridge ? this.isUp && this.isCarrierTold : this.isConnected;
  }

  /**
   * Something is there at the other end, and both ends are up, as with a veth pair; of a bridge: at one of its
   * ports.
   */
  get isConnected(): boolean {
    if (this.isLoopback) return this.isUp;
    if (this.isBridge) return this.isUp && [...this.ports].some((port) => port.isConnected);
    const { cable } = this;
    if (cable === undefined || !this.isUp || !cable.isWhole) return false;
    return cable.otherEnd(this).isUp && cable.otherEnd(this).node.isUp;
  }

  /** By modified EUI-64 of the MAC address (RFC 4291 Appendix A). */
  resetLinkLocal(): void {
    const [a, b, c, d, e, f] = this.mac.split(":").map((text) => Number.parseInt(text, 16));
    const word = (high: number, low: number) => ((high << 8) | low).toString(16);
    const parts = [word(a! ^ 2, b!), word(c!, 0xff), word(0xfe, d!), word(e!, f!)];
    this.linkLocal = address(`fe80::${parts.join(":")}`);
  }

  /** All that is on the same link, the nearest first. */
  *ways(): Generator<Way> {
    const seen = new Set<Interface>([this]);
    let leaving: { port: Interface; hops: readonly Hop[] }[] = this.isBridge
      ? [...this.ports].map((port) => ({ port, hops: [] }))
      : [{ port: this, hops: [] }];
    while (leaving.length > 0) {
      const next: typeof leaving = [];
      for (const { port, hops } of leaving) {
        if (!port.hasCarrier || port.cable === undefined) continue;
        const to = port.cable.otherEnd(port);
        if (seen.has(to)) continue;
        seen.add(to);
        const crossed = [...hops, { from: port, to, cable: port.cable }];
        const others = to.portsBeside();
        if (others === undefined) yield { to, hops: crossed };
        else if (to.master !== undefined) yield { to: to.master, hops: crossed };
        for (const other of others ?? []) {
          if (seen.has(other)) continue;
          seen.add(other);
          next.push({ port: other, hops: crossed });
        }
      }
      leaving = next;
    }
  }

  /** Where a bridge sends on what came in here; undefined: this is no port of one. */
  portsBeside(): Interface[] | undefined {
    const all = this.node.isBridge
      ? [...this.node.interfaces.values()].filter((each) => !each.isLoopback)
      : this.master && [...this.master.ports];
    return all?.filter((port) => port !== this);
  }
}

/** Of an echo request with its usual 56 bytes. */
const usualBytes = 84;

/** Two ends and what lies between. */
export class Cable {
  readonly ends: readonly [Interface, Interface];
  delayMs: number;
  isWhole = true;
  /** By the end that sends. */
  readonly #impairments = new Map<Interface, Impairment>();
  /** Until when a cable of limited rate is busy with what was sent before. */
  readonly #busyUntilMs = new Map<Interface, number>();

  constructor(ends: readonly [Interface, Interface], delayMs: number) {
    this.ends = ends;
    this.delayMs = delayMs;
  }

  otherEnd(of: Interface): Interface {
    return this.ends[0] === of ? this.ends[1] : this.ends[0];
  }

  /** What is done to all that one end sends; undefined: as new. */
  impair(from: Interface, impairment: Impairment | undefined): void {
    this.#busyUntilMs.delete(from);
    if (impairment === undefined) this.#impairments.delete(from);
    else this.#impairments.set(from, impairment);
  }

  /**
   * How long a packet takes over it; undefined: it is lost. Without `random` none is: the way is asked for. What
   * is damaged is lost as well, since its checksum is wrong.
   */
  cross(
    from: Interface,
    packet: { nowMs: number; bytes?: number; random: (() => number) | undefined },
  ): number | undefined {
    const impairment = this.#impairments.get(from);
    if (impairment === undefined) return this.delayMs;
    const { random, bytes = usualBytes } = packet;
    const { delayMs = 0, jitterMs = 0, lossPercent, corruptPercent } = impairment;
    if (random === undefined) return lossPercent === 100 ? undefined : this.delayMs + delayMs;
    for (const percent of [lossPercent, corruptPercent]) {
      if (percent !== undefined && 100 * random() < percent) return undefined;
    }
    const jitter = jitterMs === 0 ? 0 : jitterMs * (2 * random() - 1);
    const queued = this.#queue(from, packet.nowMs, bytes, impairment.rateBitsPerSecond);
    return this.delayMs + queued + Math.max(0, delayMs + jitter);
  }

  /** Behind what was sent before it, and its own bits. */
  #queue(from: Interface, nowMs: number, bytes: number, rate: number | undefined): number {
    if (rate === undefined) return 0;
    const beginsMs = Math.max(nowMs, this.#busyUntilMs.get(from) ?? 0);
    const endsMs = beginsMs + (1000 * 8 * bytes) / rate;
    this.#busyUntilMs.set(from, endsMs);
    return endsMs - nowMs;
  }
}
