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
  idleHoldTimeSeconds?: number;
};

/**
 * When to try again: min(ConnectRetryTime, 250 ms · 2^n) times a jitter of 0.75 to 1 (RFC 4271 §10).
 * So a lab is up at once, while a dead peer is tried at the configured pace. n counts failed
 * attempts since a session was last Established; for a session that was Established, how many of
 * them in a row went down within ten seconds.
 *
 * Where there is an IdleHoldTime, as FRR has it, a connection that could not be made waits for ConnectRetryTime, and
 * after everything else the session stays Idle for IdleHoldTime · 2^n.
 */
export class Retry {
  readonly #connectRetryMs: number;
  readonly #idleHoldMs: number | undefined;
  readonly #random: () => number;
  #failures = 0;
  #oscillations = 0;

  constructor({ connectRetryTimeSeconds, idleHoldTimeSeconds }: RetryTimes, random: () => number) {
    this.#connectRetryMs = Math.max(retryMsMin, connectRetryTimeSeconds * 1000);
    this.#idleHoldMs = idleHoldTimeSeconds === undefined ? undefined : idleHoldTimeSeconds * 1000;
    this.#random = random;
  }

  /** ConnectRetryTime with jitter: how long one attempt may take. */
  attemptMs(): number {
    return this.#jitter(this.#connectRetryMs);
  }

  /** `isUnconnected`: there was no connection at all. */
  afterFailureMs(isUnconnected: boolean): number {
    if (this.#idleHoldMs !== undefined && isUnconnected) return this.attemptMs();
    return this.#delayMs(this.#failures++);
  }

  afterSessionMs(lastedMs: number): number {
    this.#failures = 0;
    if (lastedMs >= stableSessionMs) this.#oscillations = 0;
    return this.#delayMs(this.#oscillations++);
  }

  reset(): void {
    this.#failures = 0;
    this.#oscillations = 0;
  }

  #delayMs(n: number): number {
    const [firstMs, mostMs] =
      this.#idleHoldMs === undefined
        ? [retryMsMin, this.#connectRetryMs]
        : [this.#idleHoldMs, idleHoldMsMax];
    return this.#jitter(Math.min(mostMs, firstMs * 2 ** Math.min(n, exponentMax)));
  }

  #jitter(ms: number): number {
    return Math.round(ms * (0.75 + 0.25 * this.#random()));
  }
}
