import type { Effect } from "./effect.ts";

/**
 * How long a speaker lets things wait so that more of them go together, as FRR's bgpd does: its work queue of changed
 * routes (bgp_process, 50 ms), and a new session's first UPDATE (`coalesce-time`).
 */
export type Pace = {
  /** From the first changed route until what is chosen goes to peers and to the edge. */
  changesMs: number;
  /** From Established until the peer's first UPDATE: so much, and so much more for every peer configured. */
  firstUpdateMs: number;
  firstUpdatePerPeerMs: number;
  /**
   * From another export policy until routes are sent by it, and from a peer's ROUTE-REFRESH to the answer (FRR:
   * BGP_ANNOUNCE_ROUTE_SHORT_DELAY_MS).
   */
  exportPolicyMs: number;
  /** The same of a peer that is in one update group with others (FRR: BGP_ANNOUNCE_ROUTE_DELAY_MS). */
  announceInGroupMs: number;
  /** From a change until it is looked whether default routes still go out that depend on other routes (FRR: RMAP_DEFAULT_ORIGINATE_EVAL_TIMER). */
  defaultOriginateMs: number;
};

const atOnce: Pace = {
  ...{ changesMs: 0, firstUpdateMs: 0, firstUpdatePerPeerMs: 0 },
  ...{ exportPolicyMs: 0, announceInGroupMs: 0, defaultOriginateMs: 0 },
};

/** FRR's BGP_MAX_SUBGROUP_COALESCE_TIME. */
const firstUpdateMsMax = 10_000;

/** Of the speaker itself: no peer has the serial number 0. */
const changesTimer = "0:changes";
export const defaultsTimer = "0:defaults";

/** Whether what changed is told now. */
export class PacedChanges {
  readonly #pace: Pace;
  readonly #emit: (effect: Effect) => void;
  #state: "none" | "waiting" | "due" = "none";
  #areDefaultsWaiting = false;

  constructor(pace: Pace = atOnce, emit: (effect: Effect) => void) {
    this.#pace = pace;
    this.#emit = emit;
  }

  firstUpdateMs(peers: number): number {
    const { firstUpdateMs, firstUpdatePerPeerMs } = this.#pace;
    return Math.min(firstUpdateMs + firstUpdatePerPeerMs * peers, firstUpdateMsMax);
  }

  /** Until a peer is sent its routes anew. One with another policy is in no group with others yet. */
  announceMs(isInGroup: boolean): number {
    return isInGroup ? this.#pace.announceInGroupMs : this.#pace.exportPolicyMs;
  }

  /** Of any timer. */
  timer(timer: string): void {
    if (timer === changesTimer) this.#state = "due";
    if (timer === defaultsTimer) this.#areDefaultsWaiting = false;
  }

  /** Something was told that default routes may depend on: whether they are looked at now, and not when the timer fires. */
  mayLookAtDefaults(): boolean {
    const { defaultOriginateMs } = this.#pace;
    if (defaultOriginateMs === 0) return true;
    if (!this.#areDefaultsWaiting) {
      this.#areDefaultsWaiting = true;
      this.#emit({ do: "setTimer", timer: defaultsTimer, afterMs: defaultOriginateMs });
    }
    return false;
  }

  /** Asked after every call. The first change lets those after it come along. */
  mayTell(hasChanged: boolean): boolean {
    const { changesMs } = this.#pace;
    if (changesMs === 0 || this.#state === "due") {
      this.#state = "none";
      return true;
    }
    if (this.#state === "none" && hasChanged) {
      this.#state = "waiting";
      this.#emit({ do: "setTimer", timer: changesTimer, afterMs: changesMs });
    }
    return false;
  }
}
