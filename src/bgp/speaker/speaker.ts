import type { Prefix } from "../../net/prefix.ts";
import type { FamilyName } from "../rib/family.ts";
import type { LocRib } from "../rib/loc-rib.ts";
import type { CeaseSaid } from "../session/io.ts";
import { CeaseSubcode } from "../wire/registry.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import type { ConnectionId, Effect, Input } from "./effect.ts";
import { explain, type Explanation } from "./explain.ts";
import { Peer, type PeerContext } from "./peer.ts";
import { peerChange, speakerReset } from "./peer-change.ts";
import { Ribs } from "./ribs.ts";
import {
  type AdvertisedRoute,
  advertisedRoutes,
  availableRoutes,
  type AvailableRoute,
  type PeerPolicies,
  peerPolicies,
  type PeerStatus,
  peerStatus,
  type ReceivedRoute,
  receivedRoutes,
} from "./views.ts";

export type SpeakerOptions = {
  /** Any clock that only goes forward; the same for every call. */
  nowMs: number;
  /** This process replaces one whose routes the peers may still hold: R bit in the first OPEN (RFC 4724 §4.1). */
  restarting: boolean;
  /** For the software version capability: `spinelab/0.1.0`. */
  softwareVersion: string;
  /** Uniform in [0, 1): jitter of timers (RFC 4271 §10). */
  random: () => number;
};

/**
 * A BGP speaker without sockets and clock: every call takes the time, and returns what is to be done
 * outside, in order (effect.ts). One session for each peer, one loc-rib for each family.
 */
export class Speaker {
  #config: SpeakerConfig;
  readonly #options: SpeakerOptions;
  readonly #ribs = new Ribs();
  /** By PeerConfig.name, in the order of the configuration. */
  #peers = new Map<string, Peer>();
  readonly #bySerial = new Map<number, Peer>();
  readonly #byConnection = new Map<ConnectionId, Peer>();
  #lastSerial = 0;
  #lastConnection: ConnectionId = 0;
  #state: "new" | "running" | "stopped" = "new";
  #effects: Effect[] = [];
  readonly #changed = new Set<Peer>();

  constructor(config: SpeakerConfig, options: SpeakerOptions) {
    this.#config = config;
    this.#options = options;
    this.#ribs.originate(config.originate);
    this.#addPeers(options.nowMs);
  }

  get config(): SpeakerConfig {
    return this.#config;
  }

  /** Starts every session. */
  start(nowMs: number): Effect[] {
    if (this.#state !== "new") throw new Error("a speaker is started once");
    this.#state = "running";
    for (const peer of this.#peers.values()) peer.start(nowMs);
    return this.#finish();
  }

  step(input: Input, nowMs: number): Effect[] {
    if (this.#state !== "running") return [];
    switch (input.input) {
      case "accepted":
        this.#accepted(input, nowMs);
        break;
      case "timer": {
        const [serial = "", name = ""] = input.timer.split(":");
        this.#bySerial.get(Number(serial))?.timer(name, nowMs);
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
    return this.#finish();
  }

  /**
   * Takes up a new configuration with the least disturbance: sessions that need not start over stay
   * up and are told the difference only. Without effect once stopped.
   */
  configure(config: SpeakerConfig, nowMs: number): Effect[] {
    if (this.#state === "stopped") return [];
    const resetAll = speakerReset(this.#config, config);
    const wanted = new Map(config.peers.map((peer) => [peer.name, peer]));
    for (const peer of this.#peers.values()) {
      const after = wanted.get(peer.config.name);
      if (after === undefined) this.#removePeer(peer, CeaseSubcode.peerDeconfigured, nowMs);
      else if (resetAll || mustStartOver(peer, after)) {
        this.#removePeer(peer, CeaseSubcode.otherConfigurationChange, nowMs);
      }
    }
    this.#config = config;
    this.#ribs.originate(config.originate);
    // Policies before the changed routes: a prefix and the statement for it make one UPDATE.
    for (const peer of this.#peers.values()) {
      peer.configure(wanted.get(peer.config.name)!, nowMs);
    }
    const added = this.#addPeers(nowMs);
    if (this.#state === "running") {
      for (const peer of added) peer.start(nowMs);
    }
    return this.#finish();
  }

  /**
   * Ends every session, for good. `graceful`: in silence towards peers that then keep our routes
   * (RFC 4724); the others, and with `cease` all, get Cease/Administrative Shutdown in these words
   * (RFC 9003).
   */
  stop(how: "graceful" | "cease", nowMs: number, communication?: string): Effect[] {
    for (const peer of this.#peers.values()) {
      const inSilence =
        how === "graceful" && peer.established?.negotiated.gracefulRestart !== undefined;
      const said = {
        subcode: CeaseSubcode.administrativeShutdown,
        ...(communication !== undefined && { communication }),
      };
      this.#stopPeer(peer, inSilence ? undefined : said, nowMs);
    }
    this.#state = "stopped";
    return this.#finish();
  }

  peers(nowMs: number): PeerStatus[] {
    return [...this.#peers.values()].map((peer) => peerStatus(peer, this.#config, nowMs));
  }

  /** adj-rib-in before policy, of one peer or of all. */
  routesReceived(peer?: string): ReceivedRoute[] {
    return this.#select(peer).flatMap((of) => receivedRoutes(of, this.#ribs));
  }

  /** adj-rib-out as it was sent, of one peer or of all. */
  routesAdvertised(peer?: string): AdvertisedRoute[] {
    return this.#select(peer).flatMap(advertisedRoutes);
  }

  /** The loc-rib, own prefixes included: every candidate, the best marked. */
  routesAvailable(): AvailableRoute[] {
    return availableRoutes(this.#ribs);
  }

  /** Why the prefix is reached as it is, and what each peer is told of it. */
  explain(prefix: Prefix): Explanation {
    return explain(prefix, this.#ribs, [...this.#peers.values()]);
  }

  policies(): PeerPolicies[] {
    return [...this.#peers.values()].map(peerPolicies);
  }

  #select(name: string | undefined): Peer[] {
    return [...this.#peers.values()].filter(
      (peer) => name === undefined || peer.config.name === name,
    );
  }

  #accepted(input: Extract<Input, { input: "accepted" }>, nowMs: number): void {
    const { connection, remoteAddress } = input;
    const peer = [...this.#peers.values()].find(({ config }) => config.address === remoteAddress);
    if (peer === undefined) {
      const message = `connection from ${remoteAddress} closed: no such peer is configured`;
      this.#effects.push({ do: "log", level: "warn", message }, { do: "close", connection });
      return;
    }
    this.#byConnection.set(connection, peer);
    peer.step(input, nowMs);
  }

  /** Makes the configured peers that are not there yet, and puts all in the configuration's order. */
  #addPeers(nowMs: number): Peer[] {
    const added: Peer[] = [];
    const inOrder = new Map<string, Peer>();
    for (const config of this.#config.peers) {
      let peer = this.#peers.get(config.name);
      if (peer === undefined) {
        const serial = ++this.#lastSerial;
        peer = new Peer(serial, config, this.#peerContext(config, nowMs));
        this.#bySerial.set(serial, peer);
        added.push(peer);
      }
      inOrder.set(config.name, peer);
    }
    this.#peers = inOrder;
    return added;
  }

  #peerContext({ gracefulRestart }: PeerConfig, nowMs: number): PeerContext {
    const { restarting, softwareVersion, random, nowMs: startedMs } = this.#options;
    const restartTimeMs = (gracefulRestart?.restartTimeSeconds ?? 0) * 1000;
    return {
      speaker: () => this.#config,
      softwareVersion,
      // Peers hold our old routes for the restart time at most: later there is nothing to resume.
      restarting: restarting && nowMs - startedMs < restartTimeMs,
      ribs: this.#ribs,
      random,
      newConnectionId: () => ++this.#lastConnection,
      emit: (effect, peer) => this.#emit(effect, peer),
      changed: (peer) => this.#changed.add(peer),
    };
  }

  #removePeer(peer: Peer, subcode: number, nowMs: number): void {
    this.#stopPeer(peer, { subcode }, nowMs);
    this.#changed.delete(peer);
    this.#peers.delete(peer.config.name);
    this.#bySerial.delete(peer.serial);
  }

  /** Undefined: in silence. */
  #stopPeer(peer: Peer, notification: CeaseSaid | undefined, nowMs: number): void {
    if (this.#state === "running") {
      peer.step({ input: "stop", ...(notification && { notification }) }, nowMs);
    }
    peer.dispose();
  }

  #emit(effect: Effect, peer: Peer): void {
    if (effect.do === "connect") this.#byConnection.set(effect.connection, peer);
    if (effect.do === "close") this.#byConnection.delete(effect.connection);
    this.#effects.push(effect);
  }

  /** The end of every call: peers are told of changed best paths, the edge of changed peers. */
  #finish(): Effect[] {
    for (const [name, loc] of Object.entries(this.#ribs.loc) as [FamilyName, LocRib][]) {
      const changed = loc.takeChanged();
      if (changed.size === 0) continue;
      for (const peer of this.#peers.values()) peer.routesChanged(name, changed);
    }
    for (const { config } of this.#changed) {
      this.#effects.push({ do: "changed", peer: config.name });
    }
    this.#changed.clear();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

function mustStartOver(peer: Peer, after: PeerConfig): boolean {
  const { reset, dialing } = peerChange(peer.config, after);
  return reset || (dialing && peer.established === undefined);
}
