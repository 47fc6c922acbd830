import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { RemovePrivateAs } from "../rib/as-rewrite.ts";
import type { MaximumPaths } from "../rib/multipath.ts";
import type { PolicyStatement } from "../rib/policy.ts";
import type { FamilyName } from "../rib/family.ts";
import type { BmpRib } from "../wire/bmp.ts";
import type { IdleHold } from "../session/retry.ts";
import type { AfiSafi, PathAttributes, Role } from "../wire/message.ts";

export type { PolicyStatement };

/** Everything a speaker is told. Plain values: no Kubernetes and no Cilium type reaches past here. */
export type SpeakerConfig = {
  localAsn: number;
  /** BGP Identifier (RFC 4271 §4.2; RFC 6286: any non-zero 32-bit value). */
  routerId: Address;
  /** TCP port to listen on; undefined: do not listen, which is Cilium's default. */
  listenPort?: number;
  /** Host name for the FQDN capability, so that FRR shows `kind-worker(10.0.2.2)`. */
  hostname: string;
  peers: PeerConfig[];
  /** Peers that are not configured one by one: whoever calls from a prefix. The longest prefix counts. */
  listenRanges?: ListenRange[];
  /** RFC 4456 §7; undefined: the router id. */
  clusterId?: Address;
  /** Undefined: one path each way. */
  maximumPaths?: Partial<MaximumPaths>;
  /**
   * Of external paths that are equal up to who sent them the one in use stays (RFC 5004), as in FRR without
   * `bgp bestpath compare-routerid`: what is best then depends on what came first.
   */
  keepsExternalBest?: boolean;
  /** Put the routes in use into the kernel's; undefined: leave those alone. */
  installRoutes?: InstallRoutes;
  /**
   * The edge tells which next hops can be reached and at what cost; so it is where routes are installed.
   * Undefined: all can, at no cost.
   */
  trackNextHops?: boolean;
  /** Tell BMP stations (RFC 7854) of sessions and routes. */
  bmp?: BmpConfig;
  /** Own prefixes. Which peer gets which, and with what attributes, is up to the export policies. */
  originate: readonly (Prefix | OwnRoute)[];
};

/** An own prefix that begins with other attributes than ORIGIN IGP: as FRR's `redistribute` and route maps make them. */
export type OwnRoute = {
  prefix: Prefix;
  /** Of a route that was taken over from elsewhere; undefined: we are. */
  nextHop?: Address;
} & Pick<
  PathAttributes,
  | "origin"
  | "med"
  | "localPref"
  | "communities"
  | "largeCommunities"
  | "atomicAggregate"
  | "aggregator"
>;

/** RFC 7854. Without an interval no statistics. */
export type BmpConfig = {
  stations: BmpStation[];
  statisticsIntervalSeconds?: number;
  /** Which routes: as they were received, as the import policy left them, as they are used (RFC 9069). */
  ribs: BmpRib[];
};

/** A station that is called. After a failure it is called again, later each time (RFC 7854 §3.2). */
export type BmpStation = {
  address: Address;
  port: number;
  minRetrySeconds: number;
  maxRetrySeconds: number;
};

/** Where in the kernel: a routing table, and the metric that ranks our routes there, the lowest first. */
export type InstallRoutes = { table: number; metric: number };

/** Dynamic neighbours, as FRR's `bgp listen range`. They are never called, and forgotten when they go. */
export type ListenRange = {
  prefix: Prefix;
  /** Of peers at a time. */
  limit: number;
  /** What each of them is like. Its name is its address. */
  peer: PeerTemplate;
};

export type PeerTemplate = Omit<
  PeerConfig,
  "name" | "address" | "interface" | "localAddress" | "passive" | "port"
>;

/** Statements as in an export policy: first match wins, nothing matching is rejected. */
export type ImportPolicy = "accept" | "reject" | PolicyStatement[];

/** As FRR's `neighbor local-as`: what is left of an AS number that was given up, or the first of another. */
export type LocalAs = {
  asn: number;
  /** Not put in front of paths that come in. */
  noPrepend?: boolean;
  /** Our real AS number is not in paths that go out. */
  replaceAs?: boolean;
};

/** As in FRR. Without authentication, Echo function and Demand mode. */
export type BfdConfig = {
  /** How often we would like to send: the peer may ask for less. */
  transmitIntervalMs: number;
  /** How often the peer may send at most. */
  receiveIntervalMs: number;
  /** So many packets of ours missing in a row mean to the peer that the path is down. */
  detectMultiplier: number;
  /**
   * BFD going down says nothing where the peer restarts gracefully and its BFD with it, since both look
   * the same then (RFC 5882 §4.3): its C bit is clear.
   */
  checkControlPlaneFailure?: boolean;
};

/** How many routes a peer may send in one family (RFC 4486 §4). */
export type MaximumPrefix = {
  count: number;
  /** Of `count`: more are told in the log. */
  warningThresholdPercent: number;
  /** What more than `count` bring about. */
  action: "teardown" | "warn";
  /** The session is tried again after this; undefined: not before the limit is changed. */
  restartTimeSeconds?: number;
};

export type PeerConfig = {
  /** Unique within a speaker. */
  name: string;
  address: Address;
  /** Expected AS number in the peer's OPEN; 0 accepts any, `internal` ours only, `external` any but ours. */
  asn: number | "internal" | "external";
  /** Another AS number that we are to this external peer. */
  localAs?: LocalAs;
  /** Source address of the connection; undefined: the kernel chooses. */
  localAddress?: Address;
  /** TCP port to connect to. */
  port: number;
  /** Never connect, only accept. */
  passive: boolean;
  /** Proposed Hold Time: 0 or at least 3 (RFC 4271 §4.2). */
  holdTimeSeconds: number;
  keepaliveTimeSeconds: number;
  /** Another hold or keepalive time is for the next session, as FRR has it; else it ends the one that is up. */
  keepsTimers?: boolean;
  connectRetryTimeSeconds: number;
  /** DelayOpenTime: how long our OPEN waits for the peer's (RFC 4271 §8.1.1); undefined: it goes at once. */
  delayOpenTimeSeconds?: number;
  /** MinRouteAdvertisementInterval (RFC 4271 §9.2.1.1); undefined: a change is told at once. */
  advertisementIntervalSeconds?: number;
  /** How long a session stays Idle, as FRR has it; undefined: sessions come back quickly (session/retry.ts). */
  idleHold?: IdleHold;
  /**
   * The link of a link-local `address`, which has no zone of its own; of `address` `::`, the link whose router
   * is the peer, as FRR's `neighbor IFACE interface`: its address is learned from Router Advertisements.
   */
  interface?: string;
  /**
   * False: on a shared link our global next hop goes without the link-local one beside it, as GoBGP has it; RFC 2545
   * §3 wants both.
   */
  linkLocalNextHop?: boolean;
  /** False: IPv4 routes with an IPv6 next hop (RFC 8950) are not offered, nor sent; undefined: over IPv6 they are. */
  extendedNextHop?: boolean;
  /**
   * What stands for us as next hop of IPv4 routes over IPv6 without RFC 8950, as FRR has it; undefined: they are not
   * sent then.
   */
  ipv4NextHop?: Address;
  /** IP TTL of the session: 1 for a directly connected eBGP peer. Undefined: the system's default. */
  ttl?: number;
  /** GTSM (RFC 5082), in place of `ttl`: the peer is at most this many hops away. */
  ttlSecurityHops?: number;
  /** TCP MD5 password (RFC 2385). Never logged. */
  password?: string;
  /**
   * Undefined: the capability is not sent. `longLivedStaleTimeSeconds`: for how long a peer keeps our routes
   * beyond the restart time, and that we keep its own (RFC 9494). `stalePathTimeSeconds`: how long stale routes
   * of a peer that is back wait for its End-of-RIB, and the bound beyond the restart time of one that goes again and
   * again (RFC 8538 §4.1); undefined: 360. `helperOnly`: we keep the peer's routes while it restarts, and do not ask
   * it to keep ours (RFC 4724 §3, a capability without families), as FRR has it by itself.
   * `hardAdministrativeReset`: a reset by the operator is a Hard Reset, which keeps no routes, as FRR has it too.
   */
  gracefulRestart?: {
    restartTimeSeconds: number;
    longLivedStaleTimeSeconds?: number;
    stalePathTimeSeconds?: number;
    helperOnly?: boolean;
    hardAdministrativeReset?: boolean;
  };
  /** RFC 7911: several paths to one prefix. `send`: all that the export policy lets out, or the best so many. */
  addPath?: { receive?: boolean; send?: "all" | number };
  /** RFC 9234: what we are to this external peer. `strict`: no session unless it says what it is. */
  role?: { name: Role; strict?: boolean };
  families: AfiSafi[];
  /** What may be advertised: first match wins, nothing matching is rejected. */
  exportPolicy: PolicyStatement[];
  /** What is done with routes received. `reject` is Cilium's: kept, counted and shown, but never used. */
  importPolicy: ImportPolicy;
  /** An internal peer that this speaker reflects routes for (RFC 4456). */
  routeReflectorClient?: boolean;
  /** Long-lived stale routes go to this internal peer though it does not know of them, as a last resort (RFC 9494 §4.6). */
  longLivedPartialDeployment?: boolean;
  /** To an internal peer our own address as next hop of routes from external peers; `force`: of reflected ones too. */
  nextHopSelf?: boolean | "force";
  /** Families whose default route it is sent as our own, whatever we know: FRR's `default-originate`. */
  defaultOriginate?: FamilyName[];
  /**
   * Families whose default route is sent only as long as these statements let some route of ours through; it is what
   * the statement sets that lets the first of them through, in the order of prefixes. FRR's `default-originate route-map`.
   */
  defaultOriginateIf?: Partial<Record<FamilyName, PolicyStatement[]>>;
  /** Of the paths that an external peer is sent (rib/as-rewrite.ts). */
  removePrivateAs?: RemovePrivateAs;
  /** In the paths that an external peer is sent its own AS number is ours: FRR's `as-override`. */
  asOverride?: boolean;
  /**
   * Also what came from the peer, as FRR has it: an external one will find its own AS in the path, and a client of a
   * route reflector itself in ORIGINATOR_ID. Where the peer alone is sent the same, our own address is the next hop.
   */
  sendsBack?: boolean;
  /**
   * A route that has neither MED nor ORIGINATOR_ID gets a MED of 0 when it is reflected, as FRR has it: it means to mark
   * the ORIGINATOR_ID that it adds, and takes the number of the attribute for a mask (bgpd/bgp_route.c,
   * subgroup_announce_check).
   */
  reflectsWithMed?: boolean;
  /** An export policy says which routes are reflected and changes none of them, as FRR has it without `bgp route-reflector allow-outbound-policy`. */
  reflectsUnchanged?: boolean;
  /** What a policy prepends goes in front towards an internal peer, too, as FRR has it; RFC 4271 §5.1.2 leaves that path alone. */
  prependsInternally?: boolean;
  /** Routes that come from this external peer with BLACKHOLE get NO_EXPORT as well, as FRR has it (RFC 7999 §3.2). */
  keepsBlackholes?: boolean;
  /** How often our own AS number may be in a path received; undefined: not at all. */
  allowAsIn?: number;
  /** Single-hop BFD (RFC 5881): the session ends when the path to the peer does. */
  bfd?: BfdConfig;
  /** Counted before any policy. A family without an entry has no limit. */
  maximumPrefix?: Partial<Record<FamilyName, MaximumPrefix>>;
  /** Administratively down; the peer is told in these words (RFC 9003). */
  shutdown?: { communication?: string };
};
