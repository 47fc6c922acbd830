import type { SharedLink } from "../bgp/session/io.ts";
import type { PeerTemplate, SpeakerConfig } from "../bgp/speaker/config.ts";
import type { ConnectionId, Effect, Input, TimerId } from "../bgp/speaker/effect.ts";
import type { PeerReset, ResetRequest } from "../bgp/speaker/reset.ts";
import type { Pace } from "../bgp/speaker/pace.ts";
import { Speaker } from "../bgp/speaker/speaker.ts";
import { MessageType } from "../bgp/wire/registry.ts";
import { type Address, familyOf, isLinkLocal } from "../net/address.ts";
import { type Prefix, prefixContains, prefixLength, prefixOf } from "../net/prefix.ts";
import { BgpRoutes, type RouteKeeper } from "./bgp-routes.ts";
import type { Interface } from "./link.ts";
import type { SimNode } from "./network.ts";
import { SimRouterDiscovery } from "./router-discovery.ts";
import { sourceAddress } from "./source-address.ts";
import type { Ends, SimSocket } from "./tcp-socket.ts";
import type { World } from "./world.ts";

export type SimSpeakerOptions = {
  restarting: boolean;
  softwareVersion: string;
  log: (level: "debug" | "info" | "warn" | "error", message: string, peer?: string) => void;
  onChanged: (peer: string) => void;
  /** So many prefixes are reached otherwise than before. */
  onRoutesChanged: (count: number) => void;
  /** Undefined: nothing waits for company. */
  pace?: Pace;
  /** From a changed best path to the route in the node's table. */
  installDelayMs: number;
  resolveViaDefault: boolean;
  keeper: RouteKeeper;
  /** A session over a link ends with the link (FRR: `bgp fast-external-failover`). */
  endsWithLink: boolean;
};

/** Gives a speaker what it has of a simulated node: sockets, timers, routes, neighbor discovery, BFD. */
export class SimSpeakerHost {
  readonly speaker: Speaker;
  readonly #world: World;
  readonly #node: SimNode;
  readonly #options: SimSpeakerOptions;
  readonly #sockets = new Map<ConnectionId, SimSocket>();
  readonly #dialling = new Map<ConnectionId, () => void>();
  readonly #timers = new Map<TimerId, () => void>();
  readonly #discovery: SimRouterDiscovery;
  readonly #stopListening: (() => void)[] = [];
  #routes: BgpRoutes | undefined;
  #stopAccepting = () => {};
  #nextAccepted = -1;
  #isStopped = false;

  constructor(world: World, node: SimNode, config: SpeakerConfig, options: SimSpeakerOptions) {
    this.#world = world;
    this.#node = node;
    this.#options = options;
    this.speaker = new Speaker(config, {
      nowMs: world.clock.nowMs,
      restarting: options.restarting,
      softwareVersion: options.softwareVersion,
      random: world.random,
      ...(options.pace !== undefined && { pace: options.pace }),
    });
    this.#discovery = new SimRouterDiscovery(world, node, (link, addresses) =>
      this.#step({ input: "neighbors", interface: link, addresses }),
    );
    this.#stopListening.push(
      world.onPacket(node, "bfd", ({ from, on, ttl, bytes }) => {
        if (ttl !== 255) return;
        this.#step({
          ...{ input: "bfdReceived", remoteAddress: from, bytes },
          ...(isLinkLocal(from) && { interface: on.name }),
        });
      }),
      node.onChange(({ change }) => {
        if (change !== "interfaces" || !options.endsWithLink) return;
        node.processes.run(() => this.#endWithLinks());
      }),
    );
  }

  get node(): SimNode {
    return this.#node;
  }

  /** Those that are set, as the speaker names them. */
  get timers(): Iterable<TimerId> {
    return this.#timers.keys();
  }

  /** `discarded`: own prefixes; what comes to them and is nowhere known in detail goes into a black hole. */
  start(discarded: readonly Prefix[] = []): void {
    this.#world.speakers.add(this);
    const { config } = this.speaker;
    this.#listen(config);
    this.#configureRoutes(config);
    this.#routes?.discard(discarded);
    this.#perform(this.speaker.start(this.#world.clock.nowMs));
    this.#discovery.configure(unnumberedLinks(config));
  }

  configure(config: SpeakerConfig, discarded: readonly Prefix[] = []): void {
    this.#configureRoutes(config);
    this.#routes?.discard(discarded);
    this.#perform(this.speaker.configure(config, this.#world.clock.nowMs));
    this.#listen(this.speaker.config);
    this.#discovery.configure(unnumberedLinks(config));
  }

  reset(of: ResetRequest): PeerReset[] {
    const { done, effects } = this.speaker.reset(of, this.#world.clock.nowMs);
    this.#perform(effects);
    return done;
  }

  /** `killed`: the system closes its connections, and nobody has said a word. */
  async stop(how: "graceful" | "cease" | "killed"): Promise<void> {
    if (this.#isStopped) return;
    if (how !== "killed") this.#perform(this.speaker.stop(how, this.#world.clock.nowMs));
    this.#isStopped = true;
    this.#world.speakers.delete(this);
    this.#stopAccepting();
    for (const cancel of this.#timers.values()) cancel();
    for (const cancel of this.#dialling.values()) cancel();
    for (const socket of this.#sockets.values()) socket.close();
    for (const stop of this.#stopListening) stop();
    this.#discovery.stop(how !== "cease");
    const ends = { cease: "withdraw", graceful: "finish", killed: "leave" } as const;
    this.#routes?.close(ends[how]);
  }

  #step(input: Input): void {
    if (!this.#isStopped) this.#perform(this.speaker.step(input, this.#world.clock.nowMs));
  }

  #perform(effects: Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case "connect":
          this.#connect(effect);
          break;
        case "limitTtl": {
          const socket = this.#sockets.get(effect.connection);
          if (socket !== undefined) {
            socket.ttl = effect.ttl;
            socket.minTtl = effect.minTtl;
          }
          break;
        }
        case "send":
          if (hasUpdate(effect.bytes)) this.#world.routesMovedAtMs = this.#world.clock.nowMs;
          this.#sockets.get(effect.connection)?.send(effect.bytes);
          break;
        case "close":
          this.#dialling.get(effect.connection)?.();
          this.#dialling.delete(effect.connection);
          this.#sockets.get(effect.connection)?.close();
          this.#sockets.delete(effect.connection);
          break;
        case "setTimer": {
          const { timer, afterMs } = effect;
          this.#timers.get(timer)?.();
          const cancel = this.#node.processes.setTimer(this.#world.clock, afterMs, () => {
            this.#timers.delete(timer);
            this.#step({ input: "timer", timer });
          });
          this.#timers.set(timer, cancel);
          break;
        }
        case "clearTimer":
          this.#timers.get(effect.timer)?.();
          this.#timers.delete(effect.timer);
          break;
        case "bfdSend":
          this.#sendBfd(effect);
          break;
        case "routes":
          this.#world.routesMovedAtMs = this.#world.clock.nowMs;
          this.#options.onRoutesChanged(effect.changes.length);
          this.#routes?.take(effect.changes);
          break;
        case "trackNextHop":
          this.#routes?.ask(effect.nextHop);
          break;
        case "untrackNextHop":
          this.#routes?.forget(effect.nextHop);
          break;
        case "log":
          this.#options.log(effect.level, effect.message, effect.peer);
          break;
        case "changed":
          this.#options.onChanged(effect.peer);
          break;
        case "routesSelected":
          this.#routes?.selected(effect.family);
          break;
        case "bfdClose":
        case "bmp":
          break; // No socket is kept, no station is there.
      }
    }
  }

  #connect(effect: Extract<Effect, { do: "connect" }>): void {
    const { connection } = effect;
    const cancel = this.#world.tcp.connect(this.#node, effect, {
      onConnected: (socket) => {
        this.#dialling.delete(connection);
        this.#adopt(connection, socket, "connected");
      },
      onFailed: (reason) => {
        this.#dialling.delete(connection);
        this.#step({ input: "connectFailed", connection, reason });
      },
    });
    this.#dialling.set(connection, cancel);
  }

  #listen(config: SpeakerConfig): void {
    this.#stopAccepting();
    if (config.listenPort === undefined) return;
    const stop = this.#world.tcp.listen(this.#node, config.listenPort, {
      passwordFor: (remote) => peerAt(config, remote)?.password,
      onAccepted: (socket) => {
        const connection = this.#nextAccepted--;
        this.#adopt(connection, socket, "accepted");
      },
    });
    this.#stopAccepting = stop;
  }

  /** What came on it already is heard after the speaker knows of it. */
  #adopt(connection: ConnectionId, socket: SimSocket, input: "connected" | "accepted"): void {
    this.#sockets.set(connection, socket);
    this.#step({ input, connection, ...this.#ends(socket.ends) });
    socket.listen({
      onReceived: (bytes) => {
        if (this.#sockets.get(connection) === socket) {
          this.#step({ input: "received", connection, bytes });
        }
      },
      onClosed: (reason) => {
        if (this.#sockets.get(connection) !== socket) return;
        this.#sockets.delete(connection);
        this.#step({ input: "closed", connection, ...(reason !== undefined && { reason }) });
      },
    });
  }

  #endWithLinks(): void {
    for (const [connection, socket] of this.#sockets) {
      const { localAddress, remoteAddress, interface: link } = socket.ends;
      const on =
        link === undefined ? this.#node.ownerOf(localAddress) : this.#node.interfaces.get(link);
      if (on?.hasCarrier === true || on?.isLoopback === true) continue;
      const peer = peerAt(this.speaker.config, remoteAddress);
      // What comes over several hops may come another way.
      if (peer === undefined || !isExternal(peer, this.speaker.config) || peer.ttl !== 1) continue;
      this.#sockets.delete(connection);
      socket.close();
      this.#step({ input: "closed", connection, reason: "the link is down" });
    }
  }

  #sendBfd(effect: Extract<Effect, { do: "bfdSend" }>): void {
    const { remoteAddress: to, interface: link, bytes } = effect;
    const from = effect.localAddress ?? sourceAddress(this.#node, to);
    const out = link === undefined ? undefined : this.#node.interfaces.get(link);
    if (out?.linkLocal !== undefined) {
      this.#world.sendOnLink("bfd", { from: out.linkLocal, to, out, bytes });
    } else if (from !== undefined) {
      this.#world.sendRouted("bfd", this.#node, { from, to, ttl: 255, bytes });
    }
  }

  #configureRoutes({ installRoutes, trackNextHops = false }: SpeakerConfig): void {
    const isWanted = installRoutes !== undefined || trackNextHops;
    if (isWanted === (this.#routes !== undefined)) return;
    this.#routes?.close("withdraw");
    this.#routes = undefined;
    if (!isWanted) return;
    const { installDelayMs: delayMs, resolveViaDefault, keeper } = this.#options;
    this.#routes = new BgpRoutes({
      ...{ node: this.#node, clock: this.#world.clock, delayMs, resolveViaDefault, keeper },
      metric: installRoutes?.metric ?? 20,
      interfaceOf: (name) =>
        this.speaker.config.peers.find((peer) => peer.name === name)?.interface,
      tell: (told) => this.#step({ input: "nextHops", told }),
    });
  }

  #ends(ends: Ends) {
    const { localAddress, remoteAddress, interface: link } = ends;
    const on =
      link === undefined ? this.#node.ownerOf(localAddress) : this.#node.interfaces.get(link);
    const shared = on && sharedLink(on, ends);
    const subnets = on && link === undefined ? sharedSubnets(on, localAddress, remoteAddress) : [];
    return {
      ...ends,
      ...(shared !== undefined && { sharedLink: shared }),
      ...(subnets !== undefined && subnets.length > 0 && { sharedSubnets: subnets }),
    };
  }
}

/** Among whole messages, each with its length after the marker and its type after that (RFC 4271 §4.1). */
function hasUpdate(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += (bytes[at + 16]! << 8) | bytes[at + 17]!) {
    if (bytes[at + 18] === MessageType.update) return true;
  }
  return false;
}

function unnumberedLinks({ peers }: SpeakerConfig): ReadonlySet<string> {
  const unnumbered = peers.filter((peer) => peer.interface !== undefined && peer.address === "::");
  return new Set(unnumbered.map((peer) => peer.interface!));
}

/** As it is configured, by itself or by the longest of the listen ranges. */
function peerAt(config: SpeakerConfig, remote: Address): PeerTemplate | undefined {
  const peer = config.peers.find((one) => one.address === remote);
  if (peer !== undefined) return peer;
  const ranges = (config.listenRanges ?? []).filter(({ prefix }) => prefixContains(prefix, remote));
  const [longest] = ranges.sort((a, b) => prefixLength(b.prefix) - prefixLength(a.prefix));
  return longest?.peer;
}

function isExternal({ asn }: PeerTemplate, { localAsn }: SpeakerConfig): boolean {
  return asn === "external" || (typeof asn === "number" && asn !== localAsn);
}

/** RFC 2545 §3. */
function sharedLink(on: Interface, { localAddress, remoteAddress }: Ends): SharedLink | undefined {
  if (familyOf(localAddress) !== "ipv6") return undefined;
  const global = on.addresses.filter((one) => familyOf(one.address) === "ipv6");
  if (isLinkLocal(localAddress)) {
    return { address: global[0]?.address ?? localAddress, linkLocal: localAddress };
  }
  const own = global.find((one) => one.address === localAddress);
  if (own === undefined || on.isLoopback) return undefined;
  const subnet = prefixOf(own.address, own.prefixLength);
  if (!prefixContains(subnet, remoteAddress) || on.linkLocal === undefined) return undefined;
  return { address: localAddress, linkLocal: on.linkLocal };
}

/** RFC 4271 §5.1.3. */
function sharedSubnets(on: Interface, local: Address, remote: Address): Prefix[] {
  if (on.isLoopback) return [];
  const subnets = on.addresses
    .filter((one) => familyOf(one.address) === familyOf(local))
    .map((one) => prefixOf(one.address, one.prefixLength));
  return subnets.some((subnet) => prefixContains(subnet, remote)) ? subnets : [];
}
