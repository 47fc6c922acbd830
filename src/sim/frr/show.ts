import type { AvailableRoute } from "../../bgp/speaker/views.ts";
import { formatAsPath, formatCommunity } from "../../observe/speaker.ts";
import type { FrrRouter } from "./router.ts";
import { runningConfig } from "./running-config.ts";

/** What bgpd prints to a `show` command; undefined: one that is not simulated. */
export function show(router: FrrRouter, command: string, nowMs: number): string | undefined {
  if (command === "show running-config") return runningConfig(router.config);
  const shown = showBgp(router, command, nowMs);
  return shown && JSON.stringify(shown);
}

function showBgp(router: FrrRouter, command: string, nowMs: number): object | undefined {
  if (command === "show bgp summary json") {
    return {
      ipv4Unicast: summary(router, "ipv4", nowMs),
      ipv6Unicast: summary(router, "ipv6", nowMs),
    };
  }
  const [, family, prefix] = /^show bgp (ipv4|ipv6) unicast(?: (\S+))? json$/.exec(command) ?? [];
  if (family !== "ipv4" && family !== "ipv6") return undefined;
  if (prefix === "summary") return summary(router, family, nowMs);
  const routes = shownRoutes(router).filter((route) => route.family.afi === family);
  if (prefix !== undefined) {
    const paths = routes.filter((route) => route.prefix === prefix);
    return paths.length === 0 ? {} : { prefix, paths: paths.map((one) => prefixPath(router, one)) };
  }
  const byPrefix = Object.groupBy(routes, (route) => route.prefix);
  return {
    routes: Object.fromEntries(
      Object.entries(byPrefix).map(([of, paths]) => [of, paths!.map(tablePath)]),
    ),
  };
}

type ShownRoute = AvailableRoute & { stale: boolean; valid: boolean };

/** What was chosen from, and what has a next hop that nothing reaches: bgpd shows that as not valid. */
function shownRoutes({ host }: FrrRouter): ShownRoute[] {
  const received = host?.speaker.routesReceived() ?? [];
  const keyOf = ({ prefix, peer = "" }: { prefix: string; peer?: string }) => `${prefix} ${peer}`;
  const stale = new Set(received.filter((route) => route.stale).map(keyOf));
  const available = host?.speaker.routesAvailable() ?? [];
  const chosenFrom = new Set(available.map(keyOf));
  const unreachable = received.filter(
    (route) => route.notUsed?.startsWith("its next hop") === true && !chosenFrom.has(keyOf(route)),
  );
  return [
    ...available.map((route) => ({ ...route, valid: true, stale: stale.has(keyOf(route)) })),
    ...unreachable.map((route) => ({ ...route, valid: false })),
  ];
}

function summary(router: FrrRouter, family: "ipv4" | "ipv6", nowMs: number): object {
  const { host, config } = router;
  const received = Map.groupBy(shownRoutes(router), ({ peer }) => peer);
  const countOf = (peer: string) =>
    (received.get(peer) ?? []).filter((route) => route.family.afi === family).length;
  const peers = (host?.speaker.peers(nowMs) ?? []).flatMap((peer) => {
    const counts = peer.families.find((of) => of.family.afi === family);
    if (counts === undefined) return [];
    const known = {
      ...(peer.hostname !== undefined && { hostname: peer.hostname }),
      ...{ remoteAs: peer.asn, localAs: peer.localAsn, state: peer.state },
      ...{ pfxRcd: countOf(peer.name), pfxSnt: counts.advertised },
      ...(peer.uptimeMs !== undefined && { peerUptimeMsec: Math.round(peer.uptimeMs) }),
    };
    return [[peer.name, known] as const];
  });
  return {
    as: config.bgp?.asn,
    tableVersion: router.tableVersion,
    peers: Object.fromEntries(peers),
  };
}

function common(route: ShownRoute) {
  const { attributes } = route;
  const isOwn = route.peer === undefined;
  const local = route.family.afi === "ipv4" ? "0.0.0.0" : "::";
  return {
    valid: route.valid,
    origin: { igp: "IGP", egp: "EGP", incomplete: "incomplete" }[attributes.origin],
    nexthops: [{ ip: isOwn ? local : route.nextHop, used: true }],
    ...(attributes.med !== undefined && { metric: attributes.med }),
    ...(attributes.localPref !== undefined && { locPrf: attributes.localPref }),
    ...(route.multipath === true && { multipath: true }),
    ...(route.stale && { stale: true }),
  };
}

function tablePath(route: ShownRoute): object {
  return {
    ...common(route),
    network: route.prefix,
    peerId: route.peerAddress ?? "(unspec)",
    path: formatAsPath(route.attributes.asPath),
    ...(route.best && { bestpath: true }),
  };
}

function prefixPath(router: FrrRouter, route: ShownRoute): object {
  const { attributes } = route;
  const peer = router.host?.speaker.config.peers.find(({ name }) => name === route.peer);
  const status = router.host?.speaker.peers(0).find(({ name }) => name === route.peer);
  const asPath = formatAsPath(attributes.asPath);
  const { communities = [], largeCommunities = [] } = attributes;
  return {
    ...common(route),
    aspath: { string: asPath === "" ? "Local" : asPath },
    ...(route.best && { bestpath: { overall: true } }),
    ...(communities.length > 0 && {
      community: { string: communities.map(formatCommunity).join(" ") },
    }),
    ...(largeCommunities.length > 0 && {
      largeCommunity: { string: largeCommunities.map((one) => one.join(":")).join(" ") },
    }),
    peer: {
      ...(route.peerAddress !== undefined && { peerId: route.peerAddress }),
      ...(status?.hostname !== undefined && { hostname: status.hostname }),
      ...(peer?.interface !== undefined && { interface: peer.interface }),
    },
  };
}
