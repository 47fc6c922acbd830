import type { SpeakerConfig } from "../../bgp/speaker/config.ts";
import type { ConnectionId, Effect, Input, TimerId } from "../../bgp/speaker/effect.ts";
import { Speaker } from "../../bgp/speaker/speaker.ts";
import type { SpeakerOptions } from "../../bgp/speaker/speaker-options.ts";
import type { Ends } from "../../bgp/session/io.ts";
import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { FabricWorld } from "./fabric-world.ts";
import type { Wire } from "./wire.ts";

/** What differs between a router and a Kubernetes node. */
export type HostKind = "router" | "node";

/** A cable between two routers. */
export type Port = {
  readonly interface: string;
  readonly to: Host;
  readonly toInterface: string;
  isWhole: boolean;
};

/** One machine of the fabric: its speaker, and the speaker's connections and timers. */
export class Host {
  readonly name: string;
  readonly kind: HostKind;
  /** Link-local: the same on all ports, as with one MAC address for all. */
  readonly linkLocal: Address | undefined;
  /** Of the rack: a node's own, a ToR's gateway. */
  readonly rackAddress: Address | undefined;
  /** The subnets of that interface. */
  readonly rackSubnets: readonly Prefix[];
  readonly ports = new Map<string, Port>();
  /** Undefined: it has no power. */
  speaker: Speaker | undefined;
  /** When routes last changed here. */
  changedAtMs = 0;
  readonly #world: FabricWorld;
  readonly #configure: () => SpeakerConfig;
  readonly #wires = new Map<ConnectionId, Wire>();
  readonly #dialling = new Set<ConnectionId>();
  #timers: Map<TimerId, () => void> | undefined;
  #nextAccepted = -1;

  constructor(
    world: FabricWorld,
    of: Pick<Host, "name" | "kind" | "linkLocal" | "rackAddress" | "rackSubnets">,
    configure: () => SpeakerConfig,
  ) {
    this.#world = world;
    this.#configure = configure;
    this.name = of.name;
    this.kind = of.kind;
    this.linkLocal = of.linkLocal;
    this.rackAddress = of.rackAddress;
    this.rackSubnets = of.rackSubnets;
  }

  powerOn(options: Omit<SpeakerOptions, "nowMs">): void {
    const { clock } = this.#world;
    this.speaker = new Speaker(this.#configure(), { ...options, nowMs: clock.nowMs });
    for (const { interface: name, to, isWhole } of this.ports.values()) {
      if (isWhole && to.speaker !== undefined) this.hearNeighbor(name, to.linkLocal!);
    }
    this.#perform(this.speaker.start(clock.nowMs));
    for (const port of this.ports.values()) {
      if (port.isWhole && port.to.speaker !== undefined) {
        port.to.hearNeighbor(port.toInterface, this.linkLocal!);
      }
    }
  }

  /** Without a word. Whoever sees its carrier go knows at once, the others when their hold timers expire. */
  powerOff(): void {
    this.speaker = undefined;
    this.#dialling.clear();
    for (const cancel of this.#timers?.values() ?? []) cancel();
    this.#timers = undefined;
    const wires = [...this.#wires.values()];
    this.#wires.clear();
    for (const wire of wires) wire.silence(this);
    for (const { to, toInterface } of this.ports.values()) to.loseCarrier(toInterface);
  }

  hearNeighbor(on: string, neighbor: Address): void {
    this.#step({ input: "neighbors", interface: on, addresses: [neighbor] });
  }

  /** FRR ends external sessions with their link (`bgp fast-external-failover`). */
  loseCarrier(on: string): void {
    for (const [connection, wire] of this.#wires) {
      if (wire.interfaceOf(this) !== on) continue;
      this.#wires.delete(connection);
      wire.cut();
      this.#step({ input: "closed", connection, reason: "the link is down" });
    }
    this.#step({ input: "neighbors", interface: on, addresses: undefined });
  }

  adopt(connection: ConnectionId, wire: Wire): void {
    this.#wires.set(connection, wire);
  }

  newConnection(): ConnectionId {
    return this.#nextAccepted--;
  }

  has(connection: ConnectionId, wire: Wire): boolean {
    return this.#wires.get(connection) === wire;
  }

  isDialling(connection: ConnectionId): boolean {
    return this.#dialling.has(connection);
  }

  accepted(connection: ConnectionId, ends: Ends): void {
    if (this.#wires.has(connection)) this.#step({ input: "accepted", connection, ...ends });
  }

  connected(connection: ConnectionId, ends: Ends): void {
    this.#dialling.delete(connection);
    this.#step({ input: "connected", connection, ...ends });
  }

  connectFailed(connection: ConnectionId, reason: string): void {
    if (!this.#dialling.delete(connection)) return;
    this.#step({ input: "connectFailed", connection, reason });
  }

  received(connection: ConnectionId, bytes: Uint8Array): void {
    this.#step({ input: "received", connection, bytes });
  }

  closed(connection: ConnectionId): void {
    if (this.#wires.delete(connection)) this.#step({ input: "closed", connection });
  }

  /** The other end says nothing any more: its hold timer runs out. */
  expire(timer: TimerId): void {
    this.#step({ input: "timer", timer });
  }

  #step(input: Input): void {
    const { speaker } = this;
    if (speaker === undefined) return;
    const { tellings } = speaker;
    this.#perform(speaker.step(input, this.#world.clock.nowMs));
    if (speaker.tellings !== tellings) this.#world.carryOut(this);
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case "send":
          this.#wires.get(effect.connection)?.send(this, effect.bytes);
          break;
        case "setTimer":
          this.#setTimer(effect.timer, effect.afterMs);
          break;
        case "clearTimer":
          this.#clearTimer(effect.timer);
          break;
        case "connect":
          this.#dialling.add(effect.connection);
          this.#world.connect(this, effect);
          break;
        case "close": {
          const wire = this.#wires.get(effect.connection);
          this.#wires.delete(effect.connection);
          this.#dialling.delete(effect.connection);
          wire?.close(this);
          break;
        }
        default:
          break; // Nobody here reads logs and states, and routes are read from the loc-rib.
      }
    }
  }

  /** Of an established session they are the wire's: they are set going when its other end falls silent. */
  #setTimer(timer: TimerId, afterMs: number): void {
    const { clock } = this.#world;
    const held = sessionTimer(timer);
    if (held !== undefined) {
      this.#wires.get(held.connection)?.setHold(this, held.name, timer, afterMs, clock.nowMs);
      return;
    }
    this.#timers ??= new Map();
    this.#timers.get(timer)?.();
    const cancel = clock.setTimer(afterMs, () => {
      this.#timers?.delete(timer);
      this.#step({ input: "timer", timer });
    });
    this.#timers.set(timer, cancel);
  }

  #clearTimer(timer: TimerId): void {
    this.#timers?.get(timer)?.();
    this.#timers?.delete(timer);
    if (this.#timers?.size === 0) this.#timers = undefined;
  }
}

/** `12:hold/-3`. */
function sessionTimer(
  timer: TimerId,
): { name: "hold" | "keepalive"; connection: ConnectionId } | undefined {
  const slash = timer.indexOf("/");
  if (slash < 0) return undefined;
  const name = timer.slice(timer.indexOf(":") + 1, slash);
  if (name !== "hold" && name !== "keepalive") return undefined;
  return { name, connection: Number(timer.slice(slash + 1)) };
}
