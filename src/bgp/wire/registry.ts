// The IANA registries of BGP as far as this speaker has them. A commented row is one it does not have.
import type { AfiSafi, Message, Role } from "./message.ts";

/** RFC 4271 §4.1. */
export const MessageType = {
  open: 1,
  update: 2,
  notification: 3,
  keepalive: 4,
  routeRefresh: 5 /* RFC 2918 */,
} as const;

export const messageTypeNumber: Record<Message["type"], number> = {
  OPEN: MessageType.open,
  UPDATE: MessageType.update,
  NOTIFICATION: MessageType.notification,
  KEEPALIVE: MessageType.keepalive,
  "ROUTE-REFRESH": MessageType.routeRefresh,
};

/** RFC 7313 §3.2: what a ROUTE-REFRESH is, BoRR and EoRR the latter two. */
export const RouteRefreshSubtype = { request: 0, begin: 1, end: 2 } as const;

/** RFC 4271 §4.1: marker, length, type. */
export const headerBytes = 19;
/** RFC 4271 §4.1. */
export const messageBytesMax = 4096;
/** RFC 8654 §3: with extended messages, for all but OPEN and KEEPALIVE. */
export const extendedMessageBytesMax = 65535;

/** RFC 6793 §4.2.2: stands for an AS number that two octets cannot hold. */
export const asTrans = 23456;

/** RFC 4271 §4.5. */
export const NotificationCode = {
  messageHeader: 1,
  openMessage: 2,
  updateMessage: 3,
  holdTimerExpired: 4,
  finiteStateMachine: 5,
  cease: 6,
  routeRefresh: 7 /* RFC 7313 */,
  sendHoldTimerExpired: 8 /* RFC 9687 */,
} as const;

/** Subcode 0 of each code is "unspecific". */
export const MessageHeaderSubcode = {
  connectionNotSynchronized: 1,
  badMessageLength: 2,
  badMessageType: 3,
} as const;

export const OpenSubcode = {
  unsupportedVersionNumber: 1,
  badPeerAs: 2,
  badBgpIdentifier: 3,
  unsupportedOptionalParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7 /* RFC 5492 */,
  roleMismatch: 11 /* RFC 9234 */,
} as const;

export const UpdateSubcode = {
  malformedAttributeList: 1,
  unrecognizedWellKnownAttribute: 2,
  missingWellKnownAttribute: 3,
  attributeFlags: 4,
  attributeLength: 5,
  invalidOrigin: 6,
  invalidNextHop: 8,
  optionalAttribute: 9,
  invalidNetworkField: 10,
  malformedAsPath: 11,
} as const;

/** RFC 6608. */
export const FsmSubcode = {
  unspecified: 0,
  unexpectedMessageInOpenSent: 1,
  unexpectedMessageInOpenConfirm: 2,
  unexpectedMessageInEstablished: 3,
} as const;

/** RFC 4486 §4; hardReset RFC 8538 §3. */
export const CeaseSubcode = {
  maximumPrefixes: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  connectionCollisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10 /* RFC 9384 */,
} as const;

/** RFC 7313 §5. */
export const RouteRefreshSubcode = { invalidMessageLength: 1 } as const;

/** RFC 5492. The codes a Capability value knows; others are `unknown`. */
export const CapabilityCode = {
  multiprotocol: 1 /* RFC 4760 */,
  routeRefresh: 2 /* RFC 2918 */,
  // outboundRouteFiltering: 3 /* RFC 5291 */,
  extendedNextHop: 5 /* RFC 8950 */,
  extendedMessage: 6 /* RFC 8654 */,
  role: 9 /* RFC 9234 */,
  gracefulRestart: 64 /* RFC 4724 */,
  fourOctetAs: 65 /* RFC 6793 */,
  addPath: 69 /* RFC 7911 */,
  enhancedRouteRefresh: 70 /* RFC 7313 */,
  longLivedGracefulRestart: 71 /* RFC 9494 */,
  fqdn: 73 /* draft-walton-bgp-hostname-capability */,
  softwareVersion: 75 /* draft-abraitis-bgp-version-capability */,
} as const;

/** RFC 9234 §4.1, in the order of their numbers. */
export const roles: readonly Role[] = ["provider", "rs", "rs-client", "customer", "peer"];

/** Optional parameters of OPEN: capabilities RFC 5492, extendedLength RFC 9072. */
export const OpenParameter = { capabilities: 2, extendedLength: 255 } as const;

/** RFC 4271 §4.3; the bits of an attribute's flags octet. */
export const AttributeFlag = {
  optional: 0x80,
  transitive: 0x40,
  partial: 0x20,
  extendedLength: 0x10,
} as const;

export const AttributeCode = {
  origin: 1 /* RFC 4271 §5.1.1 */,
  asPath: 2 /* §5.1.2 */,
  nextHop: 3 /* §5.1.3 */,
  med: 4 /* §5.1.4 */,
  localPref: 5 /* §5.1.5 */,
  atomicAggregate: 6 /* §5.1.6 */,
  aggregator: 7 /* §5.1.7 */,
  communities: 8 /* RFC 1997 */,
  originatorId: 9 /* RFC 4456 */,
  clusterList: 10 /* RFC 4456 */,
  mpReachNlri: 14 /* RFC 4760 */,
  mpUnreachNlri: 15 /* RFC 4760 */,
  extendedCommunities: 16 /* RFC 4360 */,
  as4Path: 17 /* RFC 6793 */,
  as4Aggregator: 18 /* RFC 6793 */,
  // pmsiTunnel: 22 /* RFC 6514 */,
  // aigp: 26 /* RFC 7311 */,
  // bgpLs: 29 /* RFC 9552 */,
  largeCommunities: 32 /* RFC 8092 */,
  onlyToCustomer: 35 /* RFC 9234 */,
  // prefixSid: 40 /* RFC 8669 */,
} as const;

/** AS_PATH segment types: RFC 4271 §4.3, confederations RFC 5065 §3. */
export const AsPathSegmentType = { set: 1, sequence: 2, confedSequence: 3, confedSet: 4 } as const;

/** IANA Address Family Numbers. */
export const Afi = { ipv4: 1, ipv6: 2 } as const;

/** RFC 4760 §6. */
export const Safi = {
  unicast: 1 /* multicast: 2, labeledUnicast: 4, evpn: 70, mplsVpn: 128 */,
} as const;

export const ipv4Unicast: AfiSafi = { afi: "ipv4", safi: "unicast" };
export const ipv6Unicast: AfiSafi = { afi: "ipv6", safi: "unicast" };

/** The family of those numbers, or undefined where this speaker has no such family. */
export function familyOfNumbers(afi: number, safi: number): AfiSafi | undefined {
  if (safi !== Safi.unicast) return undefined;
  if (afi === Afi.ipv4) return ipv4Unicast;
  if (afi === Afi.ipv6) return ipv6Unicast;
  return undefined;
}

/** Whether the family is one of these. */
export function hasFamily(families: readonly AfiSafi[] | undefined, family: AfiSafi): boolean {
  return families?.some((one) => sameFamily(one, family)) ?? false;
}

export function sameFamily(a: AfiSafi, b: AfiSafi): boolean {
  return a.afi === b.afi && a.safi === b.safi;
}

/** RFC 1997; the rest from the IANA registry of well-known communities. */
export const WellKnownCommunity = {
  gracefulShutdown: 0xffff0000 /* RFC 8326 */,
  acceptOwn: 0xffff0001 /* RFC 7611 */,
  llgrStale: 0xffff0006 /* RFC 9494 */,
  noLlgr: 0xffff0007 /* RFC 9494 */,
  blackhole: 0xffff029a /* RFC 7999 */,
  noExport: 0xffffff01 /* RFC 1997 */,
  noAdvertise: 0xffffff02 /* RFC 1997 */,
  noExportSubconfed: 0xffffff03 /* RFC 1997 */,
  noPeer: 0xffffff04 /* RFC 3765 */,
} as const;

// Names as the IANA registries write them.
const notificationNames: Record<number, { name: string; subcodes: Record<number, string> }> = {
  1: {
    name: "Message Header Error",
    subcodes: { 1: "Connection Not Synchronized", 2: "Bad Message Length", 3: "Bad Message Type" },
  },
  2: {
    name: "OPEN Message Error",
    subcodes: {
      1: "Unsupported Version Number",
      2: "Bad Peer AS",
      3: "Bad BGP Identifier",
      4: "Unsupported Optional Parameter",
      5: "Authentication Failure (deprecated)",
      6: "Unacceptable Hold Time",
      7: "Unsupported Capability",
      11: "Role Mismatch",
    },
  },
  3: {
    name: "UPDATE Message Error",
    subcodes: {
      1: "Malformed Attribute List",
      2: "Unrecognized Well-known Attribute",
      3: "Missing Well-known Attribute",
      4: "Attribute Flags Error",
      5: "Attribute Length Error",
      6: "Invalid ORIGIN Attribute",
      7: "AS Routing Loop (deprecated)",
      8: "Invalid NEXT_HOP Attribute",
      9: "Optional Attribute Error",
      10: "Invalid Network Field",
      11: "Malformed AS_PATH",
    },
  },
  4: { name: "Hold Timer Expired", subcodes: {} },
  5: {
    name: "Finite State Machine Error",
    subcodes: {
      1: "Unexpected Message in OpenSent State",
      2: "Unexpected Message in OpenConfirm State",
      3: "Unexpected Message in Established State",
    },
  },
  6: {
    name: "Cease",
    subcodes: {
      1: "Maximum Number of Prefixes Reached",
      2: "Administrative Shutdown",
      3: "Peer De-configured",
      4: "Administrative Reset",
      5: "Connection Rejected",
      6: "Other Configuration Change",
      7: "Connection Collision Resolution",
      8: "Out of Resources",
      9: "Hard Reset",
      10: "BFD Down",
    },
  },
  7: { name: "ROUTE-REFRESH Message Error", subcodes: { 1: "Invalid Message Length" } },
  8: { name: "Send Hold Timer Expired", subcodes: {} },
};

/** `Cease/Administrative Shutdown`, `Hold Timer Expired`, `OPEN Message Error/subcode 12`, `code 99/subcode 3`. */
export function notificationName(code: number, subcode: number): string {
  const known = notificationNames[code];
  const name = known?.name ?? `code ${code}`;
  if (subcode === 0) return name;
  return `${name}/${known?.subcodes[subcode] ?? `subcode ${subcode}`}`;
}
