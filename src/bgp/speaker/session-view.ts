import type { Negotiated } from "../session/io.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import type { Inbound } from "./inbound.ts";
import type { OutboundOptions } from "./outbound.ts";

/** Who this speaker is. */
export type SpeakerIdentity = Pick<
  SpeakerConfig,
  "localAsn" | "routerId" | "clusterId" | "hostname"
>;

/** The AS number that we are to a peer. */
export function sessionAsn({ localAs }: PeerConfig, { localAsn }: SpeakerIdentity): number {
  return localAs?.asn ?? localAsn;
}

/** How the routes of a session that began are judged. */
export function inboundSession(
  config: PeerConfig,
  speaker: SpeakerIdentity,
  negotiated: Negotiated,
): Parameters<Inbound["begin"]>[0] {
  const { localAsn, routerId, clusterId = routerId } = speaker;
  const { localAs } = config;
  const { internal } = negotiated;
  return {
    source: {
      kind: "peer",
      peer: config.name,
      address: negotiated.remoteAddress,
      internal,
      identifier: negotiated.peerIdentifier,
      client: isClient(config, negotiated),
    },
    keepsBlackholes: config.keepsBlackholes === true && !internal,
    local: {
      asns: localAs === undefined ? [localAsn] : [localAsn, localAs.asn],
      allowAsIn: config.allowAsIn ?? 0,
      routerId,
      clusterId,
      address: negotiated.localAddress,
      sharedSubnets: internal ? undefined : negotiated.sharedSubnets,
      role: internal ? undefined : config.role?.name,
      peerAsn: negotiated.peerAsn,
    },
    prepend: internal || localAs?.noPrepend ? undefined : localAs?.asn,
  };
}

/** How routes go out over a session that began. */
export function outboundOptions(
  config: PeerConfig,
  speaker: SpeakerIdentity,
  negotiated: Negotiated,
): OutboundOptions {
  const { localAsn, routerId, clusterId = routerId } = speaker;
  const { exportPolicy, localAs, nextHopSelf = false, addPath, defaultOriginate = [] } = config;
  const { defaultOriginateIf = {}, removePrivateAs, asOverride = false } = config;
  const asn = sessionAsn(config, speaker);
  return {
    exportPolicy,
    client: isClient(config, negotiated),
    clusterId,
    nextHopSelf,
    defaultOriginate,
    defaultOriginateIf,
    asRewrite:
      negotiated.internal || (removePrivateAs === undefined && !asOverride)
        ? undefined
        : { removePrivateAs, asOverride, localAsn, peerAsn: negotiated.peerAsn },
    ipv4NextHop: config.ipv4NextHop,
    sendsBack: config.sendsBack === true,
    reflectsWithMed: config.reflectsWithMed === true,
    reflectsUnchanged: config.reflectsUnchanged === true,
    prependsInternally: config.prependsInternally === true,
    role: negotiated.internal ? undefined : config.role?.name,
    longLived:
      negotiated.longLivedGracefulRestart !== undefined ||
      (negotiated.internal && config.longLivedPartialDeployment ? "partial" : false),
    pathsMax: addPath?.send === undefined || addPath.send === "all" ? Infinity : addPath.send,
    isPaced: config.advertisementIntervalSeconds !== undefined,
    prependAsns: asn === localAsn || localAs?.replaceAs ? [asn] : [asn, localAsn],
  };
}

/** RFC 8212 does its work in silence, and a table that stays empty is hard to read: what to say of it. */
export function missingPolicies(
  { importPolicy, exportPolicy }: PeerConfig,
  { internal }: Negotiated,
): string[] {
  // A word instead of statements was chosen by somebody.
  if (internal || typeof importPolicy === "string") return [];
  const missing: string[] = [];
  if (importPolicy.length === 0) {
    missing.push("its routes are not used: there is no import policy (RFC 8212)");
  }
  if (exportPolicy.length === 0) {
    missing.push("it is sent no routes: there is no export policy (RFC 8212)");
  }
  return missing;
}

function isClient({ routeReflectorClient }: PeerConfig, { internal }: Negotiated): boolean {
  return internal && routeReflectorClient === true;
}
