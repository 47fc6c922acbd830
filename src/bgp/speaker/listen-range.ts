import type { Address } from "../../net/address.ts";
import { prefixContains, prefixLength } from "../../net/prefix.ts";
import type { ListenRange, PeerConfig, SpeakerConfig } from "./config.ts";

/** The range that an address not configured by itself belongs to: the longest prefix. */
export function listenRangeOf(
  address: Address,
  { peers, listenRanges = [] }: SpeakerConfig,
): ListenRange | undefined {
  if (peers.some((peer) => peer.address === address)) return undefined;
  return listenRanges
    .filter(({ prefix }) => prefixContains(prefix, address))
    .toSorted((a, b) => prefixLength(b.prefix) - prefixLength(a.prefix))[0];
}

export function dynamicPeer(address: Address, { peer }: ListenRange): PeerConfig {
  // The port is of no matter: it is never called.
  return { ...peer, name: address, address, passive: true, port: 179 };
}
