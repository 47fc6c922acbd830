// What Cilium's agent says of its BGP in its API, as `cilium bgp … -o json` prints it: models BgpPeer, BgpRoute and
// BgpRoutePolicy of api/v1. They have Go's names and order of fields, and its `omitempty`: what is zero, false or
// empty is left out, but for lists, which are null where nobody made one.
import type { PolicyStatement, SpeakerConfig } from "../bgp/speaker/config.ts";
import type { PeerDetails, PeerPolicies, PeerStatus, RouteView } from "../bgp/speaker/views.ts";
import { ByteWriter } from "../bgp/wire/bytes.ts";
import { encodeCapability } from "../bgp/wire/capability.ts";
import type { AfiSafi, Capability } from "../bgp/wire/message.ts";
import { AttributeCode } from "../bgp/wire/registry.ts";
import { routeOctets } from "../bgp/wire/route-octets.ts";
import { communityName } from "../cilium/communities.ts";
import { peerDefaults } from "../cilium/peer-defaults.ts";
import { peeringStates } from "../cilium/status.ts";
import type { Address } from "../net/address.ts";
import { type Prefix, prefixFamily, prefixLength } from "../net/prefix.ts";

/** A session: Cilium's BgpPeer. */
export type BgpPeer = Partial<{
  "applied-hold-time-seconds": number;
  "applied-keep-alive-time-seconds": number;
  "configured-hold-time-seconds": number;
  "configured-keep-alive-time-seconds": number;
  "connect-retry-time-seconds": number;
  "ebgp-multihop-ttl": number;
  "local-asn": number;
  name: string;
  "peer-address": string;
  "peer-asn": number;
  "peer-port": number;
  "session-state": string;
  "tcp-password-enabled": boolean;
  "uptime-nanoseconds": number;
}> & {
  families: Partial<AfiSafi & { accepted: number; advertised: number; received: number }>[];
  "graceful-restart": { enabled?: boolean; "restart-time-seconds"?: number };
  /** Each in base64 as it is in an OPEN. */
  "local-capabilities": { capabilities: string }[];
  "remote-capabilities": { capabilities: string }[];
};

/** Every path to one prefix: Cilium's BgpRoute. */
export type BgpRoute = {
  /** Address of the peer, of routes advertised and received. */
  neighbor?: string;
  paths: BgpPath[];
  prefix: Prefix;
  "router-asn": number;
};

export type BgpPath = {
  "age-nanoseconds"?: number;
  best?: boolean;
  family: AfiSafi;
  nlri: { base64: string };
  "path-attributes": { base64: string }[];
  stale?: boolean;
};

export type BgpRoutePolicy = {
  name: string;
  "router-asn": number;
  statements: BgpRoutePolicyStatement[];
  type: "export" | "import";
};

export type BgpRoutePolicyStatement = {
  "add-communities": string[] | null;
  "add-large-communities": string[] | null;
  "match-families": AfiSafi[] | null;
  "match-neighbors"?: { neighbors: string[]; type: "any" };
  "match-prefixes"?: {
    prefixes: { cidr: Prefix; "prefix-len-max"?: number; "prefix-len-min"?: number }[];
    type: "any";
  };
  "route-action": PolicyStatement["action"];
  /** -1: it is left as it is. */
  "set-local-preference"?: number;
};

export function bgpPeer({ status, config, capabilities }: PeerDetails): BgpPeer {
  const { gracefulRestart } = config;
  return {
    ...present({
      "applied-hold-time-seconds": status.appliedHoldTimeSeconds,
      "applied-keep-alive-time-seconds": status.appliedKeepaliveSeconds,
      "configured-hold-time-seconds": config.holdTimeSeconds,
      "configured-keep-alive-time-seconds": config.keepaliveTimeSeconds,
      "connect-retry-time-seconds": config.connectRetryTimeSeconds,
      "ebgp-multihop-ttl": config.ttl ?? peerDefaults.ebgpMultihop,
    }),
    families: status.families.map(({ family, accepted, advertised, received }) => ({
      ...present({ accepted, advertised }),
      afi: family.afi,
      ...present({ received }),
      safi: family.safi,
    })),
    "graceful-restart":
      gracefulRestart === undefined
        ? {}
        : { enabled: true, "restart-time-seconds": gracefulRestart.restartTimeSeconds },
    ...present({ "local-asn": status.localAsn }),
    "local-capabilities": capabilities.own.map(inBase64),
    ...present({
      name: status.name,
      "peer-address": peerAddress(status),
      "peer-asn": status.asn,
      "peer-port": status.port,
    }),
    "remote-capabilities": capabilities.peer.map(inBase64),
    ...present({
      "session-state": peeringStates[status.state],
      "tcp-password-enabled": config.password !== undefined,
      "uptime-nanoseconds": Math.round((status.uptimeMs ?? 0) * 1e6),
    }),
  };
}

/** A link-local address with its zone; the link alone where it is not known yet who is there. */
export function peerAddress({ address, interface: link }: PeerStatus): string {
  if (link === undefined) return address;
  return address === "::" ? link : `${address}%${link}`;
}

function inBase64(capability: Capability): { capabilities: string } {
  const writer = new ByteWriter();
  encodeCapability(writer, capability);
  return { capabilities: base64(writer.finish()) };
}

type Route = RouteView & {
  peerAddress?: Address;
  best?: boolean;
  stale?: boolean;
  /** Since when it is there, of own prefixes. */
  ageMs?: number;
};

/** Paths by neighbor and prefix, in the order of the routes. */
export function bgpRoutes(
  routes: readonly Route[],
  { localAsn, ofPeers }: { localAsn: number; ofPeers: boolean },
): BgpRoute[] {
  const byPrefix = new Map<string, BgpRoute>();
  for (const route of routes) {
    const neighbor = ofPeers ? route.peerAddress : undefined;
    const key = `${neighbor} ${route.prefix}`;
    let of = byPrefix.get(key);
    if (of === undefined) {
      const { prefix } = route;
      of = { ...present({ neighbor }), paths: [], prefix, "router-asn": localAsn };
      byPrefix.set(key, of);
    }
    of.paths.push(bgpPath(route, ofPeers));
  }
  return [...byPrefix.values()];
}

function bgpPath(route: Route, ofPeers: boolean): BgpPath {
  const unspecified = (prefixFamily(route.prefix) === "ipv6" ? "::" : "0.0.0.0") as Address;
  const { nlri, attributes } = routeOctets(route, route.nextHop ?? unspecified);
  // An own prefix gets its AS_PATH, be it an empty one, when it is sent.
  const isUnsent = route.nextHop === undefined;
  const shown = attributes.filter(({ code }) => !isUnsent || code !== AttributeCode.asPath);
  return {
    ...present({
      "age-nanoseconds": Math.round((route.ageMs ?? 0) * 1e6),
      // Only a loc-rib has a best path.
      best: !ofPeers && route.best,
    }),
    family: route.family,
    nlri: { base64: base64(nlri) },
    "path-attributes": shown.map(({ octets }) => ({ base64: base64(octets) })),
    ...present({ stale: route.stale }),
  };
}

/** As Cilium has its routers say it: what comes from peers is not used, but for the own prefixes. */
const allowLocal = { name: "allow-local", type: "import" } as const;

/** A peer that may have nothing has no policy: what no policy lets out stays. */
export function bgpRoutePolicies(
  peers: readonly PeerPolicies[],
  { localAsn }: Pick<SpeakerConfig, "localAsn">,
): BgpRoutePolicy[] {
  const policy = (
    of: Pick<BgpRoutePolicy, "name" | "type">,
    statements: BgpRoutePolicyStatement[],
  ): BgpRoutePolicy => ({ name: of.name, "router-asn": localAsn, statements, type: of.type });
  const usesNothing = peers.every(({ importPolicy }) => importPolicy === "reject");
  return [
    ...(usesNothing ? [policy(allowLocal, [statementModel({ action: "accept" })])] : []),
    ...peers.flatMap(({ peer, peerAddress: neighbor, exportPolicy, importPolicy }) =>
      (
        [
          ["export", exportPolicy],
          ["import", typeof importPolicy === "string" ? [] : importPolicy],
        ] as const
      ).flatMap(([type, statements]) =>
        statements.length === 0
          ? []
          : [
              policy(
                { name: `peer-${peer}-${type}`, type },
                statements.map((statement) => statementModel(statement, neighbor)),
              ),
            ],
      ),
    ),
  ];
}

function statementModel(
  { prefixes, match, action, set = {} }: Omit<PolicyStatement, "name">,
  neighbor?: Address,
): BgpRoutePolicyStatement {
  const { communities, largeCommunities, localPref } = set;
  const ranges = [
    ...(prefixes ?? []).map((prefix) => ({ prefix })),
    ...(match?.prefixRanges ?? []),
  ];
  return {
    "add-communities": communities?.map(communityName) ?? null,
    "add-large-communities": largeCommunities?.map((parts) => parts.join(":")) ?? null,
    "match-families": null,
    ...(neighbor !== undefined && {
      "match-neighbors": { neighbors: [neighbor], type: "any" as const },
    }),
    ...(ranges.length > 0 && {
      "match-prefixes": { prefixes: ranges.map(prefixModel), type: "any" as const },
    }),
    "route-action": action,
    ...present({ "set-local-preference": localPref ?? -1 }),
  };
}

function prefixModel(range: { prefix: Prefix; minLength?: number; maxLength?: number }) {
  const { prefix, minLength, maxLength } = range;
  const length = prefixLength(prefix);
  return {
    cidr: prefix,
    ...present({ "prefix-len-max": maxLength ?? length, "prefix-len-min": minLength ?? length }),
  };
}

/** Go's `omitempty`. */
function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const kept = Object.entries(fields).filter(([, value]) => Boolean(value));
  return Object.fromEntries(kept) as { [K in keyof T]?: NonNullable<T[K]> };
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString("base64");
}
