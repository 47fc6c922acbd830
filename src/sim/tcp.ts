import type { Effect } from "../bgp/speaker/effect.ts";
import { type Address, isLinkLocal } from "../net/address.ts";
import { Connection, IpPacket, isSame, reversed, type Tuple } from "./netfilter.ts";
import type { SimNode } from "./network.ts";
import { sourceAddress } from "./source-address.ts";
import { neighborLimitMs, neighborRetryMs, Segments, SimSocket, stackMs } from "./tcp-socket.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import { walk, type Walk, type WalkOptions } from "./walk.ts";

export type Listening = {
  /** Undefined: connections from there need none. */
  passwordFor: (remote: Address) => string | undefined;
  onAccepted: (socket: SimSocket) => void;
};

export type ConnectOptions = Omit<Extract<Effect, { do: "connect" }>, "do" | "connection">;

/** Without a password where one is wanted, with one where none is, with a wrong one (RFC 2385). */
export type PasswordDrops = { notFound: number; unexpected: number; failure: number };

/** Linux's own: tcp_syn_retries 6. */
const firstRetryMs = 1_000;
const connectLimitMs = 127_000;
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
  readonly #passwordDrops = new Map<SimNode, PasswordDrops>();
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
    const attempt = (retryMs: number, askedMs = 0) => {
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
        if (dropped === "link down") {
          const nextMs = askedMs + neighborRetryMs;
          return after(neighborRetryMs, () =>
            nextMs < neighborLimitMs ? attempt(retryMs, nextMs) : failed("EHOSTUNREACH"),
          );
        }
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
    const wanted = listening.passwordFor(source);
    if (wanted === password) return listening;
    const drops = this.passwordDrops(at);
    if (password === undefined) drops.notFound++;
    else if (wanted === undefined) drops.unexpected++;
    else drops.failure++;
    return "silence";
  }

  /** Whether a connection that is not being closed has something to send again, since it was lost. */
  get isRetransmitting(): boolean {
    for (const sockets of this.#sockets.values()) {
      for (const socket of sockets) if (socket.isRetransmitting) return true;
    }
    return false;
  }

  /** How many segments a node threw away for their password (TcpExt of /proc/net/netstat). */
  passwordDrops(at: SimNode): PasswordDrops {
    let drops = this.#passwordDrops.get(at);
    if (drops === undefined) {
      this.#passwordDrops.set(at, (drops = { notFound: 0, unexpected: 0, failure: 0 }));
    }
    return drops;
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

/** The address that the kernel would choose; undefined: there is no route. */
function sourceOf(node: SimNode, options: ConnectOptions): Address | undefined {
  const { remoteAddress, localAddress } = options;
  if (isLinkLocal(remoteAddress)) return node.interfaces.get(options.interface ?? "")?.linkLocal;
  if (localAddress !== undefined) return node.ownerOf(localAddress) && localAddress;
  return sourceAddress(node, remoteAddress);
}
