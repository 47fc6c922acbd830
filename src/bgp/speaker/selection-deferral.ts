import { families, type FamilyName } from "../rib/family.ts";
import type { PeerConfig } from "./config.ts";
import type { Peer } from "./peer.ts";

const none: readonly FamilyName[] = [];

/** Of the speaker itself: no peer has the serial number 0. */
export const deferralTimer = "0:selectionDeferral";

/**
 * Which families' route selection waits, right after a restart, for the peers that kept our routes to
 * send theirs (RFC 4724 §4.1): till then what is learned is not passed on, and End-of-RIB is not sent.
 */
export class SelectionDeferral {
  readonly #waiting = new Set<FamilyName>();

  get families(): ReadonlySet<FamilyName> {
    return this.#waiting;
  }

  /** Begins, and says how long it may take: later no peer keeps our routes. Undefined: there is nothing to wait for. */
  begin(peers: readonly PeerConfig[]): number | undefined {
    const seconds = peers.map(({ gracefulRestart }) => gracefulRestart?.restartTimeSeconds ?? 0);
    const mostMs = Math.max(0, ...seconds) * 1000;
    if (mostMs === 0) return undefined;
    for (const name of Object.keys(families) as FamilyName[]) this.#waiting.add(name);
    return mostMs;
  }

  /** The families that no peer holds up any more; they wait no longer. */
  takeDone(peers: Iterable<Peer>): readonly FamilyName[] {
    if (this.#waiting.size === 0) return none;
    const all = [...peers];
    const done = [...this.#waiting].filter(
      (name) => !all.some((peer) => peer.awaitsEndOfRib(name)),
    );
    for (const name of done) this.#waiting.delete(name);
    return done;
  }

  /** The time is over. */
  takeAll(): FamilyName[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    return all;
  }
}
