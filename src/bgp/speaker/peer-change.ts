import { familyName } from "../rib/family.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import type { Peer } from "./peer.ts";
import { policyChange } from "./policy-change.ts";

/** What a new configuration asks of a peer whose session goes on. */
export type PeerChange = {
  exportPolicy: boolean;
  /** Routes go out in another way. */
  wayOut: boolean;
  /** Whether the default route is sent as our own, and when. */
  defaultOriginate: boolean;
  importPolicy: boolean;
  shutdown: boolean;
  maximumPrefix: boolean;
};

const noChange: PeerChange = {
  exportPolicy: false,
  wayOut: false,
  defaultOriginate: false,
  importPolicy: false,
  shutdown: false,
  maximumPrefix: false,
};

/** gracefulRestart is in neither: the next session takes it up, as in Cilium's speaker. */
export function peerChange(before: PeerConfig, after: PeerConfig): PeerChange {
  if (before === after) return noChange;
  return {
    exportPolicy: policyChange(before.exportPolicy, after.exportPolicy) !== undefined,
    wayOut: differ(wayOut(before), wayOut(after)),
    defaultOriginate: differ(defaultOriginate(before), defaultOriginate(after)),
    importPolicy: differ(before.importPolicy, after.importPolicy),
    shutdown: differ(before.shutdown, after.shutdown),
    maximumPrefix: differ(before.maximumPrefix, after.maximumPrefix),
  };
}

/**
 * Whether the peer's session ends with its old configuration: an end point or something its OPEN settled is
 * another, or, before it is up, how the peer is reached for.
 */
export function mustStartOver(
  { config: before, established }: Pick<Peer, "config" | "established">,
  after: PeerConfig,
): boolean {
  if (before === after) return false;
  const isDialedOtherwise =
    before.connectRetryTimeSeconds !== after.connectRetryTimeSeconds ||
    before.delayOpenTimeSeconds !== after.delayOpenTimeSeconds ||
    differ(before.idleHold, after.idleHold) ||
    before.passive !== after.passive;
  return (
    sessionKey(before) !== sessionKey(after) || (isDialedOtherwise && established === undefined)
  );
}

function differ(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

/** Whether every session must start over: who we are is another. */
export function speakerReset(before: SpeakerConfig, after: SpeakerConfig): boolean {
  return (
    before.localAsn !== after.localAsn ||
    before.routerId !== after.routerId ||
    before.clusterId !== after.clusterId ||
    before.listenPort !== after.listenPort
  );
}

/** Without a new session, where the peer is in an update group. */
function wayOut({
  nextHopSelf,
  removePrivateAs,
  asOverride,
  advertisementIntervalSeconds,
}: PeerConfig): unknown {
  const isPaced = advertisementIntervalSeconds !== undefined;
  return [nextHopSelf, removePrivateAs, asOverride, isPaced];
}

function defaultOriginate({ defaultOriginate: names, defaultOriginateIf }: PeerConfig): unknown {
  return [names, defaultOriginateIf];
}

function sessionKey(of: PeerConfig): string {
  return JSON.stringify([
    of.address,
    of.interface,
    of.asn,
    of.localAddress,
    of.linkLocalNextHop,
    of.extendedNextHop,
    of.port,
    of.ttl,
    of.ttlSecurityHops,
    of.password,
    of.keepsTimers ? undefined : [of.holdTimeSeconds, of.keepaliveTimeSeconds],
    of.families.map(familyName).sort(),
    // What the routes of a session are marked and rewritten by, from its first to its last.
    of.localAs,
    of.routeReflectorClient,
    of.longLivedPartialDeployment,
    of.addPath?.send === undefined ? undefined : wayOut(of),
    of.sendsBack,
    of.reflectsWithMed,
    of.reflectsUnchanged,
    of.prependsInternally,
    of.allowAsIn,
    of.addPath,
    of.role,
  ]);
}
