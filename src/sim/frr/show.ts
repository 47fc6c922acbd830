import { formatAsPath, formatCommunity } from "../../observe/speaker.ts";
import type { FrrRouter } from "./router.ts";
import { neighborsJson, stateText } from "./show-neighbors.ts";
import { gracefulRestartText } from "./show-graceful-restart.ts";
import { runningConfig } from "./running-config.ts";
import { selectionReason } from "./selection-reason.ts";
import { bfdText, prefixText, summaryText, tableText } from "./show-text.ts";
import { type ShownRoute, shownRoutes } from "./shown-routes.ts";

/** What bgpd prints to a `show` command; undefined: one that is not simulated. */
export function show(router: FrrRouter, command: string, nowMs: number): string | undefined {
  if (command === "show running-config") return runningConfig(router.config);
  if (command === "show bfd peers brief") return bfdText(router);
  if (command === "show bgp summary") return summariesText(router, nowMs);
  if (command === "show bgp summary json") {
    return JSON.stringify({
      ipv4Unicast: summary(router, "ipv4", nowMs),
      ipv6Unicast: summary(router, "ipv6", nowMs),
    });
  }
  if (command === "show bgp neighbors json") return JSON.stringify(neighborsJson(router, nowMs));
  const restarting = showGracefulRestart.exec(command)?.groups?.["peer"];
  if (restarting !== undefined) return gracefulRestartText(router, restarting, nowMs);
  const parsed = showBgp.exec(command)?.groups;
  if (parsed === undefined) return undefined;
  const family = parsed["family"] as "ipv4" | "ipv6";
  const { what, json } = parsed;
  if (what !== undefined && what !== "summary" && !what.includes("/")) return undefined;
  if (json === undefined) return showText(router, family, what, nowMs);
  return JSON.stringify(
    what === "summary"
      ? summary(router, family, nowMs)
      : what === undefined
        ? table(router, family)
        : pathsTo(router, what),
  );
}

const showGracefulRestart =
  /^show (?:ip )?bgp (?:ipv4|ipv6)(?: unicast)? neighbors (?<peer>\S+) graceful-restart$/;
const showBgp =
  /^show (?:ip )?bgp (?<family>ipv4|ipv6)(?: unicast)?(?: (?<what>summary|[\d.:a-f]+\/\d+))?(?: wide)?(?<json> json)?$/;

/** Of each family that a neighbor has. */
function summariesText(router: FrrRouter, nowMs: number): string {
  if (router.host === undefined) return "% BGP instance not found\n";
  const families = (["ipv4", "ipv6"] as const).filter(
    (family) => Object.keys(summary(router, family, nowMs).peers).length > 0,
  );
  const texts = families.map((family) => showText(router, family, "summary", nowMs));
  return texts.length === 0 ? "% No BGP neighbors found\n" : texts.join("\n");
}

function showText(
  router: FrrRouter,
  family: "ipv4" | "ipv6",
  what: string | undefined,
  nowMs: number,
): string {
  if (router.host === undefined) return "% BGP instance not found\n";
  if (what === "summary") return summaryText(router, family, summary(router, family, nowMs));
  return what === undefined ? tableText(router, family) : prefixText(router, what);
}

function table(router: FrrRouter, family: "ipv4" | "ipv6"): object {
  const routes = shownRoutes(router).filter((route) => route.family.afi === family);
  const byPrefix = Object.entries(Object.groupBy(routes, (route) => route.prefix));
  const shown = byPrefix.map(([of, paths]) => [
    of,
    paths!.map((route) => tablePath(router, route, paths!.length)),
  ]);
  return { routes: Object.fromEntries(shown) as object };
}

function pathsTo(router: FrrRouter, prefix: string): object {
  const paths = shownRoutes(router).filter((route) => route.prefix === prefix);
  if (paths.length === 0) return {};
  return { prefix, paths: paths.map((one) => prefixPath(router, one, paths.length)) };
}

function summary(router: FrrRouter, family: "ipv4" | "ipv6", nowMs: number) {
  const { host, config } = router;
  const received = Map.groupBy(shownRoutes(router), ({ peer }) => peer);
  const countOf = (peer: string) =>
    (received.get(peer) ?? []).filter((route) => route.family.afi === family).length;
  const peers = (host?.speaker.peers(nowMs) ?? []).flatMap((peer) => {
    const counts = peer.families.find((of) => of.family.afi === family);
    if (counts === undefined) return [];
    const known = {
      ...(peer.hostname !== undefined && { hostname: peer.hostname }),
      ...{ remoteAs: peer.asn, localAs: peer.localAsn, state: stateText(router, peer) },
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
  const local = route.family.afi === "ipv4" ? "0.0.0.0" : "::";
  return {
    valid: route.valid,
    origin: { igp: "IGP", egp: "EGP", incomplete: "incomplete" }[attributes.origin],
    nexthops: [{ ip: route.nextHop ?? local, used: true }],
    ...(attributes.med !== undefined && { metric: attributes.med }),
    ...(attributes.localPref !== undefined && { locPrf: attributes.localPref }),
    ...(route.multipath === true && { multipath: true }),
    ...(route.stale && { stale: true }),
  };
}

function tablePath(router: FrrRouter, route: ShownRoute, pathCount: number): object {
  return {
    ...common(route),
    network: route.prefix,
    peerId: route.peerAddress ?? "(unspec)",
    path: formatAsPath(route.attributes.asPath),
    ...(route.best && {
      bestpath: true,
      selectionReason: selectionReason(router, route.prefix, pathCount),
    }),
  };
}

function prefixPath(router: FrrRouter, route: ShownRoute, pathCount: number): object {
  const { attributes } = route;
  const peer = router.host?.speaker.config.peers.find(({ name }) => name === route.peer);
  const status = router.host?.speaker.peers(0).find(({ name }) => name === route.peer);
  const asPath = formatAsPath(attributes.asPath);
  const { communities = [], largeCommunities = [] } = attributes;
  return {
    ...common(route),
    aspath: { string: asPath === "" ? "Local" : asPath },
    ...(route.best && {
      bestpath: {
        overall: true,
        selectionReason: selectionReason(router, route.prefix, pathCount),
      },
    }),
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
