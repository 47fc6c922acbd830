import type { Address } from "../../net/address.ts";
import type { FamilyName } from "../rib/family.ts";
import type { CeaseSaid } from "../session/io.ts";
import { CeaseSubcode } from "../wire/registry.ts";
import { BmpFeed } from "./bmp-feed.ts";
import { BfdSessions } from "./bfd-sessions.ts";
import { BmpMonitor } from "./bmp-monitor.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import type { ConnectionId, Effect, Input } from "./effect.ts";
import { DynamicPeers } from "./listen-range.ts";
import { Neighbors } from "./neighbors.ts";
import { NextHopFeed } from "./next-hop-feed.ts";
import type { Peer } from "./peer.ts";
import type { PeerContext } from "./peer-context.ts";
import { mustStartOver, speakerReset } from "./peer-change.ts";
import { defaultsTimer, PacedChanges } from "./pace.ts";
import { PeerTable } from "./peer-table.ts";
import { Ribs } from "./ribs.ts";
import { type PeerReset, resetPeers, type ResetRequest } from "./reset.ts";
import type { SpeakerOptions } from "./speaker-options.ts";
import { RouteFeed } from "./route-feed.ts";
import { deferralTimer, SelectionDeferral } from "./selection-deferral.ts";
import { type SpeakerParts, SpeakerViews } from "./speaker-views.ts";
import { tidy } from "./tidy.ts";
import { UpdateGroups } from "./update-groups.ts";

/**
 * How long an address is not called after a configuration has ended a session with it. Where a listen range let us in,
 * FRR may take the next call before it has read of the end: it then forgets the peer with the session that ended, and
 * goes on with the new one, which it lists nowhere and announces nothing over (seen with FRR 8.4).
 */
const afterOwnEndMs = 250;

/**
 * A BGP speaker without sockets and clock: every call takes the time, and returns what is to be done
 * outside, in order (effect.ts). One session for each peer, one loc-rib for each family.
 */
export class Speaker extends SpeakerViews {
  /** As it was given. */
  #given: SpeakerConfig;
  /** With the addresses of the peers that are named by interface. */
  #config: SpeakerConfig;
  readonly #options: SpeakerOptions;
  readonly #bmp: BmpFeed;
  readonly #bfd: BfdSessions;
  readonly #ribs: Ribs;
  readonly #deferral = new SelectionDeferral();
  readonly #groups: UpdateGroups;
  readonly #peers = new PeerTable((config, nowMs) => this.#peerContext(config, nowMs));
  /** Of these, the ones a listen range let in. */
  readonly #dynamic = new DynamicPeers();
  readonly #neighbors = new Neighbors();
  readonly #byConnection = new Map<ConnectionId, Peer>();
  /** Addresses whose sessions a configuration has ended, and until when they are not called. */
  readonly #endedUntilMs = new Map<Address, number>();
  #lastConnection: ConnectionId = 0;
  #state: "new" | "running" | "stopped" = "new";
  #effects: Effect[] = [];
  readonly #changed = new Set<Peer>();
  #tellings = 0;
  readonly #paced: PacedChanges;
  readonly #routes: RouteFeed;
  readonly #nextHops: NextHopFeed;

  constructor(config: SpeakerConfig, options: SpeakerOptions) {
    super();
    this.#given = config;
    this.#config = config;
    this.#options = options;
    this.#ribs = new Ribs(options.shared);
    if ((options.pace?.changesMs ?? 0) > 0) {
      for (const loc of Object.values(this.#ribs.loc)) loc.gather();
    }
    this.#groups = new UpdateGroups(this.#ribs, () => this.#deferral.families);
    const emit = (effect: Effect) => this.#effects.push(effect);
    this.#paced = new PacedChanges(options.pace, emit);
    const { softwareVersion, timeOriginMs } = options;
    const shared = { config: () => this.#config, ribs: this.#ribs };
    const monitor = new BmpMonitor({ ...shared, softwareVersion, timeOriginMs });
    const peers = () => [...this.#peers.values()];
    this.#bmp = new BmpFeed({ ...shared, monitor, peers, emit });
    this.#routes = new RouteFeed(this.#ribs, this.#deferral.families, emit);
    const changed = (peer: Peer) => this.#changed.add(peer);
    this.#bfd = new BfdSessions({ random: options.random, emit, changed });
    this.#ribs.originate(config.originate, options.nowMs);
    this.#ribs.setSelection(config);
    this.#nextHops = new NextHopFeed({ ribs: this.#ribs, peers, emit, changed });
    this.#nextHops.configure(config);
    this.#peers.addMissing(config.peers, options.nowMs);
  }

  /** Peers that are named by interface have the address that they are known to have now. */
  get config(): SpeakerConfig {
    return this.#config;
  }

  /** Starts every session. */
  start(nowMs: number): Effect[] {
    if (this.#state !== "new") throw new Error("a speaker is started once");
    this.#followNeighbors(nowMs);
    this.#state = "running";
    const deferredMs = this.#options.restarting
      ? this.#deferral.begin(this.#config.peers)
      : undefined;
    if (deferredMs !== undefined) {
      this.#effects.push({ do: "setTimer", timer: deferralTimer, afterMs: deferredMs });
    }
    if (this.#config.bmp !== undefined) this.#bmp.beginStatistics(nowMs);
    this.#routes.configure(this.#config.installRoutes);
    for (const peer of this.#peers.values()) peer.start(nowMs);
    return this.#finish(nowMs);
  }

  step(input: Input, nowMs: number): Effect[] {
    // Before the start nothing happens but that neighbors are heard.
    if (this.#state === "new" && input.input === "neighbors") {
      this.#neighbors.set(input.interface, input.addresses);
    }
    if (this.#state !== "running") return [];
    this.#take(input, nowMs);
    this.#removeGone(nowMs);
    if ([...this.#changed].some((peer) => peer.mayMove)) this.#followNeighbors(nowMs);
    return this.#finish(nowMs);
  }

  #take(input: Input, nowMs: number): void {
    switch (input.input) {
      case "nextHops":
        this.#nextHops.told(input);
        break;
      case "accepted":
        this.#accepted(input, nowMs);
        break;
      case "neighbors":
        this.#neighbors.set(input.interface, input.addresses);
        this.#followNeighbors(nowMs);
        break;
      case "bfdReceived":
        this.#bfd.received(input, nowMs);
        break;
      case "timer": {
        this.#bmp.timer(input.timer, nowMs);
        this.#paced.timer(input.timer);
        if (input.timer === defaultsTimer) this.#groups.lookAtDefaults();
        if (input.timer === deferralTimer) this.#endDeferral(this.#deferral.takeAll());
        const [serial = "", name = ""] = input.timer.split(":");
        if (serial === "bfd") this.#bfd.timer(name, nowMs);
        else this.#peers.bySerial(Number(serial))?.timer(name, nowMs);
        break;
      }
      default: {
        const { connection } = input;
        const peer = this.#byConnection.get(connection);
        if (input.input === "closed" || input.input === "connectFailed") {
          this.#byConnection.delete(connection);
        }
        // No peer: this was on its way when the connection was closed.
        if (peer !== undefined) peer.step(input, nowMs);
        else if (input.input === "connected") this.#effects.push({ do: "close", connection });
      }
    }
  }

  /** How often it has told that routes are others. */
  get tellings(): number {
    return this.#tellings;
  }

  /**
   * Takes up a new configuration with the least disturbance: sessions that need not start over stay
   * up and are told the difference only. Without effect once stopped.
   */
  configure(config: SpeakerConfig, nowMs: number): Effect[] {
    if (this.#state === "stopped") return [];
    this.#given = config;
    this.#apply(this.#neighbors.resolve(config, this.#peers), nowMs);
    return this.#finish(nowMs);
  }

  /** A peer that is named by interface may be somebody else now. */
  #followNeighbors(nowMs: number): void {
    const config = this.#neighbors.resolve(this.#given, this.#peers);
    const isSame = config.peers.every(
      ({ address }, i) => address === this.#config.peers[i]!.address,
    );
    if (!isSame) this.#apply(config, nowMs);
  }

  #apply(config: SpeakerConfig, nowMs: number): void {
    const resetAll = speakerReset(this.#config, config);
    const addressOf = (name: string) => this.#peers.get(name)!.config.address;
    const dynamic = this.#dynamic.configure(addressOf, config);
    const wanted = new Map([...config.peers, ...dynamic].map((peer) => [peer.name, peer]));
    for (const peer of this.#peers.values()) {
      const after = wanted.get(peer.config.name);
      if (after === undefined) this.#removePeer(peer, CeaseSubcode.peerDeconfigured, nowMs);
      else if (resetAll || mustStartOver(peer, after)) {
        this.#removePeer(peer, CeaseSubcode.otherConfigurationChange, nowMs);
      }
    }
    this.#ribs.setSelection(config);
    const bmpChanged = JSON.stringify(config.bmp) !== JSON.stringify(this.#config.bmp);
    this.#config = config;
    this.#nextHops.configure(config);
    if (this.#state === "running") this.#routes.configure(config.installRoutes);
    if (bmpChanged) this.#bmp.beginStatistics(nowMs);
    this.#ribs.originate(config.originate, nowMs);
    // Policies before the changed routes: a prefix and the statement for it make one UPDATE.
    if (this.#paced.announceMs(false) === 0) {
      this.#groups.setPolicies((peer) => wanted.get(peer)?.exportPolicy);
    }
    for (const peer of this.#peers.values()) {
      const after = wanted.get(peer.config.name)!;
      const { importPolicy } = peer.configure(after, nowMs);
      if (this.#state === "running") this.#bfd.configure(peer, nowMs);
      if (importPolicy) this.#bmp.policyChanged(peer, nowMs);
    }
    const added = this.#peers.addMissing(config.peers, nowMs);
    for (const [address, untilMs] of this.#endedUntilMs) {
      if (untilMs <= nowMs) this.#endedUntilMs.delete(address);
    }
    for (const peer of this.#state === "running" ? added : []) peer.start(nowMs);
  }

  /**
   * Ends every session, for good. `graceful`: in silence towards peers that then keep our routes
   * (RFC 4724); the others, and with `cease` all, get Cease/Administrative Shutdown in these words
   * (RFC 9003). Only the routes of the former stay installed.
   */
  stop(how: "graceful" | "cease", nowMs: number, communication?: string): Effect[] {
    const { restarting = [], others = [] } = Object.groupBy(this.#peers.values(), (peer) =>
      how === "graceful" && peer.restartsGracefully ? "restarting" : "others",
    );
    const said = {
      subcode: CeaseSubcode.administrativeShutdown,
      ...(communication !== undefined && { communication }),
    };
    for (const peer of others) this.#stopPeer(peer, said, nowMs);
    for (const [name, changed] of this.#ribs.takeChanged()) this.#routes.changed(name, changed);
    if (restarting.length === 0) this.#routes.end();
    for (const peer of restarting) this.#stopPeer(peer, undefined, nowMs);
    this.#bmp.end();
    this.#state = "stopped";
    this.#ribs.takeChanged();
    return this.#finish(nowMs);
  }

  /** As an operator asks for; and what became of each peer. */
  reset(of: ResetRequest, nowMs: number): { done: PeerReset[]; effects: Effect[] } {
    const done = this.#state === "running" ? resetPeers(this.#peers.values(), of, nowMs) : [];
    this.#removeGone(nowMs);
    return { done, effects: this.#finish(nowMs) };
  }

  /** What a BMP station that has just connected is to be sent before the `bmp` effects (RFC 7854 §5). */
  bmpBegin(nowMs: number): Uint8Array[] {
    return this.#bmp.begin(nowMs);
  }

  protected get parts(): SpeakerParts {
    return {
      peers: this.#peers,
      dynamic: this.#dynamic,
      bfd: this.#bfd,
      ribs: this.#ribs,
      routes: this.#routes,
      config: this.#config,
      timeOriginMs: this.#options.timeOriginMs,
    };
  }

  #accepted(input: Extract<Input, { input: "accepted" }>, nowMs: number): void {
    const { connection, remoteAddress } = input;
    if (this.#neighbors.called(input, this.#peers)) this.#followNeighbors(nowMs);
    const peer = this.#peers.at(input) ?? this.#addDynamic(remoteAddress, nowMs);
    if (typeof peer === "string") {
      const message = `connection from ${remoteAddress} closed: ${peer}`;
      this.#effects.push({ do: "log", level: "warn", message }, { do: "close", connection });
      return;
    }
    this.#byConnection.set(connection, peer);
    peer.step(input, nowMs);
  }

  /** A peer that a listen range lets in, or why none does. */
  #addDynamic(address: Address, nowMs: number): Peer | string {
    const config = this.#dynamic.admit(address, this.#config);
    if (typeof config === "string") return config;
    const peer = this.#peers.add(config, nowMs);
    peer.start(nowMs);
    return peer;
  }

  /** Dynamic peers without a session, or routes kept for the next one, are forgotten. */
  #removeGone(nowMs: number): void {
    for (const peer of this.#changed) {
      if (this.#dynamic.rangeOf(peer.config.name) === undefined || !peer.isGone) continue;
      this.#removePeer(peer, CeaseSubcode.peerDeconfigured, nowMs);
    }
  }

  #peerContext({ gracefulRestart, address }: PeerConfig, nowMs: number): PeerContext {
    const { restarting, softwareVersion, random, nowMs: startedMs } = this.#options;
    const restarts = gracefulRestart?.helperOnly !== true;
    const restartTimeMs = restarts ? (gracefulRestart?.restartTimeSeconds ?? 0) * 1000 : 0;
    return {
      speaker: () => this.#config,
      softwareVersion,
      // Peers hold our old routes for the restart time at most: later there is nothing to resume.
      restarting: restarting && nowMs - startedMs < restartTimeMs,
      ribs: this.#ribs,
      groups: this.#groups,
      deferred: () => this.#deferral.families,
      random,
      startsAfterMs: Math.max(0, (this.#endedUntilMs.get(address) ?? 0) - nowMs),
      firstUpdateMs: () => this.#paced.firstUpdateMs(this.#peers.size),
      announceMs: (isInGroup) => this.#paced.announceMs(isInGroup),
      whyUnknown: (config) => this.#neighbors.whyUnknown(config),
      newConnectionId: () => ++this.#lastConnection,
      observe: (effect, of, atMs) => {
        if (effect.do === "established") this.#bfd.configure(of, atMs);
        this.#bmp.observe(effect, of, atMs);
      },
      sweeping: (name, of, atMs) => this.#bmp.sweeping(name, of, atMs),
      emit: (effect, peer) => this.#emit(effect, peer),
      changed: (peer) => this.#changed.add(peer),
    };
  }

  #removePeer(peer: Peer, subcode: number, nowMs: number): void {
    const { address } = peer.config;
    if (peer.established !== undefined) this.#endedUntilMs.set(address, nowMs + afterOwnEndMs);
    this.#stopPeer(peer, { subcode }, nowMs);
    this.#changed.delete(peer);
    this.#peers.remove(peer);
    this.#dynamic.forget(peer.config.name);
  }

  /** Undefined: in silence. */
  #stopPeer(peer: Peer, notification: CeaseSaid | undefined, nowMs: number): void {
    if (this.#state === "running") {
      peer.step({ input: "stop", ...(notification && { notification }) }, nowMs);
    }
    this.#bfd.remove(peer, nowMs);
    peer.dispose();
  }

  #emit(effect: Effect, peer: Peer): void {
    if (effect.do === "connect") this.#byConnection.set(effect.connection, peer);
    if (effect.do === "close") this.#byConnection.delete(effect.connection);
    this.#effects.push(effect);
  }

  /** These families' routes are selected. */
  #endDeferral(names: readonly FamilyName[]): void {
    for (const name of names) {
      this.#groups.changed(name, this.#ribs.loc[name].ids());
      for (const peer of this.#peers.values()) peer.endDeferral(name);
    }
    this.#routes.begin(names);
    if (names.length > 0 && this.#deferral.families.size === 0) {
      this.#effects.push({ do: "clearTimer", timer: deferralTimer });
    }
  }

  /** The end of every call: peers are told of changed best paths, the edge of changed peers. */
  #finish(nowMs: number): Effect[] {
    if (this.#paced.mayTell(this.#ribs.hasChanged)) {
      const tellings = this.#tellings;
      for (const [name, changed] of this.#ribs.takeChanged()) {
        this.#tellings++;
        this.#groups.changed(name, changed);
        for (const peer of this.#peers.values()) peer.routesChanged(name, changed);
        this.#routes.changed(name, changed);
        this.#bmp.locRibChanged(name, changed, nowMs);
      }
      const hasTold = this.#tellings > tellings;
      if (hasTold && this.#groups.hasConditionalDefault && this.#paced.mayLookAtDefaults()) {
        this.#groups.lookAtDefaults();
      }
    }
    // Routes whose next hops are being asked about are not selected yet.
    if (!this.#ribs.nextHops.isWaiting) {
      this.#endDeferral(this.#deferral.takeDone(this.#peers.values()));
    }
    // What changed and waits goes by the numbers of prefixes, too.
    if (this.#options.shared === undefined && !this.#ribs.hasChanged) {
      tidy(this.#ribs, this.#groups, this.#peers.values());
    }
    for (const { config } of this.#changed) {
      this.#effects.push({ do: "changed", peer: config.name });
    }
    this.#changed.clear();
    this.#nextHops.ask();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
