import type { Address } from "../../net/address.ts";
import {
  type BfdState,
  type ControlPacket,
  decodeControlPacket,
  diagnosticName,
  encodeControlPacket,
} from "../../bfd/packet.ts";
import { BfdSession, type BfdTimer } from "../../bfd/session.ts";
import type { PeerConfig } from "./config.ts";
import type { Effect, Input } from "./effect.ts";
import type { Peer } from "./peer.ts";

/** One session for status and `bgp peers --json`. */
export type BfdStatus = {
  state: BfdState;
  /** Why it last left Up: `control detection time expired`. */
  diagnostic: string;
  /** The rest while the peer is heard. */
  remoteState?: BfdState;
  remoteDiagnostic?: string;
  /** Without a packet for so long the session is down. */
  detectionTimeMs?: number;
  /** Between two packets of ours, before jitter. */
  transmitIntervalMs?: number;
  /** While it is Up. */
  uptimeMs?: number;
};

type Tracked = { readonly peer: Peer; readonly session: BfdSession; upSinceMs?: number };

/** How the speaker and its BFD sessions reach each other. */
export type BfdContext = {
  random: () => number;
  emit: (effect: Effect) => void;
  changed: (peer: Peer) => void;
};

/**
 * The single-hop BFD sessions (RFC 5881) of the peers that are configured to have one. Each begins with
 * the first BGP session, when the other side has its own for this pair of addresses, and then stays.
 */
export class BfdSessions {
  readonly #context: BfdContext;
  readonly #byPeer = new Map<Peer, Tracked>();
  readonly #byDiscriminator = new Map<number, Tracked>();

  constructor(context: BfdContext) {
    this.#context = context;
  }

  /** Begins, ends or adapts the peer's session as it is configured now. */
  configure(peer: Peer, nowMs: number): void {
    const { bfd } = peer.config;
    const known = this.#byPeer.get(peer);
    if (bfd === undefined || peer.config.shutdown !== undefined) this.remove(peer, nowMs);
    else if (known !== undefined) this.#step(known, { input: "configure", times: bfd }, nowMs);
    else if (peer.established !== undefined) {
      const localDiscriminator = this.#newDiscriminator();
      const { random } = this.#context;
      const session = new BfdSession({ localDiscriminator, times: bfd, random });
      const tracked = { peer, session };
      this.#byPeer.set(peer, tracked);
      this.#byDiscriminator.set(localDiscriminator, tracked);
      this.#step(tracked, { input: "start" }, nowMs);
    }
  }

  /** The neighbor is told that the session is administratively down. */
  remove(peer: Peer, nowMs: number): void {
    const tracked = this.#byPeer.get(peer);
    if (tracked === undefined) return;
    const { session } = tracked;
    this.#step(tracked, { input: "disable" }, nowMs);
    this.#byPeer.delete(peer);
    this.#byDiscriminator.delete(session.localDiscriminator);
    this.#context.emit({ do: "bfdClose", session: session.localDiscriminator });
  }

  /** RFC 5880 §6.3, RFC 5881 §3: by Your Discriminator, or by where it came from before that is known. */
  received({ remoteAddress, interface: link, bytes }: BfdReceived, nowMs: number): void {
    const packet = decodeControlPacket(bytes);
    const isFrom = ({ peer: { config } }: Tracked) =>
      config.address === remoteAddress && (link === undefined || config.interface === link);
    const tracked = typeof packet === "string" ? undefined : this.#find(packet, isFrom);
    if (typeof packet === "string" || tracked === undefined || !isFrom(tracked)) {
      const why = typeof packet === "string" ? packet : "it belongs to no session";
      const message = `BFD packet from ${remoteAddress} discarded: ${why}`;
      this.#context.emit({ do: "log", level: "debug", message });
      return;
    }
    this.#step(tracked, { input: "received", packet }, nowMs);
  }

  /** `discriminator/timer`, as it was set. */
  timer(name: string, nowMs: number): void {
    const [discriminator, timer] = name.split("/");
    const tracked = this.#byDiscriminator.get(Number(discriminator));
    if (tracked === undefined) return;
    this.#step(tracked, { input: "timer", timer: timer as BfdTimer }, nowMs);
  }

  status(peer: Peer, nowMs: number): BfdStatus | undefined {
    const tracked = this.#byPeer.get(peer);
    if (tracked === undefined) return undefined;
    const { session, upSinceMs } = tracked;
    const { state, remote, detectionTimeMs, transmitIntervalMs } = session;
    return {
      state,
      diagnostic: diagnosticName(session.diagnostic),
      ...(remote && {
        remoteState: remote.state,
        remoteDiagnostic: diagnosticName(remote.diagnostic),
      }),
      ...(detectionTimeMs !== undefined && { detectionTimeMs }),
      ...(remote && transmitIntervalMs !== undefined && { transmitIntervalMs }),
      ...(state === "Up" && upSinceMs !== undefined && { uptimeMs: nowMs - upSinceMs }),
    };
  }

  #find(packet: ControlPacket, isFrom: (of: Tracked) => boolean): Tracked | undefined {
    const { yourDiscriminator } = packet;
    if (yourDiscriminator !== 0) return this.#byDiscriminator.get(yourDiscriminator);
    return [...this.#byPeer.values()].find(isFrom);
  }

  #step(tracked: Tracked, input: Parameters<BfdSession["step"]>[0], nowMs: number): void {
    const { peer, session } = tracked;
    const before = session.state;
    for (const effect of session.step(input, nowMs)) {
      switch (effect.do) {
        case "send":
          this.#context.emit({
            do: "bfdSend",
            session: session.localDiscriminator,
            ...destinationOf(peer.config),
            bytes: encodeControlPacket(effect.packet),
          });
          break;
        case "setTimer":
        case "clearTimer":
          this.#context.emit({
            ...effect,
            timer: `bfd:${session.localDiscriminator}/${effect.timer}`,
          });
          break;
        case "up":
          tracked.upSinceMs = nowMs;
          this.#log(peer, "info", "BFD session is up");
          peer.step({ input: "reachable" }, nowMs);
          break;
        case "down": {
          const why = `BFD session is down: ${diagnosticName(effect.diagnostic)}`;
          this.#log(peer, "warn", effect.failed ? why : `${why}, on purpose`);
          if (effect.failed) this.#pathDown(peer, effect.controlPlaneIndependent, nowMs);
          break;
        }
      }
    }
    if (session.state !== before) this.#context.changed(peer);
  }

  /** `controlPlaneIndependent`: a restart of the peer does not end its BFD. */
  #pathDown(peer: Peer, controlPlaneIndependent: boolean, nowMs: number): void {
    const { config, established, inbound } = peer;
    const mayRestart = established?.negotiated.gracefulRestart !== undefined || inbound.hasStale;
    if (config.bfd?.checkControlPlaneFailure && mayRestart && !controlPlaneIndependent) {
      this.#log(
        peer,
        "info",
        "the BGP session is left to its own timers: the peer may be restarting",
      );
      return;
    }
    peer.bfdDown(nowMs);
  }

  #newDiscriminator(): number {
    let value = Math.floor(this.#context.random() * 0x1_0000_0000);
    while (value === 0 || this.#byDiscriminator.has(value)) value = (value + 1) >>> 0;
    return value;
  }

  #log(peer: Peer, level: "info" | "warn", message: string): void {
    this.#context.emit({ do: "log", level, message, peer: peer.config.name });
  }
}

type BfdReceived = Extract<Input, { input: "bfdReceived" }>;

function destinationOf({ address, localAddress, interface: link }: PeerConfig): {
  remoteAddress: Address;
  localAddress?: Address;
  interface?: string;
} {
  return {
    remoteAddress: address,
    ...(localAddress !== undefined && { localAddress }),
    ...(link !== undefined && { interface: link }),
  };
}
