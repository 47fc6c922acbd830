import type { Prefix } from "../../net/prefix.ts";
import type { BfdSessions } from "./bfd-sessions.ts";
import type { SpeakerConfig } from "./config.ts";
import { explain, type Explanation } from "./explain.ts";
import type { DynamicPeers } from "./listen-range.ts";
import { mrtDump } from "./mrt-dump.ts";
import type { PeerTable } from "./peer-table.ts";
import type { Ribs } from "./ribs.ts";
import type { NextHop, RouteFeed } from "./route-feed.ts";
import {
  type AdvertisedRoute,
  advertisedRoutes,
  availableRoutes,
  type AvailableRoute,
  type PeerDetails,
  type PeerPolicies,
  peerPolicies,
  type PeerStatus,
  peerStatus,
  type ReceivedRoute,
  receivedRoutes,
} from "./views.ts";

/** What of a speaker there is to look at, as it is now. */
export type SpeakerParts = {
  readonly peers: PeerTable;
  readonly dynamic: DynamicPeers;
  readonly bfd: BfdSessions;
  readonly ribs: Ribs;
  readonly routes: RouteFeed;
  readonly config: SpeakerConfig;
  readonly timeOriginMs: number | undefined;
};

/** The questions that a speaker answers, none of which changes anything. */
export abstract class SpeakerViews {
  protected abstract readonly parts: SpeakerParts;

  /** The routes received and the own ones as an MRT file (RFC 6396), one record after the other. */
  mrtDump(atSeconds: number): Generator<Uint8Array> {
    const { peers, ribs, config, timeOriginMs } = this.parts;
    const startSeconds = timeOriginMs && Math.floor(timeOriginMs / 1000);
    return mrtDump([...peers.values()], ribs, config, atSeconds, startSeconds);
  }

  peers(nowMs: number): PeerStatus[] {
    const { peers, dynamic, bfd: sessions, config } = this.parts;
    return [...peers.values()].map((peer) => {
      const range = dynamic.rangeOf(peer.config.name)?.prefix;
      const bfd = sessions.status(peer, nowMs);
      return {
        ...peerStatus(peer, config, nowMs),
        ...(bfd && { bfd }),
        ...(range && { listenRange: range }),
      };
    });
  }

  peerDetails(nowMs: number): PeerDetails[] {
    const all = [...this.parts.peers.values()];
    return this.peers(nowMs).map((status, at) => {
      const { config, capabilities, established } = all[at]!;
      const peer = established?.negotiated.peerCapabilities ?? [];
      return { status, config, capabilities: { own: capabilities, peer } };
    });
  }

  /** Sessions that are up, and routes in the adj-rib-ins of all peers. */
  get counts(): { established: number; received: number } {
    const counts = { established: 0, received: 0 };
    for (const { established, inbound } of this.parts.peers.values()) {
      if (established !== undefined) counts.established++;
      for (const { size } of inbound.tables().values()) counts.received += size;
    }
    return counts;
  }

  /** adj-rib-in before policy, of one peer or of all. */
  routesReceived(peer?: string): ReceivedRoute[] {
    const { peers, ribs } = this.parts;
    return peers.select(peer).flatMap((of) => receivedRoutes(of, ribs));
  }

  /** adj-rib-out as it was sent, of one peer or of all. */
  routesAdvertised(peer?: string): AdvertisedRoute[] {
    return this.parts.peers.select(peer).flatMap(advertisedRoutes);
  }

  /** The loc-rib, own prefixes included: every candidate, the best marked. */
  routesAvailable(): AvailableRoute[] {
    return availableRoutes(this.parts.ribs);
  }

  /** Since when the prefix is one of the own, on the clock that the speaker is given; undefined: it is not. */
  originatedAtMs(prefix: Prefix): number | undefined {
    return this.parts.ribs.originatedAtMs(prefix);
  }

  /** How the prefix is reached: none where there is no route, or it is our own. */
  nextHops(prefix: Prefix): readonly NextHop[] {
    return this.parts.routes.nextHops(prefix);
  }

  /** Why the prefix is reached as it is, and what each peer is told of it. */
  explain(prefix: Prefix): Explanation {
    return explain(prefix, this.parts.ribs, [...this.parts.peers.values()]);
  }

  policies(): PeerPolicies[] {
    return [...this.parts.peers.values()].map(peerPolicies);
  }
}
