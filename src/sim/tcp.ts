import type { Effect } from "../bgp/speaker/effect.ts";
import { type Address, isLinkLocal } from "../net/address.ts";
import { Connection, IpPacket, isSame, reversed, type Tuple } from "./netfilter.ts";
import type { SimNode } from "./network.ts";
import { sourceAddress } from "./source-address.ts";
import type { VirtualClock } from "./virtual-clock.ts";
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

export type Listening = {
  /** Undefined: connections from there need none. */
  passwordFor: (remote: Address) => string | undefined;
  onAccepted: (socket: SimSocket) => void;
};

export type ConnectOptions = Omit<Extract<Effect, { do: "connect" }>, "do" | "connection">;

/** Linux's own: tcp_syn_retries 6, tcp_retries2 15, an unanswered ARP request. */
const firstRetryMs = 1_000;
const connectLimitMs = 127_000;
const retransmitMsMin = 200;
const retransmitMsMax = 120_000;
const giveUpMs = 924_600;
const neighborLimitMs = 3_000;
/** From a segment's arrival to the program that reads it. */
const stackMs = 0.05;
/** IPv4 and TCP with timestamps. */
const headerBytes = 52;
export const firstEphemeralPort = 32_768;

/**
 * TCP as BGP sees it: whole and in order, or an end with a reason. Segments follow the routes of the nodes and pass
 * their packet rules; those that are lost, or whose acknowledgement is, are sent again, later each time.
 */
export class Tcp {
  readonly clock: VirtualClock;
  readonly random: () => number;
  readonly #listening = new Map<SimNode, Map<number, Listening>>();
  readonly #sockets = new Map<SimNode, Set<SimSocket>>();
  #nextPort = firstEphemeralPort;

  constructor(clock: VirtualClock, random: () => number) {
    this.clock = clock;
    this.random = random;
  }

  /** Returns how to stop. */
  listen(node: SimNode, port: number, listening: Listening): () => void {
    let ports = this.#listening.get(node);
    if (ports === undefined) this.#listening.set(node, (ports = new Map()));
    ports.set(port, listening);
    return () => {
      if (ports.get(port) === listening) ports.delete(port);
    };
  }

  /** What speaks TCP there but no HTTP. */
  listenerOn(node: SimNode, port: number): string | undefined {
    return this.#listening.get(node)?.has(port) === true ? "the BGP speaker" : undefined;
  }

  /** A machine without power forgets its connections, and says nothing. */
  forget(node: SimNode): void {
    for (const socket of this.#sockets.get(node) ?? []) socket.vanish();
    this.#sockets.delete(node);
    this.#listening.delete(node);
  }

  /**
   * Tries until it is connected, refused, found unreachable or out of time. `onFailed` says why, as the system
   * names it. Returns how to give up.
   */
  connect(
    node: SimNode,
    options: ConnectOptions,
    events: { onConnected: (socket: SimSocket) => void; onFailed: (reason: string) => void },
  ): () => void {
    const untilMs = this.clock.nowMs + connectLimitMs;
    const localPort = this.#nextPort++;
    const connection = new Connection();
    let cancel = () => {};
    const after = (ms: number, then: () => void) => {
      cancel = this.clock.setTimer(ms, then);
    };
    const failed = (reason: string) => node.processes.run(() => events.onFailed(reason));
    const attempt = (retryMs: number) => {
      const again = () => {
        if (this.clock.nowMs + retryMs >= untilMs) failed("ETIMEDOUT");
        else attempt(2 * retryMs);
      };
      const source = sourceOf(node, options);
      if (source === undefined) return after(0, () => failed("ENETUNREACH"));
      const { remoteAddress: destination, port: destinationPort } = options;
      const tuple: Tuple = {
        ...{ protocol: "tcp", source, sourcePort: localPort, destination, destinationPort },
      };
      const asked = new IpPacket(tuple, connection);
      const there = this.#walk(node, asked, {
        ...(options.interface !== undefined && { interface: options.interface }),
        ...(options.ttl !== undefined && { ttl: options.ttl }),
      });
      if ("dropped" in there) {
        const { dropped, at, speaks, delayMs } = there;
        if (!speaks) return after(retryMs, again);
        if (dropped === "filtered") return after(2 * delayMs, () => failed("ECONNREFUSED"));
        if (dropped === "host unreachable" && at === node) {
          return after(neighborLimitMs, () => failed("EHOSTUNREACH"));
        }
        return after(2 * delayMs, () => failed("EHOSTUNREACH"));
      }
      const link = options.interface && there.on?.name;
      const answer = this.#answer(there.arrived, asked.tuple, options.password);
      if (answer === "silence") return after(retryMs, again);
      const answered = asked.reply();
      const back = this.#walk(there.arrived, answered, {
        ...(link !== undefined && { interface: link }),
      });
      const isHeard = "arrived" in back && back.arrived === node;
      if (!isHeard || !isSame(answered.tuple, reversed(tuple))) return after(retryMs, again);
      if (options.minTtl !== undefined && back.ttl < options.minTtl) return after(retryMs, again);
      const rttMs = there.delayMs + back.delayMs + 2 * stackMs;
      if (answer === "refused") return after(rttMs, () => failed("ECONNREFUSED"));
      after(rttMs, () => {
        const own = new SimSocket(this, node, new Segments(tuple, connection), options);
        const seen = new Segments(reversed(asked.tuple), connection, true);
        const other = new SimSocket(this, there.arrived, seen, {
          ...(link !== undefined && { interface: link }),
        });
        own.join(other);
        other.join(own);
        for (const socket of [own, other]) this.#remember(socket);
        // The one that was called hears of it half a round trip later; what is sent meanwhile comes after.
        this.clock.setTimer(there.delayMs + stackMs, () => {
          other.node.processes.run(() => {
            if (!other.isClosed) answer.onAccepted(other);
          });
        });
        node.processes.run(() => events.onConnected(own));
      });
    };
    attempt(firstRetryMs);
    return () => cancel();
  }

  #answer(
    at: SimNode,
    { source, destinationPort = 0 }: Tuple,
    password: string | undefined,
  ): Listening | "refused" | "silence" {
    const listening = this.#listening.get(at)?.get(destinationPort);
    if (listening === undefined) return "refused";
    return listening.passwordFor(source) === password ? listening : "silence";
  }

  /** Whether a connection that is not being closed has something to send again, since it was lost. */
  get isRetransmitting(): boolean {
    for (const sockets of this.#sockets.values()) {
      for (const socket of sockets) if (socket.isRetransmitting) return true;
    }
    return false;
  }

  #remember(socket: SimSocket): void {
    let sockets = this.#sockets.get(socket.node);
    if (sockets === undefined) this.#sockets.set(socket.node, (sockets = new Set()));
    sockets.add(socket);
  }

  forgetSocket(socket: SimSocket): void {
    this.#sockets.get(socket.node)?.delete(socket);
  }

  /** Of a segment without data. */
  #walk(from: SimNode, packet: IpPacket, options: WalkOptions): Walk {
    return walk(from, packet, { ...options, random: this.random, nowMs: this.clock.nowMs });
  }
}

/** What one end of a connection sends. */
class Segments {
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
  #isPumping = false;
  #isClosed = false;
  /** Closed here: what is queued still goes, then the end. */
  #isEnding = false;
  #retryMs = retransmitMsMin;
  #stuckSinceMs: number | undefined;
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
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#tcp.clock.setTimer(afterMs, () => {
      this.#isPumping = false;
      this.#transmit();
    });
  }

  #transmit(): void {
    if (this.#isClosed || this.#peer === undefined) return;
    const peer = this.#peer;
    const { clock, random } = this.#tcp;
    const takenCount = this.#takenCount;
    // Nothing new before what went before is acknowledged.
    const sent = this.#queue.slice(0, takenCount > 0 ? takenCount : Infinity);
    const path = this.#walk({
      ...{ random, nowMs: clock.nowMs },
      bytes: sent.reduce((sum, { length }) => sum + length, headerBytes),
    });
    if ("dropped" in path) {
      const { resets, delayMs } = path;
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

/** The address that the kernel would choose; undefined: there is no route. */
function sourceOf(node: SimNode, options: ConnectOptions): Address | undefined {
  const { remoteAddress, localAddress } = options;
  if (isLinkLocal(remoteAddress)) return node.interfaces.get(options.interface ?? "")?.linkLocal;
  if (localAddress !== undefined) return node.ownerOf(localAddress) && localAddress;
  return sourceAddress(node, remoteAddress);
}
