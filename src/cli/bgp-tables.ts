import type { AdvertisedRoute, AvailableRoute, PeerStatus } from "../bgp/speaker/views.ts";
import {
  type BgpRoutePolicy,
  type BgpRoutePolicyStatement,
  peerAddress,
} from "../agent/cilium-models.ts";
import { peeringStates } from "../cilium/status.ts";
import { communityName } from "../cilium/communities.ts";
import { formatAsPath } from "../observe/speaker.ts";
import { formatTable, goDuration } from "./table.ts";

/** A row of an agent's answer, with where it is from. */
export type Row<T> = T & { node: string; instance: string; localAsn: number };

/**
 * A session once, its families below one another, in Cilium's order: `withNode` as `cilium bgp peers` prints them,
 * of all nodes or of one, else as `cilium-dbg bgp peers` does on a node.
 */
export function peersTable(peers: readonly Row<PeerStatus>[], withNode: boolean): string {
  const header = [
    ...["Local AS", "Peer AS", "Peer Address", withNode ? "Session State" : "Session", "Uptime"],
    ...["Family", "Received", "Advertised"],
  ];
  return byNode(
    withNode,
    header,
    sorted(peers, (peer) => [peer.localAsn, peer.address]).map((peer) => ({
      node: peer.node,
      lines: peer.families.map(({ family, received, advertised }, n) => [
        ...(n === 0
          ? [
              String(peer.localAsn),
              String(peer.asn),
              peerEnd(peer, !withNode),
              peeringStates[peer.state],
              goDuration(peer.uptimeMs ?? 0),
            ]
          : ["", "", "", "", ""]),
        `${family.afi}/${family.safi}`,
        String(received),
        String(advertised),
      ]),
    })),
  );
}

function peerEnd(peer: PeerStatus, withPort: boolean): string {
  const isKnown = peer.interface === undefined || peer.address !== "::";
  return `${peerAddress(peer)}${withPort && isKnown ? `:${peer.port}` : ""}`;
}

export type Route = AvailableRoute &
  Partial<Pick<AdvertisedRoute, "peerAddress">> & {
    /** Of own prefixes. */
    ageMs?: number;
  };

/** `cilium bgp routes`; `withPeer`: of routes received or advertised. `Best` is one column more. */
export function routesTable(
  routes: readonly Row<Route>[],
  { withPeer, withNode }: { withPeer: boolean; withNode: boolean },
): string {
  return byNode(
    withNode,
    ["VRouter", ...(withPeer ? ["Peer"] : []), "Prefix", "NextHop", "Age", "Best", "Attrs"],
    sorted(routes, (route) => [route.localAsn, route.peerAddress ?? "", route.prefix]).map(
      (route) => {
        const nextHop = route.nextHop ?? (route.prefix.includes(":") ? "::" : "0.0.0.0");
        return {
          node: route.node,
          lines: [
            [
              String(route.localAsn),
              ...(withPeer ? [route.peerAddress ?? ""] : []),
              route.prefix,
              nextHop,
              route.ageMs === undefined ? "" : goDuration(route.ageMs),
              route.best ? "*" : "",
              attributesText(route, nextHop),
            ],
          ],
        };
      },
    ),
  );
}

const origins = { igp: "i", egp: "e", incomplete: "?" } as const;

/**
 * As GoBGP writes them: `[{Origin: i} {AsPath: 65001} {Nexthop: 10.0.0.1} {Communities: 65000:99}]`. AS_PATH is none
 * of an own prefix's until it is sent.
 */
export function attributesText(route: Route, nextHop: string): string {
  const { origin, asPath, med, localPref, communities, largeCommunities } = route.attributes;
  const letter = origins[origin.toLowerCase() as keyof typeof origins];
  const isUnsent = route.nextHop === undefined && asPath.length === 0;
  const inOwnField = !route.prefix.includes(":") && !nextHop.includes(":");
  const { afi, safi } = route.family;
  const parts = [
    `{Origin: ${letter}}`,
    ...(isUnsent ? [] : [`{AsPath: ${formatAsPath(asPath)}}`]),
    ...(inOwnField ? [`{Nexthop: ${nextHop}}`] : []),
    ...(med === undefined ? [] : [`{Med: ${med}}`]),
    ...(localPref === undefined ? [] : [`{LocalPref: ${localPref}}`]),
    ...(communities ? [`{Communities: ${communities.map(communityName).join(", ")}}`] : []),
    ...(inOwnField
      ? []
      : [`{MpReach(${afi}-${safi}): {Nexthop: ${nextHop}, NLRIs: [${route.prefix}]}}`]),
    ...(largeCommunities
      ? [`{LargeCommunity: [ ${largeCommunities.map((each) => each.join(":")).join(", ")}]}`]
      : []),
  ];
  return `[${parts.join(" ")}]`;
}

/** `cilium-dbg bgp route-policies`: a policy once, its statements below one another. */
export function policiesTable(
  policies: readonly (BgpRoutePolicy & { node: string })[],
  withNode: boolean,
): string {
  const header = [
    ...["VRouter", "Policy Name", "Type", "Match Peers", "Match Families"],
    ...["Match Prefixes (Min..Max Len)", "RIB Action", "Path Actions"],
  ];
  return byNode(
    withNode,
    header,
    sorted(policies, (policy) => [policy["router-asn"], policy.name]).map((policy) => ({
      node: policy.node,
      lines: policy.statements.map((statement, n) => [
        ...(n === 0 ? [String(policy["router-asn"]), policy.name, policy.type] : ["", "", ""]),
        inBraces(statement["match-neighbors"]?.neighbors ?? []),
        "",
        matchedPrefixes(statement),
        statement["route-action"],
        pathActions(statement),
      ]),
    })),
  );
}

function matchedPrefixes({ "match-prefixes": match }: BgpRoutePolicyStatement): string {
  const all = (match?.prefixes ?? []).map((of) => {
    const { "prefix-len-min": min = 0, "prefix-len-max": max = 0 } = of;
    return `${of.cidr} (${min}..${max})`;
  });
  return `${all.length > 1 ? `(${match!.type}) ` : ""}${inBraces(all)}`;
}

/** One alone, several each in braces. */
function inBraces(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : parts.map((part) => `{${part}}`).join(" ");
}

function pathActions(statement: BgpRoutePolicyStatement): string {
  const { "set-local-preference": localPref = 0 } = statement;
  const communities = statement["add-communities"];
  const largeCommunities = statement["add-large-communities"];
  return inBraces([
    ...(localPref >= 0 ? [`SetLocalPreference: ${localPref}`] : []),
    ...(communities ? [`AddCommunities: [${communities.join(" ")}]`] : []),
    ...(largeCommunities ? [`AddLargeCommunities: [${largeCommunities.join(" ")}]`] : []),
  ]);
}

/** By node, then by the key: numbers as numbers. */
function sorted<T extends { node: string }>(
  rows: readonly T[],
  keyOf: (row: T) => readonly (string | number)[],
): T[] {
  const order = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);
  return rows.toSorted((one, other) => {
    const [a, b] = [one, other].map((row) => [row.node, ...keyOf(row)]) as [string[], string[]];
    return a.map((part, n) => order(part, b[n]!)).find((each) => each !== 0) ?? 0;
  });
}

/** Of several nodes a first column says which, on the first line of each. */
function byNode(
  withNode: boolean,
  header: readonly string[],
  blocks: readonly { node: string; lines: string[][] }[],
): string {
  if (!withNode)
    return formatTable(
      header,
      blocks.flatMap(({ lines }) => lines),
    );
  const rows = blocks.flatMap(({ node, lines }, at) => {
    const isFirst = blocks[at - 1]?.node !== node;
    return lines.map((line, n) => [isFirst && n === 0 ? node : "", ...line]);
  });
  return formatTable(["Node", ...header], rows);
}
