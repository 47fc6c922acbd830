import type { Peer } from "./peer.ts";

/**
 * `hard`: the session ends with Cease/Administrative Reset (RFC 4486) and begins anew. `soft-in`: the import policy
 * judges all that the peer sent once more; the peer is not asked, since adj-rib-in has everything. `soft-out`: all
 * that the peer was sent is sent again, as after its ROUTE-REFRESH.
 */
export type ResetKind = "hard" | "soft-in" | "soft-out";

/** What a reset came to, for the operator. */
export type PeerReset = { peer: string; address: string; outcome: string };

/** The peers of this name or address, or all. */
export type ResetRequest = { peer: string | undefined; kind: ResetKind };

/** Empty where there is no such peer. */
export function resetPeers(
  peers: Iterable<Peer>,
  { peer: wanted, kind }: ResetRequest,
  nowMs: number,
): PeerReset[] {
  const done: PeerReset[] = [];
  for (const peer of peers) {
    const { name, address } = peer.config;
    if (wanted !== undefined && wanted !== name && wanted !== address) continue;
    done.push({ peer: name, address, outcome: resetPeer(peer, kind, nowMs) });
  }
  return done;
}

function resetPeer(peer: Peer, kind: ResetKind, nowMs: number): string {
  switch (kind) {
    case "soft-in":
      peer.applyImportPolicy();
      return "import policy applied anew";
    case "soft-out": {
      const { established } = peer;
      if (established === undefined) return `nothing to send: ${peer.session.state}`;
      const { negotiated, outbound } = established;
      for (const family of negotiated.families) outbound.refreshAsked(family);
      peer.answerRefreshes();
      return "routes sent anew";
    }
    case "hard":
      peer.reset(nowMs);
      return peer.heldDown === undefined ? "session reset" : `not reset: ${peer.heldDown}`;
  }
}
