import { familyName } from "../rib/family.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";

/** What a new configuration asks of the session to a peer that is in the old one as well. */
export type PeerChange = {
  /** The session must start over: an end point or something its OPEN settled is another. */
  reset: boolean;
  /** How the peer is reached for is another: of no matter to a session that is up. */
  dialing: boolean;
  exportPolicy: boolean;
};

/** gracefulRestart is in neither: the next session takes it up, as in Cilium's speaker. */
export function peerChange(before: PeerConfig, after: PeerConfig): PeerChange {
  return {
    reset: sessionKey(before) !== sessionKey(after),
    dialing:
      before.connectRetryTimeSeconds !== after.connectRetryTimeSeconds ||
      before.passive !== after.passive,
    exportPolicy: JSON.stringify(before.exportPolicy) !== JSON.stringify(after.exportPolicy),
  };
}

/** Whether every session must start over: who we are is another. */
export function speakerReset(before: SpeakerConfig, after: SpeakerConfig): boolean {
  return (
    before.localAsn !== after.localAsn ||
    before.routerId !== after.routerId ||
    before.listenPort !== after.listenPort
  );
}

function sessionKey(of: PeerConfig): string {
  return JSON.stringify([
    of.address,
    of.asn,
    of.localAddress,
    of.port,
    of.ttl,
    of.password,
    of.holdTimeSeconds,
    of.keepaliveTimeSeconds,
    of.families.map(familyName).sort(),
  ]);
}
