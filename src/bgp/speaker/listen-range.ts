import type { Address } from "../../net/address.ts";
import { prefixContains, prefixLength } from "../../net/prefix.ts";
import type { ListenRange, PeerConfig, SpeakerConfig } from "./config.ts";

/** The peers that listen ranges let in, by name. */
export class DynamicPeers {
  readonly #ranges = new Map<string, ListenRange>();

  names(): IterableIterator<string> {
    return this.#ranges.keys();
  }

  rangeOf(name: string): ListenRange | undefined {
    return this.#ranges.get(name);
  }

  /** The peer that calls from this address from now on, or why nobody may. */
  admit(address: Address, config: SpeakerConfig): PeerConfig | string {
    const range = listenRangeOf(address, config);
    if (range === undefined) {
      const isName = config.peers.some(({ name }) => name === address);
      return isName ? "another peer has this for its name" : "no such peer is configured";
    }
    const inRange = [...this.#ranges.values()].filter(({ prefix }) => prefix === range.prefix);
    if (inRange.length >= range.limit) {
      return `the listen range ${range.prefix} has its ${range.limit} peers already`;
    }
    const peer = dynamicPeer(address, range);
    this.#ranges.set(peer.name, range);
    return peer;
  }

  forget(name: string): void {
    this.#ranges.delete(name);
  }

  /** As they are under a new configuration: those of no range any more, or configured by themselves now, are forgotten. */
  configure(addressOf: (name: string) => Address, config: SpeakerConfig): PeerConfig[] {
    return [...this.#ranges.keys()].flatMap((name) => {
      const address = addressOf(name);
      const range = listenRangeOf(address, config);
      if (range === undefined) this.#ranges.delete(name);
      else this.#ranges.set(name, range);
      return range === undefined ? [] : [dynamicPeer(address, range)];
    });
  }
}

/**
 * The range that an address belongs to: the longest prefix. What is configured by itself comes before all ranges, as in
 * FRR: an address that is a configured peer's is in none, nor is one that is a configured peer's name, for by its name
 * a peer is known.
 */
export function listenRangeOf(
  address: Address,
  { peers, listenRanges = [] }: SpeakerConfig,
): ListenRange | undefined {
  if (peers.some((peer) => peer.address === address || peer.name === address)) return undefined;
  return listenRanges
    .filter(({ prefix }) => prefixContains(prefix, address))
    .toSorted((a, b) => prefixLength(b.prefix) - prefixLength(a.prefix))[0];
}

function dynamicPeer(address: Address, { peer }: ListenRange): PeerConfig {
  // The port is of no matter: it is never called.
  return { ...peer, name: address, address, passive: true, port: 179 };
}
