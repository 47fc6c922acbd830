/** What happens to ICMP echo requests that are sent without end. Numbers begin at 1, times are Unix milliseconds. */
export type Echo =
  | { echo: "reply"; number: number; atUnixMs: number; rttMs: number; duplicate: boolean }
  /** It was sent, and there was no reply when the next one was due. One may still come. */
  | { echo: "none"; number: number; atUnixMs: number }
  /** The system did not take it: no route, no carrier. It has no number. */
  | { echo: "refused"; atUnixMs: number };

/** Of a row: the probe's id, what happened, the number of the packet, when, and how long its reply took. */
const columns = 5;
const What = { refused: 0, none: 1, reply: 2, duplicate: 3 } as const;

/**
 * Echoes as rows of numbers: so they go from one thread to another as one piece of memory, where an object
 * for each would cost more than its packet.
 */
export class EchoRows {
  #rows = new Float64Array(256 * columns);
  #length = 0;

  reply(id: number, number: number, atUnixMs: number, rttMs: number, duplicate: boolean): void {
    this.#add(id, duplicate ? What.duplicate : What.reply, number, atUnixMs, rttMs);
  }

  none(id: number, number: number, atUnixMs: number): void {
    this.#add(id, What.none, number, atUnixMs, 0);
  }

  refused(id: number, atUnixMs: number): void {
    this.#add(id, What.refused, 0, atUnixMs, 0);
  }

  #add(id: number, what: number, number: number, atUnixMs: number, rttMs: number): void {
    const at = this.#length;
    this.#length += columns;
    if (this.#length > this.#rows.length) {
      const larger = new Float64Array(2 * this.#rows.length);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    const rows = this.#rows;
    rows[at] = id;
    rows[at + 1] = what;
    rows[at + 2] = number;
    rows[at + 3] = atUnixMs;
    rows[at + 4] = rttMs;
  }

  /** All since the last time, for `readEchoRows`. */
  take(): Float64Array<ArrayBuffer> {
    const taken = this.#rows.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }
}

export function readEchoRows(rows: Float64Array, take: (id: number, echo: Echo) => void): void {
  for (let at = 0; at < rows.length; at += columns) {
    const [id, number, atUnixMs] = [rows[at]!, rows[at + 2]!, rows[at + 3]!];
    const what = rows[at + 1]!;
    if (what === What.refused) take(id, { echo: "refused", atUnixMs });
    else if (what === What.none) take(id, { echo: "none", number, atUnixMs });
    else {
      const duplicate = what === What.duplicate;
      take(id, { echo: "reply", number, atUnixMs, rttMs: rows[at + 4]!, duplicate });
    }
  }
}
