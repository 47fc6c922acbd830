import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "../rib/policy.ts";
import { families, type FamilyName, familyName } from "../rib/family.ts";
import type { LocRib } from "../rib/loc-rib.ts";
import { type AttributeSet, isSamePath, type Path } from "../rib/path.ts";
import type { Negotiated, SessionState } from "../session/io.ts";
import type { AfiSafi, Capability, PathAttributes } from "../wire/message.ts";
import type { BfdStatus } from "./bfd-sessions.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";
import { sessionAsn } from "./session-view.ts";

/** One peer for status, metrics and `bgp peers`. */
export type PeerStatus = {
  name: string;
  /** `::` where it is not known yet. */
  address: Address;
  /** TCP port that it is called on. */
  port: number;
  /** Of a peer with a link-local address. */
  interface?: string;
  /** The listen range that let the peer in; undefined: configured by itself. */
  listenRange?: Prefix;
  /** Of the peer's OPEN while Established, else as configured (0: any). */
  asn: number;
  localAsn: number;
  state: SessionState;
  /** The rest of the time fields while Established only. */
  uptimeMs?: number;
  /** On the clock that the speaker is given. */
  establishedAtMs?: number;
  appliedHoldTimeSeconds?: number;
  appliedKeepaliveSeconds?: number;
  /** The configured ones, as in Cilium: with zeros where the peer does not have the family, and without a session. */
  families: FamilyCounts[];
  /** UPDATE messages so far, over all sessions with the peer. */
  updates: { received: number; sent: number };
  /** Why the last session ended: `hold timer expired`. */
  lastDown?: string;
  /** Why the last attempt failed, or why there is none, while there is no session. */
  lastError?: string;
  /** The peer's FQDN capability. */
  hostname?: string;
  gracefulRestart?: NonNullable<Negotiated["gracefulRestart"]>;
  /** Where the peer is configured to have a session. */
  bfd?: BfdStatus;
};

/** What more there is to say of a peer. */
export type PeerDetails = {
  status: PeerStatus;
  config: PeerConfig;
  /** What either side's OPEN says: ours as it would be while there is no session, the peer's only while there is. */
  capabilities: { own: readonly Capability[]; peer: readonly Capability[] };
};

export type FamilyCounts = {
  family: AfiSafi;
  /** Routes in adj-rib-in, stale ones included. */
  received: number;
  /** Of these, the routes the decision process looks at: none where the import policy rejects. */
  accepted: number;
  /** Routes in adj-rib-out. */
  advertised: number;
  /** Routes announced so far, over all sessions with the peer, each as often as it was. */
  announced: number;
};

/** Attributes as they were received or sent. */
export type RouteView = {
  family: AfiSafi;
  prefix: Prefix;
  /** Where the session numbers the paths (RFC 7911). */
  pathId?: number;
  /** Undefined for prefixes originated here. */
  nextHop?: Address;
  attributes: Readonly<PathAttributes>;
};

export type ReceivedRoute = RouteView & {
  peer: string;
  peerAddress: Address;
  best: boolean;
  /** One of several that are used at once, the best among them (`maximumPaths`). */
  multipath?: true;
  stale: boolean;
  /** Why the decision process does not look at it. */
  notUsed?: string;
};

export type AdvertisedRoute = RouteView & { peer: string; peerAddress: Address };

export type AvailableRoute = RouteView & {
  /** Undefined: originated here. */
  peer?: string;
  peerAddress?: Address;
  best: boolean;
  /** One of several that are used at once, the best among them (`maximumPaths`). */
  multipath?: true;
};

export type PeerPolicies = {
  peer: string;
  peerAddress: Address;
  importPolicy: PeerConfig["importPolicy"];
  exportPolicy: readonly PolicyStatement[];
};

export function peerStatus(peer: Peer, speaker: SpeakerConfig, nowMs: number): PeerStatus {
  const { config, session, established, lastDown } = peer;
  const status = {
    name: config.name,
    address: config.address,
    port: config.port,
    ...(config.interface !== undefined && { interface: config.interface }),
    localAsn: sessionAsn(config, speaker),
    state: session.state,
    families: familyCounts(peer),
    updates: { ...peer.updates },
    ...(lastDown !== undefined && { lastDown }),
  };
  if (established === undefined) {
    const lastError = peer.heldDown ?? session.lastError;
    return { ...status, asn: asnOf(config), ...(lastError !== undefined && { lastError }) };
  }
  const { negotiated, sinceMs } = established;
  const { hostname, gracefulRestart } = negotiated;
  return {
    ...status,
    asn: negotiated.peerAsn,
    uptimeMs: nowMs - sinceMs,
    establishedAtMs: sinceMs,
    appliedHoldTimeSeconds: negotiated.holdTimeSeconds,
    appliedKeepaliveSeconds: negotiated.keepaliveTimeSeconds,
    ...(hostname !== undefined && { hostname }),
    ...(gracefulRestart !== undefined && { gracefulRestart }),
  };
}

/** 0: any. */
function asnOf({ asn }: PeerConfig): number {
  return typeof asn === "number" ? asn : 0;
}

function familyCounts(peer: Peer): FamilyCounts[] {
  const { config, established, inbound } = peer;
  return config.families.map((family) => {
    const name = familyName(family);
    return {
      family,
      received: inbound.tables().get(name)?.size ?? 0,
      accepted: inbound.accepted(name),
      advertised: established?.outbound.advertised(name) ?? 0,
      announced: peer.announced(name),
    };
  });
}

export function receivedRoutes({ config, inbound }: Peer, ribs: Ribs): ReceivedRoute[] {
  return [...inbound.tables()].flatMap(([name, table]) =>
    table.entries().map(({ prefix, path, isStale }) => {
      const imported = inbound.imported(prefix, path);
      const used = ribs.loc[name].used(prefix);
      return {
        peer: config.name,
        peerAddress: config.address,
        ...routeView(families[name], prefix, path.pathId, path.set),
        ...("path" in imported ? choice(imported.path, used) : { best: false }),
        stale: isStale,
        ...("rejected" in imported && { notUsed: imported.rejected }),
      };
    }),
  );
}

export function advertisedRoutes({ config, established }: Peer): AdvertisedRoute[] {
  const { outbound } = established ?? {};
  return [...(outbound?.families() ?? [])].flatMap((name) =>
    outbound!.routes(name).map(({ prefix, pathId, set }) => ({
      peer: config.name,
      peerAddress: config.address,
      ...routeView(families[name], prefix, pathId, set),
    })),
  );
}

export function availableRoutes(ribs: Ribs): AvailableRoute[] {
  const routes: AvailableRoute[] = [];
  for (const [name, loc] of Object.entries(ribs.loc) as [FamilyName, LocRib][]) {
    for (const prefix of loc.prefixes()) {
      const used = loc.used(prefix);
      for (const path of loc.candidates(prefix)) {
        routes.push(availableRoute(families[name], prefix, path, used));
      }
    }
  }
  return routes;
}

/** `used`: of the prefix, the best first. */
export function availableRoute(
  family: AfiSafi,
  prefix: Prefix,
  path: Path,
  used: readonly Path[],
): AvailableRoute {
  return {
    ...sourceView(path),
    ...routeView(family, prefix, path.pathId, path.set),
    ...choice(path, used),
  };
}

function choice(path: Path, used: readonly Path[]): { best: boolean; multipath?: true } {
  const at = used.findIndex((one) => isSamePath(one, path));
  const best = at === 0;
  return used.length > 1 && at >= 0 ? { best, multipath: true } : { best };
}

export function peerPolicies({ config }: Peer): PeerPolicies {
  const { name, address, importPolicy, exportPolicy } = config;
  return { peer: name, peerAddress: address, importPolicy, exportPolicy };
}

function sourceView({ source }: Path): { peer?: string; peerAddress?: Address } {
  return source.kind === "own" ? {} : { peer: source.peer, peerAddress: source.address };
}

export function routeView(
  family: AfiSafi,
  prefix: Prefix,
  pathId: number | undefined,
  set: AttributeSet,
): RouteView {
  const { nextHop, attributes } = set;
  return {
    family,
    prefix,
    ...(pathId !== undefined && { pathId }),
    ...(nextHop !== undefined && { nextHop }),
    attributes,
  };
}
