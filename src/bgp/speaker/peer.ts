import type { Prefix } from "../../net/prefix.ts";
import type { FamilyName } from "../rib/family.ts";
import { ownCapabilities } from "../session/capabilities.ts";
import type {
  DownReason,
  Negotiated,
  SessionEffect,
  SessionInput,
  TimerName,
} from "../session/io.ts";
import { Session } from "../session/session.ts";
import { encodeMessage } from "../wire/encode.ts";
import { NoRoomError } from "../wire/error.ts";
import type { AfiSafi, Capability, Message, UpdateMessage } from "../wire/message.ts";
import { CeaseSubcode } from "../wire/registry.ts";
import type { PeerConfig } from "./config.ts";
import type { ConnectionId, Effect, TimerId } from "./effect.ts";
import { Inbound } from "./inbound.ts";
import { PrefixLimits } from "./maximum-prefix.ts";
import { Outbound } from "./outbound.ts";
import { peerChange } from "./peer-change.ts";
import type { Ribs } from "./ribs.ts";
import {
  inboundSession,
  outboundOptions,
  sessionAsn,
  type SpeakerIdentity,
} from "./session-view.ts";

/**
 * A peer that is back but never says End-of-RIB, or that says BoRR and never EoRR, loses what is
 * still stale after this (RFC 4724 §4.2, RFC 7313 §4).
 */
const stalePathTimeMs = 360_000;

/** The timers that are the peer's own and not its session's: the end of stale routes, and of a teardown for too many. */
const sweepTimer = "sweepStale";
const maximumPrefixTimer = "maximumPrefix";

/** RFC 7313 §3.2. */
const RouteRefreshSubtype = { request: 0, begin: 1, end: 2 } as const;

/** What a peer needs of its speaker. */
export type PeerContext = {
  /** As configured now. */
  readonly speaker: () => SpeakerIdentity;
  readonly softwareVersion: string;
  /** The Restart State bit of the first session's OPEN (RFC 4724 §4.1). */
  readonly restarting: boolean;
  readonly ribs: Ribs;
  readonly random: () => number;
  readonly newConnectionId: () => ConnectionId;
  readonly emit: (effect: Effect, peer: Peer) => void;
  /** The peer's state or one of its route counts is another. */
  readonly changed: (peer: Peer) => void;
};

/** What a peer has while its session is Established. */
export type Established = {
  readonly negotiated: Negotiated;
  readonly outbound: Outbound;
  readonly sinceMs: number;
};

/** One configured peer: its session, its routes in and out, and what it left behind when it restarts. */
export class Peer {
  /** Unique for ever, in timer ids: the timer of a removed peer never reaches one of the same name. */
  readonly serial: number;
  readonly session: Session;
  readonly inbound: Inbound;
  #config: PeerConfig;
  #established: Established | undefined;
  #lastDown: string | undefined;
  #isSweepSet = false;
  #heldDown: string | undefined;
  readonly #limits = new PrefixLimits();
  readonly #context: PeerContext;

  constructor(serial: number, config: PeerConfig, context: PeerContext) {
    this.serial = serial;
    this.#config = config;
    this.#context = context;
    this.inbound = new Inbound(config.name, context.ribs, config.importPolicy);
    const currentConfig = () => this.#config;
    const currentCapabilities = () => this.#capabilities();
    this.session = new Session({
      // Read anew for every OPEN, so that a change without a reset is in the next one.
      get peer() {
        return currentConfig();
      },
      get capabilities() {
        return currentCapabilities();
      },
      localAsn: sessionAsn(config, context.speaker()),
      routerId: context.speaker().routerId,
      newConnectionId: context.newConnectionId,
      random: context.random,
    });
  }

  get config(): PeerConfig {
    return this.#config;
  }

  get established(): Established | undefined {
    return this.#established;
  }

  /** Why the last session ended; undefined before the first. */
  get lastDown(): string | undefined {
    return this.#lastDown;
  }

  /** Why the session is not even tried; undefined where it is. */
  get heldDown(): string | undefined {
    return this.#heldDown;
  }

  /** Unless it is administratively down. */
  start(nowMs: number): void {
    this.#heldDown = this.#config.shutdown && "administratively shut down";
    if (this.#heldDown === undefined) this.step({ input: "start" }, nowMs);
    else this.#context.changed(this);
  }

  step(input: SessionInput, nowMs: number): void {
    const { state, lastError } = this.session;
    for (const effect of this.session.step(input, nowMs)) this.#perform(effect, nowMs);
    // Not amid the effects: those left would be of a session that is over.
    if (this.#established !== undefined) this.#checkLimits(nowMs);
    if (this.session.state === state && this.session.lastError === lastError) return;
    this.#context.changed(this);
  }

  /** A timer of the name this peer gave it fired: the session's, or its own. */
  timer(name: string, nowMs: number): void {
    if (name === sweepTimer) {
      this.#isSweepSet = false;
      this.#log("info", "stale routes removed: the peer did not send them again in time");
      this.inbound.sweepAllStale();
      this.#context.changed(this);
    } else if (name === maximumPrefixTimer) {
      this.start(nowMs);
    } else {
      this.step({ input: "timer", timer: name as TimerName }, nowMs);
    }
  }

  /** Takes up what needs no reset (peer-change.ts); an export policy's difference is sent. */
  configure(config: PeerConfig, nowMs: number): void {
    const { exportPolicy, importPolicy, shutdown, maximumPrefix } = peerChange(
      this.#config,
      config,
    );
    this.#config = config;
    if (shutdown || (maximumPrefix && this.#heldDown !== undefined)) this.#hold(nowMs);
    if (importPolicy) {
      this.inbound.setImportPolicy(config.importPolicy);
      this.#context.changed(this);
    }
    if (exportPolicy && this.#established !== undefined) {
      this.#sendRoutes(this.#established.outbound.setPolicy(config.exportPolicy));
    }
  }

  /** Down where it is to be shut down, else up. */
  #hold(nowMs: number): void {
    this.#emit({ do: "clearTimer", timer: this.#timerId(maximumPrefixTimer) });
    const { shutdown } = this.#config;
    if (shutdown !== undefined) {
      const subcode = CeaseSubcode.administrativeShutdown;
      this.step({ input: "stop", notification: { subcode, ...shutdown } }, nowMs);
    }
    this.start(nowMs);
  }

  /** RFC 4486 §4: Cease/Maximum Number of Prefixes Reached where the peer sent more than allowed. */
  #checkLimits(nowMs: number): void {
    const { maximumPrefix } = this.#config;
    if (maximumPrefix === undefined) return;
    const received = (name: FamilyName) => this.inbound.tables().get(name)?.size ?? 0;
    const warn = (text: string) => this.#log("warn", text);
    const exceeded = this.#limits.check(maximumPrefix, received, warn);
    if (exceeded === undefined) return;
    const { text, data, restartTimeSeconds } = exceeded;
    this.#log("error", `too many routes: ${text}`);
    this.#heldDown = `too many routes: ${text}`;
    const notification = { subcode: CeaseSubcode.maximumPrefixes, data };
    this.step({ input: "stop", notification }, nowMs);
    this.#lastDown = this.#heldDown;
    if (restartTimeSeconds !== undefined) {
      const timer = this.#timerId(maximumPrefixTimer);
      this.#emit({ do: "setTimer", timer, afterMs: restartTimeSeconds * 1000 });
    }
  }

  /** Tells the peer of changed best paths. */
  routesChanged(name: FamilyName, prefixes: ReadonlySet<Prefix>): void {
    if (this.#established === undefined) return;
    this.#sendRoutes(this.#established.outbound.changed(name, prefixes));
  }

  /** Forgets the peer's routes. After the session was stopped. */
  dispose(): void {
    this.inbound.end([]);
    this.#clearSweep();
    this.#emit({ do: "clearTimer", timer: this.#timerId(maximumPrefixTimer) });
  }

  #perform(effect: SessionEffect, nowMs: number): void {
    switch (effect.do) {
      case "connect":
      case "send":
      case "close":
        this.#emit(effect);
        break;
      case "setTimer":
        this.#emit({ ...effect, timer: this.#timerId(effect.timer) });
        break;
      case "clearTimer":
        this.#emit({ ...effect, timer: this.#timerId(effect.timer) });
        break;
      case "log":
        this.#emit({ ...effect, peer: this.#config.name });
        break;
      case "established":
        this.#begin(effect.negotiated, nowMs);
        break;
      case "down":
        this.#end(effect.reason, effect.graceful);
        break;
      case "update":
        this.#update(effect.message);
        break;
      case "routeRefresh":
        this.#routeRefresh(effect.family, effect.subtype);
        break;
    }
  }

  #begin(negotiated: Negotiated, nowMs: number): void {
    const config = this.#config;
    const speaker = this.#context.speaker();
    this.inbound.begin(inboundSession(config, speaker, negotiated), negotiated);
    if (this.inbound.hasStale) this.#sweepStaleAfter(stalePathTimeMs);
    else this.#clearSweep();
    const options = outboundOptions(config, speaker, negotiated);
    const outbound = new Outbound(this.#context.ribs, options, negotiated);
    this.#established = { negotiated, outbound, sinceMs: nowMs };
    this.#sendRoutes(outbound.begin());
  }

  #end(reason: DownReason, graceful: boolean): void {
    this.#lastDown = this.session.lastError ?? reason;
    const restart = graceful ? this.#established?.negotiated.gracefulRestart : undefined;
    this.#established = undefined;
    this.inbound.end(restart?.families.map(({ family }) => family) ?? []);
    if (restart !== undefined && this.inbound.hasStale) {
      this.#log("info", `keeping routes as stale for ${restart.restartTimeSeconds} s`);
      this.#sweepStaleAfter(restart.restartTimeSeconds * 1000);
    } else this.#clearSweep();
  }

  #update(message: UpdateMessage): void {
    this.inbound.update(message);
    if (message.endOfRib !== undefined) this.inbound.sweepStale(message.endOfRib);
    this.#checkStale();
  }

  #routeRefresh(family: AfiSafi, subtype: number): void {
    switch (subtype) {
      case RouteRefreshSubtype.request:
        this.#sendRoutes(this.#established!.outbound.refresh(family));
        break;
      case RouteRefreshSubtype.begin:
        this.inbound.markStale(family);
        this.#sweepStaleAfter(stalePathTimeMs);
        break;
      case RouteRefreshSubtype.end:
        this.inbound.sweepStale(family);
        this.#checkStale();
        break;
    }
  }

  /** Received routes changed. Once none is stale, there is nothing left to sweep. */
  #checkStale(): void {
    this.#context.changed(this);
    if (!this.inbound.hasStale) this.#clearSweep();
  }

  #sendRoutes(messages: readonly Message[]): void {
    if (this.#established === undefined || messages.length === 0) return;
    const { connection } = this.#established.negotiated;
    for (const message of messages) {
      for (const bytes of this.#encoded(message, this.#established)) {
        this.#emit({ do: "send", connection, bytes });
      }
    }
    this.#context.changed(this);
  }

  /** RFC 8654 §4: routes whose attributes leave no room for a prefix are not sent, and withdrawn where they were. */
  #encoded(message: Message, { negotiated: { codec }, outbound }: Established): Uint8Array[] {
    try {
      return encodeMessage(message, codec);
    } catch (error) {
      if (!(error instanceof NoRoomError) || message.type !== "UPDATE") throw error;
      this.#log("error", `routes not sent: their path attributes are too long: ${error.message}`);
      return outbound.withdrawn(message).flatMap((instead) => encodeMessage(instead, codec));
    }
  }

  #capabilities(): Capability[] {
    const { speaker, softwareVersion, restarting } = this.#context;
    const { hostname } = speaker();
    const asn = sessionAsn(this.#config, speaker());
    return ownCapabilities(this.#config, { asn, hostname, softwareVersion, restarting });
  }

  #emit(effect: Effect): void {
    this.#context.emit(effect, this);
  }

  #timerId(name: string): TimerId {
    return `${this.serial}:${name}`;
  }

  #sweepStaleAfter(afterMs: number): void {
    this.#isSweepSet = true;
    this.#emit({ do: "setTimer", timer: this.#timerId(sweepTimer), afterMs });
  }

  #clearSweep(): void {
    if (!this.#isSweepSet) return;
    this.#isSweepSet = false;
    this.#emit({ do: "clearTimer", timer: this.#timerId(sweepTimer) });
  }

  #log(level: "info" | "warn" | "error", message: string): void {
    this.#emit({ do: "log", level, message, peer: this.#config.name });
  }
}
