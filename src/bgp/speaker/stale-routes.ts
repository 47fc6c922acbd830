import { families, type FamilyName, familyName } from "../rib/family.ts";
import type { Negotiated } from "../session/io.ts";
import type { PeerConfig } from "./config.ts";
import type { Inbound } from "./inbound.ts";
import type { OwnTimers } from "./own-timers.ts";

/**
 * A peer that is back but never says End-of-RIB, or that says BoRR and never EoRR, loses what is
 * still stale after this (RFC 4724 §4.2, RFC 7313 §4). FRR's `stalepath-time` has the same default.
 */
const stalePathTimeDefaultSeconds = 360;

/**
 * What becomes of a peer's routes when its session ends: they stay for its restart time (RFC 4724 §4.2), then,
 * marked, for the long-lived stale time of their family (RFC 9494 §4.2).
 */
export class StaleRoutes {
  readonly #inbound: Inbound;
  readonly #timers: OwnTimers;
  readonly #log: (level: "info", message: string) => void;
  readonly #config: () => Pick<PeerConfig, "gracefulRestart">;
  #isUp = false;
  /** Of the last session. */
  #staleTimesSeconds: ReadonlyMap<FamilyName, number> = new Map();
  /** Families whose stale time ended in this session, and whose End-of-RIB has not come yet. */
  readonly #overdue = new Set<FamilyName>();

  constructor(
    inbound: Inbound,
    timers: OwnTimers,
    log: (level: "info", message: string) => void,
    config: () => Pick<PeerConfig, "gracefulRestart">,
  ) {
    this.#inbound = inbound;
    this.#timers = timers;
    this.#log = log;
    this.#config = config;
  }

  /** After `Inbound.begin`. */
  sessionBegan(): void {
    this.#isUp = true;
    this.clearUnneeded();
    if (this.#inbound.hasStale) this.limit();
  }

  /** `negotiated`: what the session had; undefined: nothing of it is to be kept. */
  sessionEnded(negotiated: Negotiated | undefined): void {
    this.#isUp = false;
    const { gracefulRestart, longLivedGracefulRestart = [] } = negotiated ?? {};
    // A stale time of 0: the peer takes such routes, and wants none of its own kept.
    const lasting = longLivedGracefulRestart.filter(({ staleTimeSeconds }) => staleTimeSeconds > 0);
    this.#staleTimesSeconds = new Map(
      lasting.map(({ family, staleTimeSeconds }) => [familyName(family), staleTimeSeconds]),
    );
    const restarting = gracefulRestart?.families.map(({ family }) => familyName(family)) ?? [];
    const retained = new Map<FamilyName, "once" | "again">();
    // RFC 4724 §4.2: consecutive restarts lose what is stale already; not so with the N bit (RFC 8538 §4.1), nor
    // where routes may live long (RFC 9494 §4.2).
    const how = gracefulRestart?.notification === true ? "again" : "once";
    for (const name of restarting) retained.set(name, how);
    for (const name of this.#staleTimesSeconds.keys()) retained.set(name, "again");
    // RFC 9494 §4.2: lost again after its time, before it was synchronized.
    for (const name of this.#overdue) retained.delete(name);
    this.#overdue.clear();
    this.#inbound.end(retained);
    this.clearUnneeded();
    if (!this.#inbound.hasStale) return;
    const restartTimeSeconds = gracefulRestart?.restartTimeSeconds ?? 0;
    // RFC 9494 §4.2: for a family that is not listed the restart time is zero.
    for (const name of this.#inbound.tables().keys()) {
      if (restartTimeSeconds === 0 || !restarting.includes(name)) this.#restartTimeOver(name);
    }
    if (restartTimeSeconds === 0 || !restarting.some((name) => this.#isStale(name))) return;
    this.#log("info", `keeping routes as stale for ${restartTimeSeconds} s`);
    this.#timers.set("sweepStale", restartTimeSeconds * 1000);
    if (this.#timers.isRunning("staleLimit")) return;
    this.#timers.set("staleLimit", restartTimeSeconds * 1000 + this.#stalePathTimeMs);
  }

  /** What is stale now is so for a while at most. */
  limit(): void {
    this.#timers.set("sweepStale", this.#stalePathTimeMs);
  }

  /** The peer did not come back, or did not finish, in time. */
  restartTimeOver(): void {
    for (const name of this.#inbound.tables().keys()) this.#restartTimeOver(name);
  }

  /** Whether or not the peer is back. */
  staleTimeOver(name: FamilyName): void {
    if (this.#isUp) this.#overdue.add(name);
    this.#sweep(name);
  }

  endOfRib(name: FamilyName): void {
    this.#inbound.endOfRib(name);
    this.#overdue.delete(name);
  }

  /** Once nothing is stale, there is nothing left to sweep. */
  clearUnneeded(): void {
    if (!this.#timers.isAnyRunning) return;
    if (!this.#inbound.hasStale) {
      this.#timers.clear("sweepStale");
      this.#timers.clear("staleLimit");
    }
    for (const name of Object.keys(families) as FamilyName[]) {
      // RFC 9494 §4.2: it goes on until the peer has synchronized.
      const isAwaited = this.#isUp && !this.#inbound.hasEndOfRib(name);
      if (!this.#isStale(name) && !isAwaited) this.#timers.clear(`longLived/${name}`);
    }
  }

  /** The family's stale routes go, or begin a long life. */
  #restartTimeOver(name: FamilyName): void {
    const isRunning = this.#timers.isRunning(`longLived/${name}`);
    if (!this.#isStale(name) || (this.#isUp && isRunning)) return;
    const staleTimeSeconds = this.#isUp ? undefined : this.#staleTimesSeconds.get(name);
    if (staleTimeSeconds === undefined) {
      this.#sweep(name);
      return;
    }
    this.#inbound.beginLongLived(name);
    // What runs is not begun anew: the peer has not synchronized in between.
    if (isRunning) return;
    this.#log("info", `keeping ${name} routes as long-lived stale for ${staleTimeSeconds} s`);
    this.#timers.set(`longLived/${name}`, staleTimeSeconds * 1000);
  }

  get #stalePathTimeMs(): number {
    const { stalePathTimeSeconds } = this.#config().gracefulRestart ?? {};
    return (stalePathTimeSeconds ?? stalePathTimeDefaultSeconds) * 1000;
  }

  #isStale(name: FamilyName): boolean {
    return (this.#inbound.tables().get(name)?.stale ?? 0) > 0;
  }

  #sweep(name: FamilyName): void {
    this.#log("info", `stale ${name} routes removed: the peer did not send them again in time`);
    this.#inbound.sweepStale(name);
  }
}
