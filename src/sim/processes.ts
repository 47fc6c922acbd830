import type { VirtualClock } from "./virtual-clock.ts";

/**
 * The processes of one machine. While they are stopped (SIGSTOP), what happens to them waits, as it does in a
 * kernel's queues; then it comes in its order, and timers that ran out meanwhile after it.
 */
export class Processes {
  #waiting: (() => void)[] | undefined;
  #ranOut = new Set<() => void>();

  get arePaused(): boolean {
    return this.#waiting !== undefined;
  }

  /** Something for a process to do: now, or when it goes on. */
  run(what: () => void): void {
    if (this.#waiting === undefined) what();
    else this.#waiting.push(what);
  }

  /** As the clock's, but that the callback is a process's. Returns how to cancel, also while it waits. */
  setTimer(clock: VirtualClock, afterMs: number, callback: () => void): () => void {
    const cancel = clock.setTimer(afterMs, () => {
      if (this.#waiting === undefined) callback();
      else this.#ranOut.add(callback);
    });
    return () => {
      cancel();
      this.#ranOut.delete(callback);
    };
  }

  pause(): void {
    this.#waiting ??= [];
  }

  unpause(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const what of waiting) what();
    // What was done first may have cancelled some.
    for (const callback of this.#ranOut) {
      this.#ranOut.delete(callback);
      callback();
    }
  }

  /** They are gone, and with them what waited for them. */
  end(): void {
    this.#waiting = undefined;
    this.#ranOut.clear();
  }
}
