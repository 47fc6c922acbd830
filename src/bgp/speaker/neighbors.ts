import type { Address } from "../../net/address.ts";
import type { Ends } from "../session/io.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import type { PeerTable } from "./peer-table.ts";

/** The address of a peer that is named by its interface and has not been heard of: none (RFC 4291 §2.5.2). */
const unspecified = "::";

/** Which router on its link each peer is that is named by its interface. */
export class Neighbors {
  /** By interface, the one that is most likely the peer first; undefined: the link is down. */
  readonly #heard = new Map<string, readonly Address[] | undefined>();
  /** By what was configured: the same object for the same address, so that what is no change can be told at once. */
  readonly #resolved = new WeakMap<PeerConfig, PeerConfig>();
  /** Links on which the peer has called from another address than its session has. */
  readonly #moved = new Set<string>();

  /** The one that was first heard last comes first. */
  set(link: string, addresses: readonly Address[] | undefined): void {
    this.#heard.set(link, addresses);
  }

  /**
   * Somebody calls from a link-local address. Of a link whose peer has no session that is the peer, though
   * it may not have been heard; else it must have been, and then the peer has another address now. Returns
   * whether that changes anything.
   */
  called({ interface: link, remoteAddress }: Ends, peers: PeerTable): boolean {
    const heard = link === undefined ? undefined : this.#heard.get(link);
    if (link === undefined || heard === undefined) return false;
    const peer = [...peers.values()].find(({ config }) => config.interface === link);
    if (peer === undefined || peer.config.address === remoteAddress) return false;
    if (peer.established !== undefined && !heard.includes(remoteAddress)) return false;
    this.#heard.set(link, [remoteAddress, ...heard.filter((one) => one !== remoteAddress)]);
    this.#moved.add(link);
    return true;
  }

  /**
   * The configuration with the addresses that are known. A peer with a session keeps its address as long as
   * the link is up, though it stops to advertise itself: the session knows better whether it is there. Only
   * where somebody else is heard instead, it is that.
   */
  resolve(config: SpeakerConfig, known: PeerTable): SpeakerConfig {
    const peers = config.peers.map((peer) => {
      const { interface: link } = peer;
      if (link === undefined || peer.address !== unspecified) return peer;
      const heard = this.#heard.get(link);
      if (heard === undefined) return peer;
      const now = known.get(peer.name);
      const isUp = now?.established !== undefined && now.config.interface === link;
      const isThere = isUp && (heard.length === 0 || heard.includes(now.config.address));
      const address = isThere && !this.#moved.has(link) ? now.config.address : heard[0];
      return address === undefined ? peer : this.#at(peer, address);
    });
    this.#moved.clear();
    return { ...config, peers };
  }

  #at(peer: PeerConfig, address: Address): PeerConfig {
    let resolved = this.#resolved.get(peer);
    if (resolved?.address !== address) {
      resolved = { ...peer, address };
      this.#resolved.set(peer, resolved);
    }
    return resolved;
  }

  /** Undefined where the peer's address is known. */
  whyUnknown({ address, interface: link = "" }: PeerConfig): string | undefined {
    if (address !== unspecified) return undefined;
    const isDown = this.#heard.has(link) && this.#heard.get(link) === undefined;
    return isDown ? `${link} is down` : `no router advertisement heard on ${link}`;
  }
}
