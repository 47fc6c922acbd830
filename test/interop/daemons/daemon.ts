import type { Daemon, Sandbox } from "../sandbox.ts";

export type Family = "ipv4" | "ipv6";

/** How a daemon is to be with one neighbour. What is not there is off, as far as the daemon lets it be. */
export type Neighbor = {
  /** Theirs, and the AS number expected there. */
  address: string;
  asn: number;
  localAddress: string;
  families: readonly Family[];
  /** Wait for the neighbour's call. */
  passive?: true;
  password?: string;
  ttlSecurity?: true;
  holdTimeSeconds?: number;
  /** For how long the neighbour is to keep the routes. */
  gracefulRestartSeconds?: number;
  addPath?: true;
  role?: { name: "provider" | "customer" | "peer"; strict?: true };
  maximumPrefix?: number;
  /** False: the capability for AS numbers of four octets is not sent. */
  fourOctetAsn?: false;
  /** IPv4 routes with next hops of IPv6 (RFC 8950). */
  extendedNextHop?: true;
  /** Found by router advertisements behind this interface; it stands for both addresses in all that is asked. */
  interface?: string;
  /** At 300 ms, three packets. */
  bfd?: true;
};

/** A route of the daemon's own. */
export type OwnRoute = {
  prefix: string;
  /** `65020:1`. */
  communities?: readonly string[];
  /** `65020:1:2`. */
  largeCommunities?: readonly string[];
  /** Route targets, `65020:100`. */
  routeTargets?: readonly string[];
  /** So often its own AS number in front, beyond the one that every eBGP speaker puts there. */
  prepends?: number;
  /** Of several to one prefix, where the daemon has such of its own (RFC 7911), the AS path after its own number. */
  pathId?: number;
  asPath?: readonly number[];
};

export type DaemonConfig = {
  asn: number;
  routerId: string;
  neighbors: readonly Neighbor[];
  routes: readonly OwnRoute[];
};

/** A path as a daemon shows it, communities in figures. */
export type SeenPath = {
  nextHop: string;
  asPath: readonly number[];
  communities: readonly string[];
  largeCommunities: readonly string[];
  /** `rt:65010:100`. */
  extendedCommunities: readonly string[];
  /** Kept for a neighbour that is gone. Undefined: the daemon does not show it. */
  stale?: boolean;
};

/** `capability`: the one that its OPEN would have, so that the run sees that it is not there. */
export type Lack = { why: string; capability?: number };

/** One of the speakers that Spinelab is tried against: how it is configured, asked and told. */
export type BgpDaemon = {
  name: string;
  /** Debian's package. */
  package: string;
  /** `8.4.4`. */
  version(sandbox: Sandbox): Promise<string>;
  /** `recovering`: it was killed before, and may say so in its OPENs (RFC 4724 §4.1). */
  start(sandbox: Sandbox, config: DaemonConfig, recovering?: boolean): Promise<RunningDaemon>;
  /** It is a router: what one neighbour sends goes on to others. */
  passesOn: boolean;
  /** What it cannot do, by the rows of the matrix. */
  lacks: Readonly<Record<string, Lack>>;
};

export type RunningDaemon = {
  /** The process that speaks BGP. */
  process: Daemon;
  /** Others that it needs. */
  helpers?: readonly Daemon[];
  established(neighbor: string): Promise<boolean>;
  /** All it says of the neighbour, to look for words in: what it shows, or its log. */
  about(neighbor: string): Promise<string>;
  /** How many routes of a family it took from the neighbour. */
  received(neighbor: string, family: Family): Promise<number>;
  /** What it knows of a prefix from its neighbours. */
  paths(prefix: string): Promise<readonly SeenPath[]>;
  /** Where it shows only the beginning of a long AS_PATH: whether one is so long. */
  hasAsPathLength?(prefix: string, length: number): Promise<boolean>;
  /** What it says of the BFD session. Undefined: it has no BFD. */
  bfdUp?(neighbor: string): Promise<boolean>;
  /** Ask the neighbour to send all routes again (RFC 2918). Undefined: it never asks. */
  askRefresh?(neighbor: string): Promise<void>;
  /** End the session for good, in these words (RFC 9003). Undefined: it has no words. */
  shutdown?(neighbor: string, words: string): Promise<void>;
};

export function familyOf(prefix: string): Family {
  return prefix.includes(":") ? "ipv6" : "ipv4";
}

/** The well-known communities by the names that daemons show (RFC 1997, 8326, 7999). */
const wellKnown: Readonly<Record<string, string>> = {
  NO_EXPORT: "65535:65281",
  NO_ADVERTISE: "65535:65282",
  NO_EXPORT_SUBCONFED: "65535:65283",
};

/** `no-export`, `NO_EXPORT` and `65535:65281` as the last. */
export function communityInFigures(text: string): string {
  return wellKnown[text.toUpperCase().replaceAll("-", "_")] ?? text;
}
