import { withJitter } from "./jitter.ts";

/** The first retry, whatever went wrong. */
const retryMsMin = 250;
/** Beyond it 250 ms times two to that power is longer than any ConnectRetryTime. */
const exponentMax = 20;
/** A session that went down sooner than this oscillates (RFC 4271 §8.1.1, DampPeerOscillations). */
const stableSessionMs = 10_000;
/** FRR's bound of an IdleHoldTime that doubles (bgpd/bgp_fsm.c, bgp_stop_with_error). */
const idleHoldMsMax = 60_000;

export type RetryTimes = {
  connectRetryTimeSeconds: number;
  /** Undefined: as `Retry` says. */
  idleHold?: IdleHold;
};

/**
 * IdleHoldTime as FRR has it: before the first attempt, and after a session or an attempt that ended. `clearingSeconds`:
 * for so long after a session its end of it is still there, and the peer's next connection collides with it (bgpd's
 * state Clearing); undefined: not at all.
 */
export type IdleHold = { startSeconds: number; endedSeconds: number; clearingSeconds?: number };

/**
 * When to try again: min(ConnectRetryTime, 250 ms · 2^n) times a jitter of 0.75 to 1 (RFC 4271 §10).
 * So a lab is up at once, while a dead peer is tried at the configured pace. n counts failed
 * attempts since a session was last Established; for a session that was Established, how many of
 * them in a row went down within ten seconds.
 *
 * Where there is an IdleHoldTime, as FRR has it, a connection that could not be made waits for ConnectRetryTime, a
 * session that ended stays Idle for that time, and one that failed before it was up for IdleHoldTime · 2^n. FRR has no
 * jitter in any of these.
 */
export class Retry {
  readonly #connectRetryMs: number;
  readonly #idleHold: IdleHold | undefined;
  readonly #random: () => number;
  #failures = 0;
  #oscillations = 0;

  constructor({ connectRetryTimeSeconds, idleHold }: RetryTimes, random: () => number) {
    this.#connectRetryMs = Math.max(retryMsMin, connectRetryTimeSeconds * 1000);
    this.#idleHold = idleHold;
    this.#random = random;
  }

  /** Before the first attempt. */
  get startMs(): number {
    return 1000 * (this.#idleHold?.startSeconds ?? 0);
  }

  /** After the end of a session. */
  get clearingMs(): number {
    return 1000 * (this.#idleHold?.clearingSeconds ?? 0);
  }

  /** How long one attempt may take: ConnectRetryTime, with jitter where it is not FRR's. */
  attemptMs(): number {
    return this.#idleHold === undefined
      ? withJitter(this.#connectRetryMs, this.#random)
      : this.#connectRetryMs;
  }

  /** `isUnconnected`: there was no connection at all. */
  afterFailureMs(isUnconnected: boolean): number {
    if (this.#idleHold !== undefined && isUnconnected) return this.attemptMs();
    return this.#delayMs(this.#failures++);
  }

  afterSessionMs(lastedMs: number): number {
    this.#failures = 0;
    if (this.#idleHold !== undefined) return 1000 * this.#idleHold.endedSeconds;
    if (lastedMs >= stableSessionMs) this.#oscillations = 0;
    return this.#delayMs(this.#oscillations++);
  }

  reset(): void {
    this.#failures = 0;
    this.#oscillations = 0;
  }

  #delayMs(n: number): number {
    const doubled = 2 ** Math.min(n, exponentMax);
    if (this.#idleHold !== undefined) {
      return Math.min(idleHoldMsMax, 1000 * this.#idleHold.endedSeconds * doubled);
    }
    return withJitter(Math.min(this.#connectRetryMs, retryMsMin * doubled), this.#random);
  }
}
