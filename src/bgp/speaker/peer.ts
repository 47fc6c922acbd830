import { type FamilyName, familyName } from "../rib/family.ts";
import { ownCapabilities } from "../session/capabilities.ts";
import type { DownReason, SessionEffect, SessionInput, TimerName } from "../session/io.ts";
import { Session } from "../session/session.ts";
import type { PrefixIds } from "../rib/prefix-table.ts";
import type { ReceivedUpdate } from "../wire/decode-update.ts";
import type { AfiSafi, Capability } from "../wire/message.ts";
import { updatesIn } from "../wire/frame.ts";
import { CeaseSubcode, RouteRefreshSubtype } from "../wire/registry.ts";
import type { PeerConfig } from "./config.ts";
import type { ConnectionId, Effect, TimerId } from "./effect.ts";
import { Inbound } from "./inbound.ts";
import { PrefixLimits } from "./maximum-prefix.ts";
import { Outbound } from "./outbound.ts";
import { familyOfTimer, OwnTimers } from "./own-timers.ts";
import { type PeerChange, peerChange } from "./peer-change.ts";
import type { Established, PeerContext } from "./peer-context.ts";
import { receiverOf } from "./receiver.ts";
import { inboundSession, missingPolicies, outboundOptions, sessionAsn } from "./session-view.ts";
import { StaleRoutes } from "./stale-routes.ts";

/** One configured peer: its session, its routes in and out, and what it left behind when it restarts. */
export class Peer {
  /** Unique for ever, in timer ids: the timer of a removed peer never reaches one of the same name. */
  readonly serial: number;
  readonly session: Session;
  readonly inbound: Inbound;
  /** UPDATE messages, over all sessions. */
  readonly updates = { received: 0, sent: 0 };
  #config: PeerConfig;
  #established: Established | undefined;
  #lastDown: string | undefined;
  readonly #timers: OwnTimers;
  readonly #stale: StaleRoutes;
  #heldDown: string | undefined;
  readonly #limits = new PrefixLimits();
  readonly #announced = new Map<FamilyName, number>();
  readonly #context: PeerContext;
  /** Of the call at hand. */
  #nowMs = 0;

  constructor(serial: number, config: PeerConfig, context: PeerContext) {
    this.serial = serial;
    this.#config = config;
    this.#context = context;
    const sweeping = (name: FamilyName) => context.sweeping(name, this, this.#nowMs);
    this.inbound = new Inbound(config.name, context.ribs, config.importPolicy, sweeping);
    this.#timers = new OwnTimers(
      (effect) => this.#emit(effect),
      (name) => this.#timerId(name),
    );
    const currentConfig = () => this.#config;
    const log = (level: "info", message: string) => this.#log(level, message);
    this.#stale = new StaleRoutes(this.inbound, this.#timers, log, currentConfig);
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
      startsAfterMs: context.startsAfterMs,
      random: context.random,
      receive: context.ribs.receive,
    });
  }

  get config(): PeerConfig {
    return this.#config;
  }

  /** It is named by its interface, and whoever is there may be somebody else now. */
  get mayMove(): boolean {
    return this.#config.interface !== undefined && this.#established === undefined;
  }

  get established(): Established | undefined {
    return this.#established;
  }

  /** Of our OPEN: the one that was sent while there is a session, else the next one. */
  get capabilities(): readonly Capability[] {
    return this.#established?.opens.sent.capabilities ?? this.#capabilities();
  }

  /** Routes of the family that were announced to the peer, over all of its sessions. */
  announced(name: FamilyName): number {
    return this.#announced.get(name) ?? 0;
  }

  /** Why the last session ended; undefined before the first. */
  get lastDown(): string | undefined {
    return this.#lastDown;
  }

  /** Why the session is not even tried; undefined where it is. */
  get heldDown(): string | undefined {
    return this.#heldDown ?? this.#context.whyUnknown(this.#config);
  }

  /** Nothing would be lost with this peer: no connection, no routes kept, no teardown to sit out. */
  get isGone(): boolean {
    const { state } = this.session;
    const isWaiting = state === "Idle" || state === "Active";
    return isWaiting && !this.inbound.hasStale && this.#heldDown === undefined;
  }

  /** Unless it is administratively down. */
  start(nowMs: number): void {
    this.#heldDown = this.#config.shutdown && "administratively shut down";
    if (this.heldDown === undefined) this.step({ input: "start" }, nowMs);
    else this.#context.changed(this);
  }

  step(input: SessionInput, nowMs: number): void {
    this.#nowMs = nowMs;
    const { state, lastError } = this.session;
    for (const effect of this.session.step(input, nowMs)) {
      const ends = effect.do === "down";
      if (ends) this.#context.observe(effect, this, nowMs);
      this.#perform(effect, nowMs);
      if (!ends) this.#context.observe(effect, this, nowMs);
    }
    this.answerRefreshes();
    // Not amid the effects: those left would be of a session that is over.
    if (this.#established !== undefined) this.#checkLimits(nowMs);
    if (this.session.state === state && this.session.lastError === lastError) return;
    this.#context.changed(this);
  }

  /** A timer of the name this peer gave it fired: its own, or the session's. */
  timer(name: string, nowMs: number): void {
    this.#nowMs = nowMs;
    const own = this.#timers.fired(name);
    if (own === undefined) this.step({ input: "timer", timer: name as TimerName }, nowMs);
    else if (own === "maximumPrefix") this.start(nowMs);
    else if (own === "firstUpdate") this.#established?.outbound.begin();
    else if (own === "announce") this.#sendAnew();
    else if (own === "advertise/ipv4/unicast" || own === "advertise/ipv6/unicast")
      this.#established?.outbound.intervalOver(familyOfTimer(own));
    else {
      if (own === "sweepStale" || own === "staleLimit") this.#stale.restartTimeOver();
      else this.#stale.staleTimeOver(familyOfTimer(own));
      this.#checkStale();
    }
  }

  /** Takes up what needs no reset, and tells what that was; an export policy's difference is sent. */
  configure(config: PeerConfig, nowMs: number): PeerChange {
    const change = peerChange(this.#config, config);
    const { importPolicy, shutdown, maximumPrefix } = change;
    this.#config = config;
    if (shutdown || (maximumPrefix && this.#heldDown !== undefined)) this.#hold(nowMs);
    if (importPolicy) this.applyImportPolicy();
    // FRR sends its own default route at once, and lets the rest wait.
    if (change.defaultOriginate) this.#sendAnew();
    else if (change.exportPolicy || change.wayOut) this.#announce(this.#context.announceMs(false));
    // What is there already may be too many by the new one.
    if (maximumPrefix && this.#established !== undefined) this.#checkLimits(nowMs);
    return change;
  }

  /** By the policy of then; what changes before goes by the old one. */
  #announce(afterMs: number): void {
    if (afterMs === 0) this.#sendAnew();
    else if (this.#established !== undefined && !this.#timers.isRunning("announce"))
      this.#timers.set("announce", afterMs);
  }

  #sendAnew(): void {
    if (this.#established === undefined) return;
    const { outbound, negotiated } = this.#established;
    outbound.setOptions(outboundOptions(this.#config, this.#context.speaker(), negotiated));
    outbound.answerRefreshes();
  }

  /** What the peer has asked for again is sent, or after a while (pace.ts). */
  answerRefreshes(): void {
    const outbound = this.#established?.outbound;
    if (outbound?.isRefreshAsked) this.#announce(this.#context.announceMs(outbound.isInGroup));
  }

  /** Down where it is to be shut down, else up. */
  #hold(nowMs: number): void {
    this.#timers.clear("maximumPrefix");
    const { shutdown } = this.#config;
    if (shutdown !== undefined) {
      const subcode = CeaseSubcode.administrativeShutdown;
      this.step({ input: "stop", notification: { subcode, ...shutdown } }, nowMs);
    }
    this.start(nowMs);
  }

  /** Administrative Reset (RFC 4486). It also ends the wait after too many routes, but no administrative shutdown. */
  reset(nowMs: number): void {
    this.#timers.clear("maximumPrefix");
    this.step({ input: "reset" }, nowMs);
    if (this.#heldDown !== undefined) this.start(nowMs);
  }

  /** Judges anew all that was received. */
  applyImportPolicy(): void {
    this.inbound.setImportPolicy(this.#config.importPolicy);
    this.#context.changed(this);
  }

  /** The path is down (RFC 5882 §4): Cease/BFD Down (RFC 9384), and no route is kept, as none could be used. */
  bfdDown(nowMs: number): void {
    if (["OpenSent", "OpenConfirm", "Established"].includes(this.session.state)) {
      this.step({ input: "stop", notification: { subcode: CeaseSubcode.bfdDown } }, nowMs);
      this.#lastDown = "BFD session down";
      this.start(nowMs);
    }
    if (!this.inbound.hasStale) return;
    this.inbound.end(new Map());
    this.#checkStale();
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
      this.#timers.set("maximumPrefix", restartTimeSeconds * 1000);
    }
  }

  /** Tells the peer of changed paths, where its update group does not. */
  routesChanged(name: FamilyName, ids: PrefixIds): void {
    this.#established?.outbound.changed(name, ids);
  }

  /** Whether the peer keeps our routes while we are away. */
  get restartsGracefully(): boolean {
    const isKept = this.#established?.negotiated.gracefulRestart !== undefined;
    return isKept && this.#config.gracefulRestart?.helperOnly !== true;
  }

  /** Whether route selection after a restart waits for this peer's routes of the family (RFC 4724 §4.1). */
  awaitsEndOfRib(name: FamilyName): boolean {
    const { gracefulRestart, importPolicy, families: wanted } = this.#config;
    const restarts = gracefulRestart !== undefined && gracefulRestart.helperOnly !== true;
    const isExpected = restarts && wanted.some((of) => familyName(of) === name);
    if (!isExpected || importPolicy === "reject" || this.#heldDown !== undefined) return false;
    if (this.#established === undefined) return true;
    const { families: agreed, gracefulRestart: theirs } = this.#established.negotiated;
    if (!agreed.some((of) => familyName(of) === name)) return false;
    // One that restarts as well waits for us in turn.
    return theirs?.restarting === false && !this.inbound.hasEndOfRib(name);
  }

  /** Route selection after a restart is done: the peer gets what was held back. */
  endDeferral(name: FamilyName): void {
    this.#established?.outbound.endDeferral(name);
  }

  /** Forgets the peer's routes. After the session was stopped. */
  dispose(): void {
    this.inbound.end(new Map());
    this.#timers.clearAll();
  }

  #perform(effect: SessionEffect, nowMs: number): void {
    switch (effect.do) {
      case "connect":
      case "limitTtl":
      case "send":
      case "close":
        this.#emit(effect);
        break;
      case "setTimer":
      case "clearTimer":
        this.#emit({ ...effect, timer: this.#timerId(effect.timer) });
        break;
      case "log":
        this.#emit({ ...effect, peer: this.#config.name });
        break;
      case "established":
        this.#begin(effect, nowMs);
        break;
      case "down":
        this.#end(effect.reason, effect.graceful);
        break;
      case "update":
        this.#update(effect.update, nowMs);
        break;
      case "routeRefresh":
        this.#routeRefresh(effect.family, effect.subtype);
        break;
    }
  }

  #begin(
    { negotiated, opens }: Extract<SessionEffect, { do: "established" }>,
    nowMs: number,
  ): void {
    const config = this.#config;
    const speaker = this.#context.speaker();
    this.inbound.begin(inboundSession(config, speaker, negotiated), negotiated);
    this.#stale.sessionBegan();
    const options = outboundOptions(config, speaker, negotiated);
    const { ribs, groups, deferred } = this.#context;
    const receiver = receiverOf({
      config: () => this.#config,
      send: (bytes) => this.#send(negotiated.connection, bytes),
      announced: (name, routes) => this.#announced.set(name, this.announced(name) + routes),
      setTimer: (timer, afterMs) => this.#timers.set(timer, afterMs),
      random: this.#context.random,
      log: (level, message) => this.#log(level, message),
    });
    const outbound = new Outbound(ribs, groups, options, negotiated, receiver, deferred);
    this.#established = { negotiated, opens, outbound, sinceMs: nowMs };
    for (const missing of missingPolicies(config, negotiated)) this.#log("warn", missing);
    outbound.expect();
    const waitMs = this.#context.firstUpdateMs();
    if (waitMs > 0) this.#timers.set("firstUpdate", waitMs);
    else outbound.begin();
  }

  #end(reason: DownReason, graceful: boolean): void {
    this.#timers.clearSessions();
    this.#lastDown = this.session.lastError ?? reason;
    const negotiated = graceful ? this.#established?.negotiated : undefined;
    this.#established?.outbound.end();
    this.#established = undefined;
    this.#stale.sessionEnded(negotiated);
  }

  #update(message: ReceivedUpdate, nowMs: number): void {
    this.updates.received++;
    this.inbound.update(message, nowMs);
    if (message.endOfRib !== undefined) this.#stale.endOfRib(familyName(message.endOfRib));
    this.#checkStale();
  }

  #routeRefresh(family: AfiSafi, subtype: number): void {
    const { gracefulRestart } = this.#established!.negotiated;
    switch (subtype) {
      case RouteRefreshSubtype.request:
        this.#established!.outbound.refreshAsked(family);
        break;
      case RouteRefreshSubtype.begin:
        if (!this.inbound.beginRefresh(familyName(family), gracefulRestart !== undefined)) break;
        this.#stale.limit();
        break;
      case RouteRefreshSubtype.end:
        this.inbound.endRefresh(familyName(family));
        this.#checkStale();
        break;
    }
  }

  /** Received routes changed. */
  #checkStale(): void {
    this.#context.changed(this);
    this.#stale.clearUnneeded();
  }

  #send(connection: ConnectionId, bytes: Uint8Array): void {
    this.updates.sent += updatesIn(bytes);
    this.#emit({ do: "send", connection, bytes });
    this.#context.changed(this);
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

  #log(level: "info" | "warn" | "error", message: string): void {
    this.#emit({ do: "log", level, message, peer: this.#config.name });
  }
}
