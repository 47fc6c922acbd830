import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";

/** The five message kinds (RFC 4271 §4, RFC 2918) as values. */
export type Message =
  | OpenMessage
  | UpdateMessage
  | NotificationMessage
  | KeepaliveMessage
  | RouteRefreshMessage;

/** RFC 4271 §4.2. `asn` is the real AS number: the decoder takes it from the 4-octet AS capability where there is one. */
export type OpenMessage = {
  type: "OPEN";
  version: number;
  asn: number;
  holdTimeSeconds: number;
  bgpIdentifier: Address;
  capabilities: Capability[];
};

/** Address families by name as Cilium and FRR write them (RFC 4760; IANA AFI and SAFI). */
export type AfiSafi = { afi: "ipv4" | "ipv6"; safi: "unicast" };

/** What a speaker is to its neighbour (RFC 9234 §3.1). */
export type Role = "provider" | "rs" | "rs-client" | "customer" | "peer";

export type Capability =
  | { capability: "multiprotocol"; family: AfiSafi } /* 1, RFC 4760 */
  | { capability: "routeRefresh" } /* 2, RFC 2918 */
  | {
      capability: "extendedNextHop";
      entries: { family: AfiSafi; nextHopAfi: "ipv4" | "ipv6" }[];
    } /* 5, RFC 8950 */
  | { capability: "extendedMessage" } /* 6, RFC 8654 */
  | { capability: "role"; role: Role } /* 9, RFC 9234 */
  | {
      capability: "gracefulRestart" /* 64, RFC 4724; notification: the N bit of RFC 8538 */;
      restarting: boolean;
      notification: boolean;
      restartTimeSeconds: number;
      families: { family: AfiSafi; forwardingPreserved: boolean }[];
    }
  | { capability: "fourOctetAs"; asn: number } /* 65, RFC 6793 */
  | {
      capability: "addPath";
      /** What the speaker that says so is able to do with several paths to one prefix. */
      entries: { family: AfiSafi; send: boolean; receive: boolean }[];
    } /* 69, RFC 7911 */
  | { capability: "enhancedRouteRefresh" } /* 70, RFC 7313 */
  | {
      capability: "longLivedGracefulRestart";
      /** staleTimeSeconds: 24 bits. */
      families: { family: AfiSafi; forwardingPreserved: boolean; staleTimeSeconds: number }[];
    } /* 71, RFC 9494 */
  | {
      capability: "fqdn";
      hostname: string;
      domain: string;
    } /* 73, draft-walton-bgp-hostname-capability */
  | {
      capability: "softwareVersion";
      version: string;
    } /* 75, draft-abraitis-bgp-version-capability */
  | { capability: "unknown"; code: number; value: Uint8Array };

/**
 * RFC 4271 §4.3. Everything an UPDATE announces or withdraws, IPv4 in its own fields and the other
 * families in MP_REACH_NLRI and MP_UNREACH_NLRI, brought to one shape. An UPDATE that announces and
 * withdraws nothing is an End-of-RIB marker (RFC 4724 §2): `endOfRib` names its family. `pathIds`: one
 * for each prefix, where the session numbers the family's paths (RFC 7911).
 */
export type UpdateMessage = {
  type: "UPDATE";
  withdrawn: { family: AfiSafi; prefixes: Prefix[]; pathIds?: number[] }[];
  /** Undefined where nothing is announced. */
  attributes: PathAttributes | undefined;
  announced: { family: AfiSafi; nextHop: Address; prefixes: Prefix[]; pathIds?: number[] }[];
  endOfRib?: AfiSafi;
};

/** ORIGIN (RFC 4271 §5.1.1). */
export type Origin = "igp" | "egp" | "incomplete";

/** AS_PATH segments (RFC 4271 §5.1.2; confederation segments RFC 5065). */
export type AsPathSegment = {
  kind: "sequence" | "set" | "confedSequence" | "confedSet";
  asns: number[];
};

/** Path attributes, apart from the next hop, which belongs to what is announced. */
export type PathAttributes = {
  origin: Origin;
  asPath: AsPathSegment[];
  med?: number;
  localPref?: number;
  atomicAggregate?: boolean;
  aggregator?: { asn: number; address: Address };
  /** 32-bit values (RFC 1997). */
  communities?: number[];
  originatorId?: Address;
  clusterList?: Address[];
  /** 8-byte values (RFC 4360). */
  extendedCommunities?: Uint8Array[];
  /** RFC 8092. */
  largeCommunities?: [number, number, number][];
  /** OTC: the AS from which on the route goes down only (RFC 9234 §5). */
  onlyToCustomer?: number;
  /** Codes of known attributes that came with the Partial bit: once set it stays (RFC 4271 §5). In ascending order. */
  partial?: number[];
  /** Attributes this speaker does not know: kept, and passed on where transitive (RFC 4271 §9). */
  unknown?: { flags: number; code: number; value: Uint8Array }[];
};

/** RFC 4271 §4.5. `data` as on the wire; the shutdown communication of RFC 9003 is in it. */
export type NotificationMessage = {
  type: "NOTIFICATION";
  code: number;
  subcode: number;
  data: Uint8Array;
};

export type KeepaliveMessage = { type: "KEEPALIVE" };

/**
 * RFC 2918; subtype of RFC 7313: 0 request, 1 BoRR, 2 EoRR. `family` is undefined where the peer named
 * one that this speaker does not have: such a request is ignored (RFC 2918 §4).
 */
export type RouteRefreshMessage = {
  type: "ROUTE-REFRESH";
  family: AfiSafi | undefined;
  subtype: number;
};

/** What the two OPENs settled that changes how bytes are read and written. */
export type CodecOptions = {
  fourOctetAs: boolean;
  extendedMessage: boolean;
  /** From an external peer LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST are ignored (RFC 7606 §7.5, §7.9, §7.10). */
  external?: boolean;
  /** Families whose prefixes carry a Path Identifier (RFC 7911 §3), in what is received and in what is sent. */
  pathIdsIn?: AfiSafi[];
  pathIdsOut?: AfiSafi[];
  /** RFC 2545 §3: an IPv6 next hop that is this `address` has our link-local one beside it. */
  sharedLink?: { address: Address; linkLocal: Address };
  /** Routes that a router tells of, and does not send: those of its own have an unspecified next hop (RFC 9069). */
  anyNextHop?: true;
  /** Between link-local addresses: of the two next hops that a peer sends, the link-local one counts. */
  unnumbered?: true;
};
