import type { Address } from "../net/address.ts";
import type { Interface, Way } from "./link.ts";
import { type Hook, IpPacket } from "./netfilter.ts";
import { SimNetwork, type SimNode } from "./network.ts";
import { Programs } from "./programs.ts";
import type { SimSpeakerHost } from "./speaker-host.ts";
import { Tcp } from "./tcp.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { walk } from "./walk.ts";

/** A packet that is no TCP: what a program on another node hears. */
export type Packet = {
  from: Address;
  to: Address;
  /** The interface that it came in by. */
  on: Interface;
  ttl: number;
  bytes: Uint8Array;
};

export type PacketKind = "neighbor discovery" | "bfd";

/** What packet rules see of them: ICMPv6, and UDP by RFC 5881 §4, whose sessions are not told apart. */
const headers = {
  "neighbor discovery": { protocol: "icmp" },
  bfd: { protocol: "udp", sourcePort: 49_152, destinationPort: 3784 },
} as const;

/** Time, nodes and cables, and what crosses them. The same chance gives the same course of events. */
export class World {
  readonly clock = new VirtualClock();
  readonly network = new SimNetwork(this.clock);
  readonly random: () => number;
  readonly tcp: Tcp;
  readonly programs = new Programs();
  /** The speakers that run, of routers and of agents. */
  readonly speakers = new Set<SimSpeakerHost>();
  /** When a speaker last sent an UPDATE or used other routes than before. */
  routesMovedAtMs = 0;
  #isAwaited = false;
  #sleepers = 0;
  readonly #listeners = new Map<SimNode, Map<PacketKind, Set<(packet: Packet) => void>>>();

  /** `random`: uniform in [0, 1), all that is left to chance. */
  constructor(random: () => number) {
    this.random = random;
    this.tcp = new Tcp(this.clock, random);
  }

  /** Resolves after so long of the world's own time, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const end = () => {
        this.#sleepers--;
        this.wake();
        signal?.removeEventListener("abort", onAbort);
      };
      const cancel = this.clock.setTimer(ms, () => {
        end();
        resolve();
      });
      const onAbort = () => {
        cancel();
        end();
        reject(signal!.reason as Error);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers++;
      this.onSleeping();
    });
  }

  /** Time goes on until the promise is settled, which it is by something in the world. */
  async during<Value>(promise: Promise<Value>): Promise<Value> {
    this.#sleepers++;
    this.onSleeping();
    try {
      return await promise;
    } finally {
      this.#sleepers--;
    }
  }

  /** How many wait for time to pass. */
  get sleepers(): number {
    return this.#sleepers;
  }

  /** Somebody waits: time may go on (drive.ts). */
  onSleeping: () => void = () => {};

  /** What waits outside the world has something to do: time stands still until it has done it. */
  wake(): void {
    this.#isAwaited = true;
  }

  /** Whether time must stand still, for once. */
  takeWake(): boolean {
    const isAwaited = this.#isAwaited;
    this.#isAwaited = false;
    return isAwaited;
  }

  /** Returns how to stop. */
  onPacket(node: SimNode, kind: PacketKind, listener: (packet: Packet) => void): () => void {
    let kinds = this.#listeners.get(node);
    if (kinds === undefined) this.#listeners.set(node, (kinds = new Map()));
    let listeners = kinds.get(kind);
    if (listeners === undefined) kinds.set(kind, (listeners = new Set()));
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** To everybody on the link, or to whose address it is. What cannot be sent is lost. */
  sendOnLink(
    kind: PacketKind,
    packet: { from: Address; to: Address; out: Interface; bytes: Uint8Array },
  ): void {
    const { out, from, to, bytes } = packet;
    const isMulticast = to.startsWith("ff");
    const header = { ...headers[kind], source: from, destination: to };
    for (const way of out.ways()) {
      const { to: on } = way;
      if (!isMulticast && on.node.ownerOf(to, on.name) === undefined) continue;
      const delayMs = this.#crossing(out.node, way, new IpPacket(header));
      if (delayMs !== undefined)
        this.#deliver(kind, { from, to, on, ttl: 255, bytes }, delayMs, out);
    }
  }

  /** Undefined: lost on the way. */
  #crossing(by: SimNode, { to, hops }: Way, packet: IpPacket): number | undefined {
    const passes = (at: SimNode, hook: Hook, device?: string) =>
      (at.netfilter?.pass(hook, packet, device) ?? "accept") === "accept";
    packet.enter(undefined);
    if (!passes(by, "output") || !passes(by, "postrouting")) return undefined;
    let delayMs = 0;
    for (const { cable, from, to: next } of hops) {
      const nowMs = this.clock.nowMs + delayMs;
      const tookMs = cable.cross(from, { nowMs, random: this.random });
      if (tookMs === undefined || !passes(next.node, "ingress", next.name)) return undefined;
      delayMs += tookMs;
    }
    packet.enter(to);
    const isTaken = passes(to.node, "prerouting", to.name) && passes(to.node, "input", to.name);
    return isTaken ? delayMs : undefined;
  }

  /** As the nodes' routes lead, with that TTL. */
  sendRouted(
    kind: PacketKind,
    node: SimNode,
    packet: { from: Address; to: Address; ttl: number; bytes: Uint8Array },
  ): void {
    const { from, to, ttl, bytes } = packet;
    const { random, clock } = this;
    const sent = new IpPacket({ ...headers[kind], source: from, destination: to });
    const path = walk(node, sent, { ttl, random, nowMs: clock.nowMs, bytes: bytes.length });
    const last = path.hops.at(-1);
    if (!("arrived" in path) || path.on === undefined || last === undefined) return;
    this.#deliver(kind, { from, to, on: path.on, ttl: path.ttl, bytes }, path.delayMs, last.from);
  }

  #deliver(kind: PacketKind, packet: Packet, delayMs: number, sentBy: Interface): void {
    this.clock.setTimer(delayMs, () => {
      if (!sentBy.hasCarrier || !packet.on.node.isUp) return;
      const listeners = this.#listeners.get(packet.on.node)?.get(kind);
      packet.on.node.processes.run(() => {
        for (const listener of listeners ?? []) listener(packet);
      });
    });
  }
}
