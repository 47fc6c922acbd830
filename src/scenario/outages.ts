import type { PingLine } from "./ping-output.ts";

/** Times in milliseconds of the timeline. */
export type Outage = { fromMs: number; toMs: number; lost: number };

/** ICMP echo sequence numbers have 16 bits and begin again. */
const sequenceModulus = 0x1_0000;

/**
 * Finds outages in what a continuous ping tells. An outage is a gap in the answered sequence
 * numbers: from the last answer before it to the first answer after it. Packets that the kernel
 * refused to send have no sequence number of their own: ping repeats `no answer yet` for the last
 * one sent, and each repetition counts as one packet lost.
 */
export class Outages {
  readonly #startMs: number;
  #highestAnswered = 0;
  #highestSent = 0;
  #refused = 0;
  #refusedSinceAnswer = 0;
  #lastNoAnswer = 0;
  #received = 0;
  #duplicates = 0;
  #late = 0;
  #lastAnswerMs: number | undefined;
  readonly #rttsMs: number[] = [];
  readonly #closed: Outage[] = [];

  #first: { sequence: number; atMs: number } | undefined;

  /** Before the first answer, the outage begins with the probe. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Takes one line; returns the outage that it ends, if any. */
  take(line: PingLine, atMs: number): Outage | undefined {
    const sequence = this.#unwrap(line.sequence);
    this.#highestSent = Math.max(this.#highestSent, sequence);
    if (line.line === "noAnswer") {
      if (sequence === this.#lastNoAnswer) {
        this.#refused++;
        this.#refusedSinceAnswer++;
      }
      this.#lastNoAnswer = sequence;
      return undefined;
    }
    if (line.duplicate) {
      this.#duplicates++;
      return undefined;
    }
    this.#received++;
    this.#rttsMs.push(line.rttMs);
    // An answer overtaken by later ones: its packet was slow, not lost.
    if (sequence <= this.#highestAnswered) {
      this.#late++;
      return undefined;
    }
    const lost = sequence - this.#highestAnswered - 1 + this.#refusedSinceAnswer;
    const outage = lost > 0 ? { fromMs: this.lastAnswerMs, toMs: atMs, lost } : undefined;
    if (outage) this.#closed.push(outage);
    this.#highestAnswered = sequence;
    this.#refusedSinceAnswer = 0;
    this.#lastAnswerMs = atMs;
    this.#first ??= { sequence, atMs };
    return outage;
  }

  /** The outage going on at `nowMs`: nothing was answered for longer than `patienceMs`. */
  ongoing(nowMs: number, patienceMs: number): Outage | undefined {
    if (nowMs - this.lastAnswerMs <= patienceMs) return undefined;
    const lost = this.#highestSent - this.#highestAnswered + this.#refusedSinceAnswer;
    return { fromMs: this.lastAnswerMs, toMs: nowMs, lost };
  }

  get closed(): readonly Outage[] {
    return this.#closed;
  }

  /** Of the last answer; before the first, of the beginning. */
  get lastAnswerMs(): number {
    return this.#lastAnswerMs ?? this.#startMs;
  }

  /** Whether ping told of any packet yet. */
  get begun(): boolean {
    return this.#highestSent > 0;
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
   * Mean time from one packet to the next. ping's own clock is coarse: asked for 10 ms it may take
   * 16, and an outage is known no better than this. Undefined before the second answer.
   */
  get intervalMs(): number | undefined {
    if (this.#first === undefined || this.#highestAnswered === this.#first.sequence)
      return undefined;
    const packets = this.#highestAnswered - this.#first.sequence + this.#refused;
    return (this.lastAnswerMs - this.#first.atMs) / packets;
  }

  get rttMs(): { min: number; median: number; max: number } | undefined {
    const sorted = this.#rttsMs.toSorted((a, b) => a - b);
    if (sorted.length === 0) return undefined;
    return { min: sorted[0]!, median: sorted[sorted.length >> 1]!, max: sorted.at(-1)! };
  }

  /** The number nearest to the highest one sent that ends in these 16 bits. */
  #unwrap(sequence: number): number {
    const turns = Math.round((this.#highestSent - sequence) / sequenceModulus);
    return sequence + turns * sequenceModulus;
  }
}
