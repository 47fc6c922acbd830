import type { Address } from "../../net/address.ts";
import type { SpeakerConfig } from "./config.ts";
import type { Effect, Input } from "./effect.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";

export type NextHopFeedOptions = {
  ribs: Ribs;
  peers: () => readonly Peer[];
  emit: (effect: Effect) => void;
  changed: (peer: Peer) => void;
};

/** Asks the edge about next hops, where the configuration says so, and has routes judged anew by what it tells. */
export class NextHopFeed {
  readonly #options: NextHopFeedOptions;
  /** What the edge answers by. */
  #source = "";

  constructor(options: NextHopFeedOptions) {
    this.#options = options;
  }

  configure({ trackNextHops, installRoutes }: SpeakerConfig): void {
    const { nextHops } = this.#options.ribs;
    const isTold = trackNextHops === true || installRoutes !== undefined;
    const source = JSON.stringify([trackNextHops, installRoutes]);
    const isSame = source === this.#source;
    this.#source = source;
    if (nextHops.isTold === isTold) {
      // Whoever answers now has not been asked.
      if (!isSame) nextHops.askAgain();
      return;
    }
    nextHops.setTold(isTold);
    this.#reconsider(undefined);
  }

  told({ told }: Extract<Input, { input: "nextHops" }>): void {
    const changed = this.#options.ribs.nextHops.learn(told);
    if (changed.size > 0) this.#reconsider(changed);
  }

  ask(): void {
    for (const nextHop of this.#options.ribs.nextHops.takeAsked()) {
      this.#options.emit({ do: "trackNextHop", nextHop });
    }
  }

  #reconsider(nextHops: ReadonlySet<Address> | undefined): void {
    for (const peer of this.#options.peers()) {
      peer.inbound.reconsider(nextHops);
      this.#options.changed(peer);
    }
  }
}
