import type { BfdConfig } from "../../bgp/speaker/config.ts";
import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { InterfaceAddress } from "../link.ts";

/** A router's configuration as FRR words it, as far as laboratories use it. */
export type FrrConfig = {
  profile: "traditional" | "datacenter";
  hostname?: string;
  logFile?: string;
  bgp?: BgpConfig;
  prefixLists: Map<string, PrefixListEntry[]>;
  communityLists: Map<string, ListEntry<string[]>[]>;
  largeCommunityLists: Map<string, ListEntry<string[]>[]>;
  asPathLists: Map<string, ListEntry<string>[]>;
  routeMaps: Map<string, RouteMapEntry[]>;
  staticRoutes: StaticRoute[];
  /** What `[no] ip forwarding` says; undefined: nothing. */
  doesNotForward: Partial<Record<FrrFamily, boolean>>;
  /** `bgp route-map delay-timer`; undefined: as FRR has it by itself. */
  routeMapDelaySeconds?: number;
  /** What `[no] ip nht resolve-via-default` says; undefined: as the profile has it. */
  resolvesViaDefault?: boolean;
  /** By interface: addresses that zebra gives it. */
  interfaces: Map<string, InterfaceAddress[]>;
  bfdProfiles: Map<string, BfdProfile>;
};

/** What is not written is as bfdd has it by itself. */
export type BfdProfile = Partial<Omit<BfdConfig, "checkControlPlaneFailure">>;

export type Permit = "permit" | "deny";
export type ListEntry<Value> = { sequence: number; permit: Permit; value: Value };

export type PrefixListEntry = {
  sequence: number;
  permit: Permit;
  prefix: Prefix;
  minLength?: number;
  maxLength?: number;
};

export type StaticRoute = { prefix: Prefix; via: Address | "blackhole"; interface?: string };

export type RouteMapEntry = {
  sequence: number;
  permit: Permit;
  /** In words, as written: `ip address prefix-list PODS`. */
  matches: string[][];
  /** `local-preference 200`. */
  sets: string[][];
};

export type FrrFamily = "ipv4" | "ipv6";

export type BgpConfig = {
  asn: number;
  /** Of when `router bgp` was given: a later one is no matter to it. */
  profile: FrrConfig["profile"];
  routerId?: Address;
  /** Undefined: as the profile has it. */
  ebgpRequiresPolicy?: boolean;
  networkImportCheck: boolean;
  defaultIpv4Unicast: boolean;
  multipathRelax: boolean;
  compareRouterId: boolean;
  fastExternalFailover: boolean;
  disableConnectedCheck: boolean;
  clusterId?: Address;
  gracefulRestart: boolean;
  gracefulRestartSeconds: number;
  timers?: Timers;
  /** By address or interface. */
  neighbors: Map<string, Neighbor>;
  peerGroups: Map<string, Neighbor>;
  listenRanges: { prefix: Prefix; group: string }[];
  listenLimit: number;
  families: Record<FrrFamily, FamilyConfig>;
};

export type Timers = { keepaliveSeconds: number; holdSeconds: number };

export type FamilyConfig = {
  networks: { prefix: Prefix; routeMap?: string }[];
  aggregates: { prefix: Prefix; summaryOnly: boolean }[];
  redistribute: { from: Redistributed; routeMap?: string }[];
  maximumPaths?: number;
  maximumPathsIbgp?: number;
};

export type Redistributed = "connected" | "static" | "kernel";

/** What is written for one neighbor or group; undefined: nothing is. */
export type Neighbor = {
  /** Neighbors that were made by `neighbor IFACE interface`. */
  isInterface: boolean;
  group?: string;
  remoteAs?: number | "internal" | "external";
  localAs?: { asn: number; noPrepend: boolean; replaceAs: boolean };
  description?: string;
  password?: string;
  timers?: Timers;
  connectSeconds?: number;
  delayOpenSeconds?: number;
  advertisementSeconds?: number;
  passive?: boolean;
  shutdown?: { message?: string };
  updateSource?: string;
  ebgpMultihop?: number;
  ttlSecurityHops?: number;
  disableConnectedCheck?: true;
  bfd?: BfdConfig;
  bfdProfile?: string;
  extendedNextHop?: boolean;
  families: Record<FrrFamily, NeighborFamily>;
};

export const removePrivateForms = ["", "replace-AS", "all", "all replace-AS"] as const;
export type RemovePrivateForm = (typeof removePrivateForms)[number];

export type NeighborFamily = {
  activate?: boolean;
  defaultOriginate?: { routeMap?: string };
  nextHopSelf?: true;
  nextHopSelfForce?: true;
  /** Each is a setting of its own, and the last of them that is there counts. */
  removePrivateAs?: Partial<Record<RemovePrivateForm, true>>;
  asOverride?: true;
  routeReflectorClient?: boolean;
  routeMapIn?: string;
  routeMapOut?: string;
  prefixListIn?: string;
  prefixListOut?: string;
  allowAsIn?: number;
  maximumPrefix?: {
    count: number;
    warningOnly: boolean;
    thresholdPercent: number;
    restartMinutes?: number;
  };
  softReconfigurationInbound?: boolean;
  addPathTxAll?: boolean;
};

export function emptyConfig(): FrrConfig {
  return {
    profile: "traditional",
    prefixLists: new Map(),
    communityLists: new Map(),
    largeCommunityLists: new Map(),
    asPathLists: new Map(),
    routeMaps: new Map(),
    staticRoutes: [],
    doesNotForward: {},
    interfaces: new Map(),
    bfdProfiles: new Map(),
  };
}

export function emptyBgp(asn: number, profile: FrrConfig["profile"]): BgpConfig {
  return {
    ...{ asn, profile },
    networkImportCheck: true,
    defaultIpv4Unicast: true,
    multipathRelax: false,
    compareRouterId: false,
    fastExternalFailover: true,
    disableConnectedCheck: false,
    gracefulRestart: false,
    gracefulRestartSeconds: 120,
    neighbors: new Map(),
    peerGroups: new Map(),
    listenRanges: [],
    listenLimit: 100,
    families: {
      ipv4: { networks: [], aggregates: [], redistribute: [] },
      ipv6: { networks: [], aggregates: [], redistribute: [] },
    },
  };
}

export function emptyNeighbor(isInterface: boolean): Neighbor {
  return { isInterface, families: { ipv4: {}, ipv6: {} } };
}
