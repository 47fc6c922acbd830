import { address, type Address, isLinkLocal } from "../../net/address.ts";
import { type Prefix, prefix } from "../../net/prefix.ts";
import type { Ends } from "../session/io.ts";
import { decodeMessage } from "../wire/decode.ts";
import { encodeMessage } from "../wire/encode.ts";
import { FrameReader } from "../wire/frame.ts";
import type { Message, UpdateMessage } from "../wire/message.ts";
import { extendedMessageBytesMax, ipv4Unicast } from "../wire/registry.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import type { ConnectionId, Effect, Input, TimerId } from "./effect.ts";
import type { Pace } from "./pace.ts";
import { Speaker } from "./speaker.ts";

/** One way over the wire. */
const LATENCY_MS = 1;

/** Bytes both ways between two nodes. Lost bytes never come again, so a silenced connection stays silent. */
type Wire = { readonly ends: Map<TestNode, ConnectionId>; isSilent: boolean };

/** A speaker with an address, on a TestNet. */
export class TestNode {
  readonly address: Address;
  speaker: Speaker;
  /** Everything it sent, in order, with when and to whom. */
  readonly sent: { atMs: number; to: Address; message: Message }[] = [];
  readonly logs: string[] = [];
  readonly changed: string[] = [];
  /** What a BMP station would have heard. */
  readonly bmp: Uint8Array[] = [];
  readonly timers = new Map<TimerId, object>();
  readonly wires = new Map<ConnectionId, { wire: Wire; other: TestNode }>();
  readonly readers = new Map<ConnectionId, FrameReader>();
  isUp = true;
  lastAccepted = 0;

  constructor(at: Address, speaker: Speaker) {
    this.address = at;
    this.speaker = speaker;
  }

  updatesSent(): UpdateMessage[] {
    return this.sent.map(({ message }) => message).filter((of) => of.type === "UPDATE");
  }

  /** Of its only peer. */
  status(nowMs = 0) {
    const [status] = this.speaker.peers(nowMs);
    if (status === undefined) throw new Error("no peer");
    return status;
  }
}

/** Speakers joined by wires, in virtual time: an edge that performs effects without any system. */
export class TestNet {
  nowMs = 0;
  readonly nodes = new Map<Address, TestNode>();
  /** Nodes that are sent IPv4 paths with identifiers (RFC 7911). */
  readonly numbered = new Set<Address>();
  /** BFD packets are lost, and nothing else. */
  noBfd = false;
  answersNextHops = true;
  /** That all are on. Undefined: none is known of. */
  subnet: Prefix | undefined;
  /** Of speakers that start from now on. */
  pace: Pace | undefined;
  #queue: { atMs: number; run: () => void }[] = [];
  #silent = false;

  add(config: SpeakerConfig, at: string, restarting = false): TestNode {
    const node = new TestNode(address(at), this.#speaker(config, restarting));
    this.nodes.set(node.address, node);
    this.perform(node, node.speaker.start(this.nowMs));
    return node;
  }

  configure(node: TestNode, config: SpeakerConfig): void {
    this.perform(node, node.speaker.configure(config, this.nowMs));
  }

  /** The process dies without a word; its system closes the connections. */
  crash(node: TestNode): void {
    node.isUp = false;
    node.timers.clear();
    for (const id of node.wires.keys()) this.#close(node, id);
  }

  restart(node: TestNode, config: SpeakerConfig, restarting: boolean): void {
    node.speaker = this.#speaker(config, restarting);
    node.isUp = true;
    this.perform(node, node.speaker.start(this.nowMs));
  }

  /** From now on nothing sent arrives, on connections that are there and on new ones. */
  silence(isSilent: boolean): void {
    this.#silent = isSilent;
    if (!isSilent) return;
    for (const node of this.nodes.values()) {
      for (const { wire } of node.wires.values()) wire.isSilent = true;
    }
  }

  /** Every connection is reset, as by a firewall. */
  reset(): void {
    for (const node of this.nodes.values()) {
      for (const id of node.wires.keys()) {
        this.#close(node, id);
        this.#step(node, { input: "closed", connection: id, reason: "ECONNRESET" });
      }
    }
  }

  /** Messages that the node's speaker would not send by itself, at once, over its Established session. */
  inject(node: TestNode, ...messages: Message[]): void {
    const { wire } = [...node.wires.values()][0]!;
    const codec = { fourOctetAs: true, extendedMessage: true };
    const bytes = Buffer.concat(messages.flatMap((message) => encodeMessage(message, codec)));
    this.#send(node, wire.ends.get(node)!, bytes);
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    while (this.#queue.length > 0 && this.#queue[0]!.atMs <= untilMs) this.#next();
    this.nowMs = untilMs;
  }

  runUntil(what: string, holds: () => boolean, withinMs = 60_000): void {
    const untilMs = this.nowMs + withinMs;
    while (!holds()) {
      if (this.#queue.length === 0 || this.#queue[0]!.atMs > untilMs) {
        const seen = [...this.nodes.values()].map((node) => node.speaker.peers(this.nowMs));
        throw new Error(`${what}: not within ${withinMs} ms; last saw ${JSON.stringify(seen)}`);
      }
      this.#next();
    }
  }

  /** Until every session of every node is Established and the routes are exchanged. */
  settle(): void {
    this.runUntil("all sessions Established", () =>
      [...this.nodes.values()].every(({ speaker }) =>
        speaker.peers(this.nowMs).every(({ state }) => state === "Established"),
      ),
    );
    this.run(50);
  }

  /** Every next hop can be reached. */
  #answer(node: TestNode, nextHop: Address): void {
    this.#after(0, () => this.#step(node, { input: "nextHops", told: [{ nextHop, cost: 0 }] }));
  }

  perform(node: TestNode, effects: Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case "connect":
          this.#connect(node, effect.connection, effect.remoteAddress);
          break;
        case "send":
          this.#send(node, effect.connection, effect.bytes);
          break;
        case "close":
          this.#close(node, effect.connection);
          break;
        case "setTimer": {
          const token = {};
          node.timers.set(effect.timer, token);
          this.#after(effect.afterMs, () => {
            if (node.timers.get(effect.timer) !== token) return;
            node.timers.delete(effect.timer);
            this.#step(node, { input: "timer", timer: effect.timer });
          });
          break;
        }
        case "clearTimer":
          node.timers.delete(effect.timer);
          break;
        case "trackNextHop":
          if (this.answersNextHops) this.#answer(node, effect.nextHop);
          break;
        case "limitTtl":
        case "bfdClose":
          break;
        case "bfdSend": {
          const { remoteAddress, bytes } = effect;
          this.#after(LATENCY_MS, () => {
            const other = this.nodes.get(remoteAddress);
            if (other === undefined || this.#silent || this.noBfd) return;
            const { remoteAddress: from, interface: link } = endsOf(other.address, node.address);
            const zone = link === undefined ? {} : { interface: link };
            this.#step(other, { input: "bfdReceived", remoteAddress: from, ...zone, bytes });
          });
          break;
        }
        case "bmp":
          node.bmp.push(effect.bytes);
          break;
        case "log":
          node.logs.push(`${effect.level} ${effect.peer ?? "-"}: ${effect.message}`);
          break;
        case "changed":
          node.changed.push(effect.peer);
          break;
      }
    }
  }

  #speaker(config: SpeakerConfig, restarting: boolean): Speaker {
    return new Speaker(config, {
      nowMs: this.nowMs,
      restarting,
      softwareVersion: "test/1",
      timeOriginMs: 1_000_000_000_000,
      random: () => 0.5,
      ...(this.pace !== undefined && { pace: this.pace }),
    });
  }

  #connect(node: TestNode, id: ConnectionId, to: Address): void {
    if (this.#silent) return;
    this.#after(LATENCY_MS, () => {
      const other = this.nodes.get(to);
      if (other?.isUp !== true || other.speaker.config.listenPort === undefined) {
        const refused = { input: "connectFailed", connection: id, reason: "ECONNREFUSED" } as const;
        this.#after(LATENCY_MS, () => this.#step(node, refused));
        return;
      }
      const accepted = --other.lastAccepted;
      const wire: Wire = {
        ends: new Map([
          [node, id],
          [other, accepted],
        ]),
        isSilent: this.#silent,
      };
      node.wires.set(id, { wire, other });
      other.wires.set(accepted, { wire, other: node });
      // Before what `accepted` makes the other side send: nothing is read before `connected`.
      this.#after(LATENCY_MS, () => {
        if (!node.wires.has(id)) return;
        const ends = this.#endsOf(node, other);
        this.#step(node, { input: "connected", connection: id, ...ends });
      });
      const ends = this.#endsOf(other, node);
      this.#step(other, { input: "accepted", connection: accepted, ...ends });
    });
  }

  #endsOf(node: TestNode, other: TestNode): Ends {
    const ends = endsOf(node.address, other.address);
    return this.subnet === undefined ? ends : { ...ends, sharedSubnets: [this.subnet] };
  }

  #send(node: TestNode, id: ConnectionId, bytes: Uint8Array): void {
    const end = node.wires.get(id);
    if (end === undefined) return;
    this.#record(node, id, end.other.address, bytes);
    this.#after(LATENCY_MS, () => {
      const connection = end.wire.ends.get(end.other);
      if (end.wire.isSilent || connection === undefined) return;
      this.#step(end.other, { input: "received", connection, bytes });
    });
  }

  #record(node: TestNode, id: ConnectionId, to: Address, bytes: Uint8Array): void {
    let reader = node.readers.get(id);
    if (reader === undefined) node.readers.set(id, (reader = new FrameReader()));
    reader.push(bytes);
    const pathIdsIn = this.numbered.has(to) ? [ipv4Unicast] : [];
    const codec = { fourOctetAs: true, extendedMessage: true, pathIdsIn };
    for (;;) {
      const frame = reader.next(extendedMessageBytesMax);
      if (frame === undefined) return;
      node.sent.push({ atMs: this.nowMs, to, message: decodeMessage(frame, codec).message });
    }
  }

  #close(node: TestNode, id: ConnectionId): void {
    const end = node.wires.get(id);
    if (end === undefined) return;
    node.wires.delete(id);
    node.readers.delete(id);
    end.wire.ends.delete(node);
    if (end.wire.isSilent) return;
    this.#after(LATENCY_MS, () => {
      const connection = end.wire.ends.get(end.other);
      if (connection === undefined) return;
      end.wire.ends.delete(end.other);
      end.other.wires.delete(connection);
      end.other.readers.delete(connection);
      this.#step(end.other, { input: "closed", connection });
    });
  }

  #step(node: TestNode, input: Input): void {
    if (node.isUp) this.perform(node, node.speaker.step(input, this.nowMs));
  }

  /** In order of time, then of call. */
  #after(ms: number, run: () => void): void {
    const atMs = this.nowMs + ms;
    const later = this.#queue.findIndex((event) => event.atMs > atMs);
    this.#queue.splice(later < 0 ? this.#queue.length : later, 0, { atMs, run });
  }

  #next(): void {
    const event = this.#queue.shift()!;
    this.nowMs = event.atMs;
    event.run();
  }
}

/** Link-local ones are on eth1, and have no global ones beside them. */
function endsOf(localAddress: Address, remoteAddress: Address): Ends {
  if (!isLinkLocal(localAddress)) return { localAddress, remoteAddress };
  const sharedLink = { address: localAddress, linkLocal: localAddress };
  return { localAddress, remoteAddress, interface: "eth1", sharedLink };
}

/** Two speakers that are each other's only peer, at 10.0.0.1 and 10.0.0.2, not yet running. */
export function twoSpeakers(
  a: PairConfig = {},
  b: PairConfig = {},
): { net: TestNet; a: TestNode; b: TestNode } {
  const net = new TestNet();
  return {
    net,
    a: net.add(configA(a), "10.0.0.1"),
    b: net.add(configB(b), "10.0.0.2"),
  };
}

/** What tests of a pair vary: the peer's configuration beside the speaker's. */
type PairConfig = Partial<Omit<SpeakerConfig, "routerId" | "originate" | "peers">> & {
  originate?: string[];
  peer?: Partial<Omit<PeerConfig, "address">>;
};

/** AS 65001 at 10.0.0.1. */
export function configA({ peer, ...of }: PairConfig = {}): SpeakerConfig {
  const peers = [peerConfig({ address: "10.0.0.2", name: "b", ...peer })];
  return speakerConfig({ localAsn: 65001, routerId: "1.1.1.1", ...of, peers });
}

/** AS 65002 at 10.0.0.2. */
export function configB({ peer, ...of }: PairConfig = {}): SpeakerConfig {
  const peers = [peerConfig({ address: "10.0.0.1", name: "a", ...peer })];
  return speakerConfig({ localAsn: 65002, routerId: "2.2.2.2", ...of, peers });
}

export function speakerConfig(
  of: Partial<Omit<SpeakerConfig, "routerId" | "originate">> & {
    routerId: string;
    originate?: string[];
  },
): SpeakerConfig {
  const { routerId, originate, ...rest } = of;
  return {
    localAsn: 65001,
    listenPort: 179,
    hostname: `host-${routerId}`,
    peers: [],
    ...rest,
    routerId: address(routerId),
    originate: (originate ?? []).map(prefix),
  };
}

export function peerConfig(
  of: Partial<Omit<PeerConfig, "address">> & { address: string },
): PeerConfig {
  return {
    name: of.address,
    asn: 0,
    port: 179,
    passive: false,
    holdTimeSeconds: 9,
    keepaliveTimeSeconds: 3,
    connectRetryTimeSeconds: 5,
    families: [ipv4Unicast],
    exportPolicy: [{ name: "all", action: "accept" }],
    importPolicy: "accept",
    ...of,
    address: address(of.address),
  };
}
