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

  /** What is of no use any more, then what has come to be: a next hop may be both. */
  ask(): void {
    const { ribs, emit } = this.#options;
    if (ribs.nextHops.mayHaveUnneeded) this.#sweep();
    for (const nextHop of ribs.nextHops.takeForgotten()) emit({ do: "untrackNextHop", nextHop });
    for (const nextHop of ribs.nextHops.takeAsked()) emit({ do: "trackNextHop", nextHop });
  }

  #sweep(): void {
    const { ribs, peers } = this.#options;
    const all = peers();
    let routes = 0;
    for (const { inbound } of all) {
      for (const { size } of inbound.tables().values()) routes += size;
    }
    ribs.nextHops.sweep(routes, (isIt) => all.some(({ inbound }) => inbound.someNextHop(isIt)));
  }

  #reconsider(nextHops: ReadonlySet<Address> | undefined): void {
    for (const peer of this.#options.peers()) {
      peer.inbound.reconsider(nextHops);
      this.#options.changed(peer);
    }
  }
}
