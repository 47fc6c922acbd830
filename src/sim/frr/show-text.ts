import type { Address } from "../../net/address.ts";
import { formatAsPath, formatCommunity } from "../../observe/speaker.ts";
import { unixMsAtZero } from "../virtual-clock.ts";
import type { FrrRouter } from "./router.ts";
import { selectionReason } from "./selection-reason.ts";
import { type ShownRoute, shownRoutes } from "./shown-routes.ts";

/** Of `show bgp ipv4 unicast`. */
export function tableText(router: FrrRouter, family: "ipv4" | "ipv6"): string {
  const routes = shownRoutes(router).filter((route) => route.family.afi === family);
  if (routes.length === 0) return "No BGP prefixes displayed, 0 exist\n";
  const { config } = router.host!.speaker;
  const byPrefix = Object.groupBy(routes, (route) => route.prefix);
  const lines = Object.values(byPrefix).flatMap((paths) =>
    bestFirst(paths!).map((route, i) => tableLine(router, route, i === 0)),
  );
  const prefixes = Object.keys(byPrefix).length;
  return [
    `BGP table version is ${router.tableVersion}, local router ID is ${config.routerId}, vrf id 0`,
    `Default local pref 100, local AS ${config.localAsn}`,
    "Status codes:  s suppressed, d damped, h history, * valid, > best, = multipath,",
    "               i internal, r RIB-failure, S Stale, R Removed",
    "Nexthop codes: @NNN nexthop's vrf id, < announce-nh-self",
    "Origin codes:  i - IGP, e - EGP, ? - incomplete",
    "RPKI validation codes: V valid, I invalid, N Not found",
    "",
    "   Network          Next Hop            Metric LocPrf Weight Path",
    ...lines,
    "",
    `Displayed  ${prefixes} routes and ${routes.length} total paths`,
    "",
  ].join("\n");
}

function bestFirst(paths: readonly ShownRoute[]): ShownRoute[] {
  return paths.toSorted((a, b) => Number(b.best) - Number(a.best));
}

function tableLine(router: FrrRouter, route: ShownRoute, isFirst: boolean): string {
  const { attributes } = route;
  const chosen = route.best ? ">" : route.multipath === true ? "=" : " ";
  const status = `${route.stale ? "S" : " "}${route.valid ? "*" : " "}${chosen}${isInternal(router, route) ? "i" : " "}`;
  const number = (value: number | undefined, width: number) => `${value ?? ""}`.padStart(width);
  const origin = { igp: "i", egp: "e", incomplete: "?" }[attributes.origin];
  const asPath = formatAsPath(attributes.asPath);
  const weight = route.peer === undefined ? 32_768 : 0;
  return [
    `${status}${(isFirst ? route.prefix : "").padEnd(17)}`,
    `${nextHopText(router, route).padEnd(19)}`,
    `${number(attributes.med, 7)}${number(attributes.localPref, 7)}${number(weight, 7)}`,
    ` ${asPath === "" ? "" : `${asPath} `}${origin}`,
  ].join("");
}

/** Of `show bgp ipv4 unicast PREFIX`. */
export function prefixText(router: FrrRouter, prefix: string): string {
  const paths = bestFirst(shownRoutes(router).filter((route) => route.prefix === prefix));
  if (paths.length === 0) return "% Network not in table\n";
  const best = paths.findIndex((route) => route.best);
  const chosen = best < 0 ? "no best path" : `best #${best + 1}, table default`;
  return [
    `BGP routing table entry for ${prefix}, version ${router.tableVersion}`,
    `Paths: (${paths.length} available, ${chosen})`,
    advertisedText(router, prefix),
    ...paths.flatMap((route) => pathLines(router, route, paths.length)),
    "",
    "",
  ].join("\n");
}

function advertisedText(router: FrrRouter, prefix: string): string {
  const { speaker } = router.host!;
  const to = speaker.routesAdvertised().filter((route) => route.prefix === prefix);
  if (to.length === 0) return "  Not advertised to any peer";
  const names = to.map(({ peer }) => peerText(router, peer));
  return `  Advertised to non peer-group peers:\n  ${names.join(" ")}`;
}

function pathLines(router: FrrRouter, route: ShownRoute, pathCount: number): string[] {
  const { attributes, peer } = route;
  const asPath = formatAsPath(attributes.asPath);
  const origin = { igp: "IGP", egp: "EGP", incomplete: "incomplete" }[attributes.origin];
  const source =
    peer === undefined
      ? `${unspecified(route)} from ${unspecified(route)} (${router.host!.speaker.config.routerId})`
      : `${route.nextHop} from ${peerText(router, peer)} (${route.peerAddress})`;
  const words = [
    `Origin ${origin}`,
    ...(attributes.med === undefined ? [] : [`metric ${attributes.med}`]),
    ...(attributes.localPref === undefined ? [] : [`localpref ${attributes.localPref}`]),
    ...(peer === undefined ? ["weight 32768"] : []),
    ...(route.valid ? ["valid"] : []),
    peer === undefined ? "sourced" : isInternal(router, route) ? "internal" : "external",
    ...(route.multipath === true ? ["multipath"] : []),
    ...(route.best ? [`best (${selectionReason(router, route.prefix, pathCount)})`] : []),
  ];
  const { communities = [], largeCommunities = [], originatorId, clusterList = [] } = attributes;
  const reflected = [
    ...(originatorId === undefined ? [] : [`Originator: ${originatorId}`]),
    ...(clusterList.length === 0 ? [] : [`Cluster list: ${clusterList.join(" ")}`]),
  ];
  const indented = [
    words.join(", "),
    ...(communities.length === 0
      ? []
      : [`Community: ${communities.map(formatCommunity).join(" ")}`]),
    ...(largeCommunities.length === 0
      ? []
      : [`Large Community: ${largeCommunities.map((one) => one.join(":")).join(" ")}`]),
    ...(reflected.length === 0 ? [] : [reflected.join(", ")]),
  ];
  return [
    `  ${asPath === "" ? "Local" : asPath}`,
    `    ${source}`,
    ...indented.map((line) => `      ${line}`),
  ];
}

type SummaryPeer = {
  hostname?: string;
  remoteAs?: number;
  state?: string;
  pfxRcd?: number;
  pfxSnt?: number;
  peerUptimeMsec?: number;
};

/** Of `show bgp ipv4 summary [wide]`, without what nobody counts here: messages. */
export function summaryText(
  router: FrrRouter,
  family: "ipv4" | "ipv6",
  summary: { peers: Record<string, SummaryPeer> },
): string {
  const title = `${family === "ipv4" ? "IPv4" : "IPv6"} Unicast Summary (VRF default):`;
  const { config } = router;
  const peers = Object.entries(summary.peers);
  if (peers.length === 0) return "% No BGP neighbors found\n";
  return [
    title,
    `BGP router identifier ${router.host!.speaker.config.routerId}, local AS number ${config.bgp!.asn} vrf-id 0`,
    `BGP table version ${router.tableVersion}`,
    "",
    "Neighbor                    V         AS  Up/Down State/PfxRcd   PfxSnt",
    ...peers.map(([name, peer]) => {
      const isUp = peer.state === "Established";
      const label = peer.hostname === undefined ? name : `${peer.hostname}(${name})`;
      const upFor = isUp ? uptimeText(peer.peerUptimeMsec ?? 0) : "never";
      const state = isUp ? `${peer.pfxRcd}` : `${peer.state}`;
      const sent = `${isUp ? peer.pfxSnt : 0}`;
      return `${label.padEnd(27)} 4 ${`${peer.remoteAs}`.padStart(10)} ${upFor.padStart(8)} ${state.padStart(12)} ${sent.padStart(8)}`;
    }),
    "",
    `Total number of neighbors ${peers.length}`,
    "",
  ].join("\n");
}

/** Of `show bfd peers brief`. */
export function bfdText(router: FrrRouter): string {
  const peers = router.host?.speaker.peers(router.world.clock.nowMs) ?? [];
  const watched = peers.filter(({ bfd }) => bfd !== undefined);
  const columns = (cells: string[]) =>
    cells.map((cell, i) => cell.padEnd([11, 41, 41, 15][i]!)).join("");
  return [
    `Session count: ${watched.length}`,
    columns(["SessionId", "LocalAddress", "PeerAddress", "Status"]),
    columns(["=========", "============", "===========", "======"]),
    ...watched.map(({ bfd, address, interface: link }, i) => {
      const own = link === undefined ? "" : (router.node.interfaces.get(link)?.linkLocal ?? "");
      return columns([`${i + 1}`, own, address, bfd!.state.toLowerCase()]);
    }),
    "",
  ].join("\n");
}

function uptimeText(uptimeMs: number): string {
  return new Date(unixMsAtZero + uptimeMs).toISOString().slice(11, 19);
}

function isInternal(router: FrrRouter, route: ShownRoute): boolean {
  const { host } = router;
  const peer = host!.speaker.peers(0).find(({ name }) => name === route.peer);
  return peer !== undefined && peer.asn === peer.localAsn;
}

function unspecified(route: ShownRoute): Address | string {
  return route.family.afi === "ipv4" ? "0.0.0.0" : "::";
}

/** With the peer's host name, as the profile `datacenter` shows it. */
function peerText(router: FrrRouter, name: string): string {
  const peer = router.host!.speaker.peers(0).find((one) => one.name === name);
  return peer?.hostname === undefined ? name : `${peer.hostname}(${name})`;
}

function nextHopText(router: FrrRouter, route: ShownRoute): string {
  if (route.peer === undefined)
    return `${unspecified(route)}(${router.config.hostname ?? router.node.name})`;
  const peer = router.host!.speaker.config.peers.find(({ name }) => name === route.peer);
  return peer?.interface ?? `${route.nextHop}`;
}
