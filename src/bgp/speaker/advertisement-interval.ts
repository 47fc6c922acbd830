import type { PrefixId, PrefixIds, PrefixTable } from "../rib/prefix-table.ts";

/**
 * MinRouteAdvertisementInterval of one session and family (RFC 4271 §9.2.1.1): what changes while it runs is told at
 * its end, all at once, withdrawals and own prefixes (§9.2.1.2) too. The time is kept for the peer and not for each
 * prefix, as the RFC lets it be.
 */
export class AdvertisementInterval {
  readonly #prefixes: PrefixTable;
  readonly #tell: (ids: PrefixIds) => void;
  readonly #startTimer: () => void;
  #isRunning = false;
  /** Retained: a number may not become another prefix's meanwhile. */
  readonly #waiting = new Set<PrefixId>();

  constructor(
    prefixes: PrefixTable,
    edge: { tell: (ids: PrefixIds) => void; startTimer: () => void },
  ) {
    this.#prefixes = prefixes;
    this.#tell = edge.tell;
    this.#startTimer = edge.startTimer;
  }

  /** Something was told just now. */
  begin(): void {
    this.#isRunning = true;
    this.#startTimer();
  }

  changed(ids: PrefixIds): void {
    if (!this.#isRunning) {
      this.#tell(ids);
      this.begin();
      return;
    }
    for (const id of ids) {
      if (this.#waiting.has(id)) continue;
      this.#prefixes.retain(id);
      this.#waiting.add(id);
    }
  }

  /** The timer fired. */
  over(): void {
    this.#isRunning = false;
    if (this.#waiting.size === 0) return;
    this.changed([...this.#waiting]);
    this.end();
  }

  /** Nothing waits any more. */
  end(): void {
    for (const id of this.#waiting) this.#prefixes.release(id);
    this.#waiting.clear();
  }
}
