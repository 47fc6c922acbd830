import type {
  BfdConfig,
  ImportPolicy,
  ListenRange,
  PeerConfig,
  PeerTemplate,
  PolicyStatement,
  SpeakerConfig,
} from "../../bgp/speaker/config.ts";
import {
  address,
  type Address,
  addressToBytes,
  familyOf,
  isLinkLocal,
  parseAddress,
} from "../../net/address.ts";
import { prefixContains, prefixOf } from "../../net/prefix.ts";
import { families, type FamilyName } from "../../bgp/rib/family.ts";
import type { SimNode } from "../network.ts";
import {
  type BgpConfig,
  type FrrConfig,
  type FrrFamily,
  type Neighbor,
  type NeighborFamily,
  removePrivateForms,
  type Timers,
} from "./config.ts";
import { type LearnedRoute, summarized, withAggregates } from "./aggregates.ts";
import {
  effectiveNeighbor,
  hasFamily,
  isInternalNeighbor,
  needsPolicy,
  profiles,
} from "./effective-neighbor.ts";
import { ownRoutes } from "./own-routes.ts";
import { ofFamilies, importPolicyOf, PolicyBuilder } from "./policies.ts";
import type { RouteMapSource } from "./route-maps-in-force.ts";
import type { FrrTiming } from "./timing.ts";

/** Compiled into Debian's packages: `--enable-multipath=256`. */
const multipathMax = 256;
const bgpPort = 179;
const unspecified = address("::");

/** What is not configuration. */
export type RouterSetting = {
  node: SimNode;
  /** bfdd runs. */
  hasBfd: boolean;
  timing: FrrTiming;
  routeMaps: RouteMapSource;
  /** What bgpd's table has of peers. Asked for only where routes are aggregated. */
  learned: () => readonly LearnedRoute[];
};

/** The speaker that FRR's bgpd would be with this configuration on this node. What cannot be done is told. */
export function speakerConfigOf(
  config: FrrConfig & { bgp: BgpConfig },
  router: RouterSetting,
  problem: (message: string) => void,
): SpeakerConfig {
  const { node } = router;
  const { bgp, hostname = node.name } = config;
  const routerId = bgp.routerId ?? defaultRouterId(node);
  const policies = new PolicyBuilder(config, router.routeMaps, problem);
  const peers = new PeerReader(config, router, { policies, problem });
  const named = [...bgp.neighbors].flatMap(([id, of]) => peers.peer(id, of) ?? []);
  const listenRanges = bgp.listenRanges.flatMap(({ prefix, group }): ListenRange[] => {
    const of = bgp.peerGroups.get(group);
    const peer = of && peers.template(prefix, of);
    if (peer === undefined) return [];
    return [{ prefix, limit: bgp.listenLimit, peer }];
  });
  if (hasOtherMultipath(bgp)) {
    problem("maximum-paths: IPv4 and IPv6 are configured differently");
  }
  return {
    localAsn: bgp.asn,
    routerId,
    listenPort: bgpPort,
    hostname,
    peers: named,
    ...(listenRanges.length > 0 && { listenRanges }),
    ...(bgp.clusterId !== undefined && { clusterId: bgp.clusterId }),
    maximumPaths: {
      external: bgp.families.ipv4.maximumPaths ?? multipathMax,
      internal: bgp.families.ipv4.maximumPathsIbgp ?? multipathMax,
      asPathRelax: bgp.multipathRelax,
    },
    keepsExternalBest: !bgp.compareRouterId,
    installRoutes: { table: 254, metric: 20 },
    originate: withAggregates(ownRoutes(config, node, policies), bgp, {
      asn: bgp.asn,
      address: routerId,
      learned: router.learned,
    }),
  };
}

/** The speaker has one limit for both families. */
function hasOtherMultipath(bgp: BgpConfig): boolean {
  const { ipv4, ipv6 } = bgp.families;
  const isSame =
    ipv4.maximumPaths === ipv6.maximumPaths && ipv4.maximumPathsIbgp === ipv6.maximumPathsIbgp;
  const isUsed = (family: FrrFamily) =>
    [...bgp.neighbors.values(), ...bgp.peerGroups.values()].some((of) =>
      hasFamily(bgp, effectiveNeighbor(bgp, of), family),
    );
  return !isSame && isUsed("ipv4") && isUsed("ipv6");
}

/** What FRR takes when none is written: the highest IPv4 address of `lo`, else of all interfaces. */
function defaultRouterId(node: SimNode): Address {
  const of = (names: Iterable<string>) =>
    [...names]
      .flatMap((name) => node.interfaces.get(name)!.addresses.map((one) => one.address))
      .filter((one) => familyOf(one) === "ipv4" && !one.startsWith("127."))
      .sort((a, b) => Buffer.compare(addressToBytes(b), addressToBytes(a)))[0];
  return of(["lo"]) ?? of(node.interfaces.keys()) ?? address("0.0.0.1");
}

/** What of a neighbor's settings may be another in each family. */
const keptByFamily = [
  ...(["activate", "defaultOriginate", "maximumPrefix"] as const),
  ...(["routeMapIn", "routeMapOut", "prefixListIn", "prefixListOut"] as const),
] as const;

class PeerReader {
  readonly #config: FrrConfig & { bgp: BgpConfig };
  readonly #router: RouterSetting;
  readonly #problem: (message: string) => void;
  readonly #policies: PolicyBuilder;

  constructor(
    config: FrrConfig & { bgp: BgpConfig },
    router: RouterSetting,
    by: { policies: PolicyBuilder; problem: (message: string) => void },
  ) {
    this.#config = config;
    this.#router = router;
    this.#problem = by.problem;
    this.#policies = by.policies;
  }

  /** Undefined: FRR keeps it out of the way until it knows its AS. */
  peer(id: string, neighbor: Neighbor): PeerConfig | undefined {
    const of = effectiveNeighbor(this.#config.bgp, neighbor);
    const at = parseAddress(id);
    const source = of.updateSource && this.#source(of.updateSource, at);
    const template = this.template(id, neighbor);
    if (template === undefined) return undefined;
    return {
      ...template,
      name: id,
      address: at ?? unspecified,
      port: bgpPort,
      passive: of.passive === true || !this.#isCalled(of, at),
      idleHold: {
        ...idleHold(this.#router.timing),
        clearingSeconds: this.#router.timing.clearingMs / 1000,
      },
      ...(at === undefined && { interface: id }),
      ...(at !== undefined && familyOf(at) === "ipv6" && { ipv4NextHop: this.#ipv4NextHop(at) }),
      ...(source !== undefined && source !== "" && { localAddress: source }),
    };
  }

  /** An external neighbor one hop away is not called where no subnet of ours has its address; it may call. */
  #isCalled(of: Neighbor, at: Address | undefined): boolean {
    const { bgp } = this.#config;
    const isOneHop = of.ebgpMultihop === undefined && of.ttlSecurityHops === undefined;
    const isChecked = of.disableConnectedCheck !== true && !bgp.disableConnectedCheck;
    if (at === undefined || isLinkLocal(at) || !isOneHop || !isChecked) return true;
    if (isInternalNeighbor(bgp, of)) return true;
    return [...this.#router.node.interfaces.values()].some(
      ({ hasCarrier, addresses }) =>
        hasCarrier &&
        addresses.some((one) => prefixContains(prefixOf(one.address, one.prefixLength), at)),
    );
  }

  template(id: string, neighbor: Neighbor): PeerTemplate | undefined {
    const { bgp } = this.#config;
    const of = effectiveNeighbor(this.#config.bgp, neighbor);
    if (of.remoteAs === undefined) return undefined;
    const defaults = profiles[bgp.profile];
    const timers: Timers = of.timers ?? bgp.timers ?? defaults.timers;
    const needsOne = needsPolicy(bgp, of);
    const active = (["ipv4", "ipv6"] as const).filter((family) => hasFamily(bgp, of, family));
    const first = of.families[active[0] ?? "ipv4"];
    this.#sameInAll(id, of, active);
    return {
      asn: of.remoteAs,
      holdTimeSeconds: timers.holdSeconds,
      keepsTimers: true,
      keepaliveTimeSeconds: Math.min(timers.keepaliveSeconds, timers.holdSeconds / 3),
      connectRetryTimeSeconds:
        of.connectSeconds ?? connectSeconds(bgp.profile, this.#router.timing),
      ...(of.delayOpenSeconds !== undefined && { delayOpenTimeSeconds: of.delayOpenSeconds }),
      ...advertisementInterval(of, this.#router.timing),
      idleHold: idleHold(this.#router.timing),
      families: active.map((family) => families[familyName(family)]),
      exportPolicy: [
        ...summarized(bgp),
        ...ofFamilies(active, (family) => this.#exportPolicy(of.families[family], needsOne)),
      ],
      importPolicy: importPolicyOf(active, (family) =>
        this.#importPolicy(of.families[family], needsOne),
      ),
      sendsBack: true,
      reflectsWithMed: true,
      reflectsUnchanged: true,
      prependsInternally: true,
      keepsBlackholes: true,
      // By itself FRR offers it only to neighbors that are named by their interface.
      ...(!of.isInterface && of.extendedNextHop !== true && { extendedNextHop: false }),
      ...(of.localAs && { localAs: of.localAs }),
      ...(of.password !== undefined && { password: of.password }),
      ...ttlOf(of, isInternalNeighbor(bgp, of)),
      gracefulRestart: {
        restartTimeSeconds: bgp.gracefulRestartSeconds,
        ...(!bgp.gracefulRestart && { helperOnly: true }),
        hardAdministrativeReset: true,
      },
      ...(first.routeReflectorClient === true && { routeReflectorClient: true }),
      ...wayOut(first),
      ...this.#defaultOriginate(of, active),
      ...(first.allowAsIn !== undefined && { allowAsIn: first.allowAsIn }),
      ...(of.bfd !== undefined && this.#router.hasBfd && { bfd: this.#bfd(of.bfd, of) }),
      ...maximumPrefix(of, active),
      ...(of.shutdown && {
        shutdown: of.shutdown.message === undefined ? {} : { communication: of.shutdown.message },
      }),
      ...(first.addPathTxAll === true && { addPath: { send: "all" as const } }),
    };
  }

  /** A profile counts before what is written for the neighbor itself, as FRR 8.4 shows its timers. */
  #bfd(own: BfdConfig, { bfdProfile }: Neighbor): BfdConfig {
    const profile = bfdProfile === undefined ? undefined : this.#config.bfdProfiles.get(bfdProfile);
    return { ...own, ...profile };
  }

  /** Spinelab's speaker has one policy for all families of a peer. */
  #sameInAll(id: string, of: Neighbor, active: readonly FrrFamily[]): void {
    if (active.length < 2) return;
    const shared = (family: FrrFamily) => {
      const settings = { ...of.families[family] };
      for (const key of keptByFamily) delete settings[key];
      return JSON.stringify(settings);
    };
    if (shared("ipv4") !== shared("ipv6")) {
      this.#problem(`neighbor ${id}: IPv4 and IPv6 are configured differently`);
    }
  }

  #defaultOriginate(
    of: Neighbor,
    active: readonly FrrFamily[],
  ): Pick<PeerTemplate, "defaultOriginate" | "defaultOriginateIf"> {
    const names = active.filter((family) => of.families[family].defaultOriginate !== undefined);
    if (names.length === 0) return {};
    const conditions = names.flatMap((family) => {
      const map = of.families[family].defaultOriginate?.routeMap;
      return map === undefined ? [] : [[familyName(family), this.#policies.condition(map)]];
    });
    return {
      defaultOriginate: names.map(familyName),
      ...(conditions.length > 0 && { defaultOriginateIf: Object.fromEntries(conditions) }),
    };
  }

  #exportPolicy(of: NeighborFamily, needsOne: boolean): PolicyStatement[] {
    const isWritten = of.routeMapOut !== undefined || of.prefixListOut !== undefined;
    if (needsOne && !isWritten) return [];
    return this.#policies.statements(of, "out");
  }

  #importPolicy(of: NeighborFamily, needsOne: boolean): ImportPolicy {
    const isWritten = of.routeMapIn !== undefined || of.prefixListIn !== undefined;
    if (!isWritten) return needsOne ? [] : "accept";
    return this.#policies.statements(of, "in");
  }

  /** As bgp_nexthop_set has it: of the interface that the peer is on, else the router id. */
  #ipv4NextHop(peer: Address): Address {
    const on = [...this.#router.node.interfaces.values()].find(({ addresses }) =>
      addresses.some((one) => prefixContains(prefixOf(one.address, one.prefixLength), peer)),
    );
    const own = on?.addresses.find((one) => familyOf(one.address) === "ipv4")?.address;
    return own ?? this.#config.bgp.routerId ?? defaultRouterId(this.#router.node);
  }

  /** An address, or the first of the interface. */
  #source(written: string, to: Address | undefined): Address | undefined {
    const at = parseAddress(written);
    if (at !== undefined) return at;
    const family = to === undefined ? "ipv4" : familyOf(to);
    return this.#router.node.interfaces
      .get(written)
      ?.addresses.find((one) => familyOf(one.address) === family && !one.address.startsWith("127."))
      ?.address;
  }
}

/** Of `traditional`: BGP_DEFAULT_CONNECT_RETRY, which nobody waits for to measure it. */
function connectSeconds(profile: FrrConfig["profile"], { connectRetryMs }: FrrTiming): number {
  return profile === "traditional" ? 120 : connectRetryMs / 1000;
}

/** 0 is none. */
function advertisementInterval(
  { advertisementSeconds }: Neighbor,
  { advertisementIntervalMs }: FrrTiming,
): Pick<PeerTemplate, "advertisementIntervalSeconds"> {
  const seconds = advertisementSeconds ?? advertisementIntervalMs / 1000;
  return seconds === 0 ? {} : { advertisementIntervalSeconds: seconds };
}

function idleHold({ startMs, idleHoldMs }: FrrTiming) {
  return { startSeconds: startMs / 1000, endedSeconds: idleHoldMs / 1000 };
}

function familyName(family: FrrFamily): FamilyName {
  return `${family}/unicast`;
}

function ttlOf(of: Neighbor, isInternal: boolean): Pick<PeerTemplate, "ttl" | "ttlSecurityHops"> {
  if (of.ttlSecurityHops !== undefined) return { ttlSecurityHops: of.ttlSecurityHops };
  return { ttl: isInternal ? 255 : (of.ebgpMultihop ?? 1) };
}

/** How routes go out, beside policies. */
function wayOut({ nextHopSelf, nextHopSelfForce, ...of }: NeighborFamily) {
  const form = removePrivateForms.findLast((one) => of.removePrivateAs?.[one]);
  return {
    ...(nextHopSelf && { nextHopSelf }),
    ...(nextHopSelfForce && { nextHopSelf: "force" as const }),
    ...(form !== undefined && {
      removePrivateAs: {
        ...(form.startsWith("all") && { all: true as const }),
        ...(form.endsWith("replace-AS") && { replaceAs: true as const }),
      },
    }),
    ...(of.asOverride && { asOverride: true }),
  };
}

function maximumPrefix(
  of: Neighbor,
  active: readonly FrrFamily[],
): Pick<PeerTemplate, "maximumPrefix"> {
  const limits = active.flatMap((family) => {
    const limit = of.families[family].maximumPrefix;
    if (limit === undefined) return [];
    return [
      [
        familyName(family),
        {
          count: limit.count,
          warningThresholdPercent: limit.thresholdPercent,
          action: limit.warningOnly ? ("warn" as const) : ("teardown" as const),
          ...(limit.restartMinutes !== undefined && {
            restartTimeSeconds: 60 * limit.restartMinutes,
          }),
        },
      ],
    ];
  });
  return limits.length === 0 ? {} : { maximumPrefix: Object.fromEntries(limits) };
}
