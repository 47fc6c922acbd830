import type { Interface } from "./link.ts";
import type { VirtualClock } from "./virtual-clock.ts";

const intervalMs = 1_000;

/**
 * When a kernel tells of lost carriers: at once, but once a second at most (`linkwatch_nextevent` in Linux's
 * net/core/link_watch.c). The end of a veth pair is told of all the same; a bridge that lost its last port waits.
 */
export class LinkWatch {
  readonly #clock: VirtualClock;
  readonly #onLateLoss: () => void;
  #nextMs = -Infinity;
  /** Bridges without a carrier of whose loss nobody knows. */
  readonly #waiting = new Set<Interface>();

  constructor(clock: VirtualClock, onLateLoss: () => void) {
    this.#clock = clock;
    this.#onLateLoss = onLateLoss;
  }

  /** Sees what one change did to a node's interfaces. */
  look(interfaces: Iterable<Interface>): void {
    const { nowMs } = this.#clock;
    const mayTell = nowMs >= this.#nextMs;
    for (const link of interfaces) {
      if (link.isConnected) link.isCarrierTold = true;
      else if (link.isCarrierTold && !this.#waiting.has(link)) {
        if (mayTell) this.#nextMs = nowMs + intervalMs;
        if (mayTell || !link.isBridge) link.isCarrierTold = false;
        else this.#wait(link);
      }
    }
  }

  #wait(bridge: Interface): void {
    this.#waiting.add(bridge);
    if (this.#waiting.size > 1) return;
    this.#clock.setTimer(this.#nextMs - this.#clock.nowMs, () => {
      const lost = [...this.#waiting].filter((link) => !link.isConnected);
      this.#waiting.clear();
      if (lost.length === 0) return;
      this.#nextMs = this.#clock.nowMs + intervalMs;
      for (const link of lost) link.isCarrierTold = false;
      this.#onLateLoss();
    });
  }
}
