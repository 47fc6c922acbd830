import type { Echo } from "../runtime/port.ts";

/** Times in milliseconds of the timeline. */
export type Outage = { fromMs: number; toMs: number; lost: number };

/** So many round trips are kept of a probe for its median; of more, every second, every fourth… */
const rttsMax = 1 << 16;

/** `first` to `last`: the numbers that were passed over. */
type Gap = Outage & { first: number; last: number };

/**
 * Finds outages among the echoes of a probe. An outage is a gap in the numbers answered: from the
 * last answer before it to the first answer after it. An answer that later ones overtook was slow, not
 * lost: a gap of nothing else is none. A packet that the system refused to send has no number, and is
 * one lost.
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
  #answeredSentMs: number | undefined;
  #rttsMs: number[] = [];
  #rttKeptOf = 1;
  #rttMsMin = Infinity;
  #rttMsMax = 0;
  /** In order of time; so many of the first were told. */
  readonly #gaps: Gap[] = [];
  #told = 0;

  #first: { number: number; atMs: number } | undefined;

  /** Before the first answer, the outage begins with the probe. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  take(echo: Echo, atMs: number): void {
    if (echo.echo === "refused") {
      this.#refused++;
      this.#refusedSinceAnswer++;
      return;
    }
    const { number } = echo;
    this.#highestSent = Math.max(this.#highestSent, number);
    if (echo.echo === "none") return;
    if (echo.duplicate) {
      this.#duplicates++;
      return;
    }
    this.#received++;
    this.#noteRtt(echo.rttMs);
    if (number <= this.#highestAnswered) {
      this.#late++;
      this.#notLost(number);
      return;
    }
    const first = this.#highestAnswered + 1;
    const lost = number - first + this.#refusedSinceAnswer;
    if (lost > 0) {
      const times = { fromMs: this.lastAnswerMs, toMs: atMs };
      this.#gaps.push({ ...times, lost, first, last: number - 1 });
    }
    this.#highestAnswered = number;
    this.#refusedSinceAnswer = 0;
    this.#lastAnswerMs = atMs;
    this.#answeredSentMs = atMs - echo.rttMs;
    this.#first ??= { number, atMs };
  }

  /** Those that ended `patienceMs` ago or earlier, so that late answers have had their time; each is told once. */
  settled(nowMs: number, patienceMs: number): Outage[] {
    const from = this.#told;
    while (this.#told < this.#gaps.length && this.#gaps[this.#told]!.toMs + patienceMs <= nowMs) {
      this.#told++;
    }
    return this.#gaps.slice(from, this.#told).map(outageOf);
  }

  /** The outage going on at `nowMs`: nothing was answered for longer than `patienceMs`. */
  ongoing(nowMs: number, patienceMs: number): Outage | undefined {
    if (nowMs - this.lastAnswerMs <= patienceMs) return undefined;
    const lost = this.#highestSent - this.#highestAnswered + this.#refusedSinceAnswer;
    // Whoever sends may be late, too: what was not sent is not lost.
    if (lost === 0) return undefined;
    return { fromMs: this.lastAnswerMs, toMs: nowMs, lost };
  }

  /** Those that are over. Late answers may still make the last ones smaller. */
  get closed(): readonly Outage[] {
    return this.#gaps.map(outageOf);
  }

  /** Of the last answer; before the first, of the beginning. */
  get lastAnswerMs(): number {
    return this.#lastAnswerMs ?? this.#startMs;
  }

  /** When the packet was sent that was answered last, those left out that later ones overtook. */
  get answeredSentMs(): number | undefined {
    return this.#answeredSentMs;
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

  #notLost(number: number): void {
    const at = this.#gaps.findLastIndex(({ first }) => first <= number);
    const gap = this.#gaps[at];
    // What was told stands.
    if (gap === undefined || number > gap.last || at < this.#told) return;
    gap.lost--;
    if (gap.lost === 0) this.#gaps.splice(at, 1);
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

function outageOf({ fromMs, toMs, lost }: Gap): Outage {
  return { fromMs, toMs, lost };
}
