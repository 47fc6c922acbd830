/** Unix time when a simulated world begins: any, but the same each time. */
export const unixMsAtZero = Date.UTC(2030, 0, 1);

/** Time that stands still while anything runs, and jumps to what comes next: the same order every time. */
export class VirtualClock {
  #nowMs = 0;
  #serial = 0;
  /** A binary heap: each timer before its two children. */
  readonly #heap: Timer[] = [];

  /** Milliseconds since the beginning, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** When something is next to happen; undefined: nothing is. */
  get nextMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.atMs;
  }

  /** Calls back once, after so long; of timers of one moment the one that was set first. Returns how to cancel. */
  setTimer(afterMs: number, callback: () => void): () => void {
    const atMs = this.#nowMs + Math.max(0, afterMs);
    const timer: Timer = { atMs, serial: this.#serial++, callback };
    this.#push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** Moves on to the next timer and calls it back; false where there is none. */
  step(): boolean {
    this.#dropCancelled();
    const timer = this.#pop();
    if (timer === undefined) return false;
    this.#nowMs = timer.atMs;
    timer.callback!();
    return true;
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.callback === undefined) this.#pop();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, timer)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

type Timer = {
  readonly atMs: number;
  readonly serial: number;
  /** Undefined: cancelled. */
  callback: (() => void) | undefined;
};

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.serial < b.serial);
}
