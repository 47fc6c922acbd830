import type { Echo } from "../runtime/port.ts";

/** Times in milliseconds of the timeline. */
export type Outage = { fromMs: number; toMs: number; lost: number };

/** So many round trips are kept of a probe for its median; of more, every second, every fourth… */
const rttsMax = 1 << 16;

/**
 * Finds outages among the echoes of a probe. An outage is a gap in the numbers answered: from the
 * last answer before it to the first answer after it. A packet that the system refused to send has
 * no number, and is one lost.
 */
export class Outages {
  readonly #startMs: number;
  #highestAnswered = 0;
  #highestSent = 0;
  #refused = 0;
  #refusedSinceAnswer = 0;
  #received = 0;
  #duplicates = 0;
  #late = 0;
  #lastAnswerMs: number | undefined;
  #rttsMs: number[] = [];
  #rttKeptOf = 1;
  #rttMsMin = Infinity;
  #rttMsMax = 0;
  readonly #closed: Outage[] = [];

  #first: { number: number; atMs: number } | undefined;

  /** Before the first answer, the outage begins with the probe. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Takes one echo; returns the outage that it ends, if any. */
  take(echo: Echo, atMs: number): Outage | undefined {
    if (echo.echo === "refused") {
      this.#refused++;
      this.#refusedSinceAnswer++;
      return undefined;
    }
    const { number } = echo;
    this.#highestSent = Math.max(this.#highestSent, number);
    if (echo.echo === "none") return undefined;
    if (echo.duplicate) {
      this.#duplicates++;
      return undefined;
    }
    this.#received++;
    this.#noteRtt(echo.rttMs);
    // An answer overtaken by later ones: its packet was slow, not lost.
    if (number <= this.#highestAnswered) {
      this.#late++;
      return undefined;
    }
    const lost = number - this.#highestAnswered - 1 + this.#refusedSinceAnswer;
    const outage = lost > 0 ? { fromMs: this.lastAnswerMs, toMs: atMs, lost } : undefined;
    if (outage) this.#closed.push(outage);
    this.#highestAnswered = number;
    this.#refusedSinceAnswer = 0;
    this.#lastAnswerMs = atMs;
    this.#first ??= { number, atMs };
    return outage;
  }

  /** The outage going on at `nowMs`: nothing was answered for longer than `patienceMs`. */
  ongoing(nowMs: number, patienceMs: number): Outage | undefined {
    if (nowMs - this.lastAnswerMs <= patienceMs) return undefined;
    const lost = this.#highestSent - this.#highestAnswered + this.#refusedSinceAnswer;
    // Whoever sends may be late, too: what was not sent is not lost.
    if (lost === 0) return undefined;
    return { fromMs: this.lastAnswerMs, toMs: nowMs, lost };
  }

  get closed(): readonly Outage[] {
    return this.#closed;
  }

  /** Of the last answer; before the first, of the beginning. */
  get lastAnswerMs(): number {
    return this.#lastAnswerMs ?? this.#startMs;
  }

  /** Whether anything is known of any packet yet. */
  get begun(): boolean {
    return this.#highestSent + this.#refused > 0;
  }

  get highestSent(): number {
    return this.#highestSent;
  }

  get counts(): { sent: number; received: number; duplicates: number; late: number } {
    return {
      sent: this.#highestSent + this.#refused,
      received: this.#received,
      duplicates: this.#duplicates,
      late: this.#late,
    };
  }

  /**
   * Mean time from one packet to the next: an outage is known no better than this. Undefined before
   * the second answer.
   */
  get intervalMs(): number | undefined {
    if (this.#first === undefined || this.#highestAnswered === this.#first.number) return undefined;
    const packets = this.#highestAnswered - this.#first.number + this.#refused;
    return (this.lastAnswerMs - this.#first.atMs) / packets;
  }

  get rttMs(): { min: number; median: number; max: number } | undefined {
    const sorted = this.#rttsMs.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1];
    return median === undefined ? undefined : { min: this.#rttMsMin, median, max: this.#rttMsMax };
  }

  #noteRtt(rttMs: number): void {
    this.#rttMsMin = Math.min(this.#rttMsMin, rttMs);
    this.#rttMsMax = Math.max(this.#rttMsMax, rttMs);
    if (this.#received % this.#rttKeptOf !== 0) return;
    this.#rttsMs.push(rttMs);
    if (this.#rttsMs.length < rttsMax) return;
    this.#rttsMs = this.#rttsMs.filter((_, n) => n % 2 === 1);
    this.#rttKeptOf *= 2;
  }
}
