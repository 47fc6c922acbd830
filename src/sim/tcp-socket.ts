import type { Address } from "../net/address.ts";
import { type Connection, IpPacket, type Tuple } from "./netfilter.ts";
import type { SimNode } from "./network.ts";
import type { ConnectOptions, Tcp } from "./tcp.ts";
import { walk, type Walk, type WalkOptions } from "./walk.ts";

/** What a program hears of its connection. */
export type SocketEvents = {
  onReceived: (bytes: Uint8Array) => void;
  /** Once, and nothing after. `reason` as the system names it; undefined: the other side closed in order. */
  onClosed: (reason: string | undefined) => void;
};

export type Ends = {
  localAddress: Address;
  localPort: number;
  remoteAddress: Address;
  remotePort: number;
  /** Where the addresses are link-local. */
  interface?: string;
};

/** Linux's own: tcp_retries2 15. */
const retransmitMsMin = 200;
const retransmitMsMax = 120_000;
const giveUpMs = 924_600;
/** How long and how often a neighbor is asked for (mcast_solicit 3, retrans_time_ms). */
export const neighborLimitMs = 3_000;
export const neighborRetryMs = 1_000;
/** From a segment's arrival to the program that reads it. */
export const stackMs = 0.05;
/** IPv4 and TCP with timestamps. */
const headerBytes = 52;

/** What one end of a connection sends. */
export class Segments {
  readonly tuple: Required<Tuple>;
  readonly #connection: Connection;
  readonly #isReply: boolean;

  constructor(tuple: Tuple, connection: Connection, isReply = false) {
    this.tuple = { sourcePort: 0, destinationPort: 0, ...tuple };
    this.#connection = connection;
    this.#isReply = isReply;
  }

  next(): IpPacket {
    return new IpPacket(this.tuple, this.#connection, this.#isReply);
  }
}

/** One end of a connection. */
export class SimSocket {
  readonly node: SimNode;
  readonly ends: Ends;
  ttl: number | undefined;
  /** GTSM: what comes with less is not taken. */
  minTtl: number | undefined;
  readonly #tcp: Tcp;
  readonly #segments: Segments;
  #peer: SimSocket | undefined;
  #events: SocketEvents | undefined;
  /** Came before anybody listened. */
  #early: Uint8Array[] = [];
  #queue: Uint8Array[] = [];
  /** How much of the queue has come to the other side, which could not say so. */
  #takenCount = 0;
  #cancelPump: (() => void) | undefined;
  #isClosed = false;
  /** Closed here: what is queued still goes, then the end. */
  #isEnding = false;
  #retryMs = retransmitMsMin;
  #stuckSinceMs: number | undefined;
  #askingUntilMs = 0;
  #lastArrivalMs = 0;

  constructor(
    tcp: Tcp,
    node: SimNode,
    segments: Segments,
    options: Pick<ConnectOptions, "interface" | "ttl" | "minTtl">,
  ) {
    this.#tcp = tcp;
    this.node = node;
    this.#segments = segments;
    this.ttl = options.ttl;
    this.minTtl = options.minTtl;
    const { source, sourcePort, destination, destinationPort } = segments.tuple;
    this.ends = {
      ...{ localAddress: source, localPort: sourcePort },
      ...{ remoteAddress: destination, remotePort: destinationPort },
      ...(options.interface !== undefined && { interface: options.interface }),
    };
  }

  join(peer: SimSocket): void {
    this.#peer = peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isRetransmitting(): boolean {
    return this.#stuckSinceMs !== undefined && !this.#isEnding;
  }

  listen(events: SocketEvents): void {
    this.#events = events;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) events.onReceived(bytes);
  }

  send(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#queue.push(bytes);
    this.#pump(0);
  }

  /** After all that was sent. Nothing more is heard here. */
  close(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#events = undefined;
    this.#pump(0);
  }

  /** As if it had never been; whoever sends to it is told so by a reset. */
  vanish(): void {
    this.#isClosed = true;
    this.#events = undefined;
    this.#tcp.forgetSocket(this);
  }

  #pump(afterMs: number): void {
    this.#cancelPump ??= this.#tcp.clock.setTimer(afterMs, () => {
      this.#cancelPump = undefined;
      this.#transmit();
    });
  }

  #transmit(): void {
    if (this.#isClosed || this.#peer === undefined) return;
    const peer = this.#peer;
    const { clock, random } = this.#tcp;
    // Not sent again while it waits to be sent at all (skb_still_in_host_queue).
    if (clock.nowMs < this.#askingUntilMs) return this.#retransmit();
    const takenCount = this.#takenCount;
    // Nothing new before what went before is acknowledged.
    const sent = this.#queue.slice(0, takenCount > 0 ? takenCount : Infinity);
    const path = this.#walk({
      ...{ random, nowMs: clock.nowMs },
      bytes: sent.reduce((sum, { length }) => sum + length, headerBytes),
    });
    if ("dropped" in path) {
      const { dropped, resets, delayMs } = path;
      if (dropped === "link down") this.#askForNeighbor();
      if (!resets) return this.#retransmit();
      return void clock.setTimer(2 * delayMs, () => this.#ended("ECONNRESET"));
    }
    this.#queue.splice(0, sent.length);
    const isLast = this.#isEnding && this.#queue.length === 0;
    const arriveMs = Math.max(this.#lastArrivalMs, clock.nowMs + path.delayMs + stackMs);
    this.#lastArrivalMs = arriveMs;
    clock.setTimer(arriveMs - clock.nowMs, () => {
      if (this.#isClosed) return;
      const isCut =
        path.hops.some(({ from }) => !from.hasCarrier) ||
        path.arrived !== peer.node ||
        path.ttl < (peer.minTtl ?? 0);
      const isHeard = !isCut && peer.#reaches(this);
      if (!isHeard) {
        this.#queue.unshift(...sent);
        if (!isCut && !peer.#isClosed) this.#takenCount = sent.length;
      } else {
        this.#retryMs = retransmitMsMin;
        this.#stuckSinceMs = undefined;
        this.#takenCount = 0;
        if (peer.#isClosed) return this.#ended("ECONNRESET");
      }
      if (!isCut) for (const bytes of sent.slice(takenCount)) peer.#take(bytes);
      if (!isHeard) return this.#retransmit();
      if (isLast) {
        this.vanish();
        peer.#ended(undefined);
      } else if (this.#queue.length > 0) this.#pump(0);
    });
  }

  /**
   * At a link that is down nobody answers for the next hop. What is to be sent waits for the answer, and is thrown away
   * only when all of Linux's questions were in vain: so it goes soon after the link is back, and not at the next
   * retransmission, which may be seconds later.
   */
  #askForNeighbor(): void {
    const { clock } = this.#tcp;
    this.#askingUntilMs = clock.nowMs + neighborLimitMs;
    for (let afterMs = neighborRetryMs; afterMs < neighborLimitMs; afterMs += neighborRetryMs) {
      clock.setTimer(afterMs, () => this.#askAgain());
    }
  }

  #askAgain(): void {
    if (this.#isClosed || this.#stuckSinceMs === undefined) return;
    const path = this.#walk({});
    if ("dropped" in path && path.dropped === "link down") return;
    this.#askingUntilMs = 0;
    this.#cancelPump?.();
    this.#cancelPump = undefined;
    this.#transmit();
  }

  /** Whether what it acknowledges is heard of at the other end. */
  #reaches(other: SimSocket): boolean {
    const path = this.#walk({});
    return "arrived" in path && path.arrived === other.node && path.ttl >= (other.minTtl ?? 0);
  }

  #walk(options: WalkOptions): Walk {
    return walk(this.node, this.#segments.next(), {
      ...options,
      ...(this.ttl !== undefined && { ttl: this.ttl }),
      ...(this.ends.interface !== undefined && { interface: this.ends.interface }),
    });
  }

  #take(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return;
    this.node.processes.run(() => {
      if (this.#isEnding) return;
      if (this.#events === undefined) this.#early.push(bytes);
      else this.#events.onReceived(bytes);
    });
  }

  #retransmit(): void {
    const { nowMs } = this.#tcp.clock;
    this.#stuckSinceMs ??= nowMs;
    if (nowMs - this.#stuckSinceMs >= giveUpMs) return this.#ended("ETIMEDOUT");
    this.#pump(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, retransmitMsMax);
  }

  #ended(reason: string | undefined): void {
    if (this.#isClosed) return;
    const events = this.#events;
    this.vanish();
    if (events !== undefined) this.node.processes.run(() => events.onClosed(reason));
  }
}
