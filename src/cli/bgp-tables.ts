import type {
  AdvertisedRoute,
  AvailableRoute,
  PeerPolicies,
  PeerStatus,
} from "../bgp/speaker/views.ts";
import type { PolicyStatement } from "../bgp/speaker/config.ts";
import { addressBits, type Prefix, prefixFamily, prefixLength } from "../net/prefix.ts";
import { formatAsPath, formatCommunity } from "../observe/speaker.ts";
import { formatTable, goDuration } from "./table.ts";

/** A row of an agent's answer, with where it is from. */
export type Row<T> = T & { node: string; instance: string; localAsn: number };

/**
 * A session once, its families below one another, in Cilium's order: `withNode` as `cilium bgp peers` prints
 * all nodes, else as `cilium-dbg bgp peers` does on one.
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
              peeringState(peer.state),
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

/** A link-local address with its zone; the interface alone where no neighbor is known there yet. */
function peerEnd({ address, interface: link, port }: PeerStatus, withPort: boolean): string {
  if (address === "::" && link !== undefined) return link;
  return `${address}${link === undefined ? "" : `%${link}`}${withPort ? `:${port}` : ""}`;
}

/** As CiliumBGPNodeConfigs spell it: `open_sent`. */
function peeringState(state: PeerStatus["state"]): string {
  return state.replace(/(?<=[a-z])(?=[A-Z])/, "_").toLowerCase();
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

/** `[{Origin: i} {AsPath: 65001} {Nexthop: 10.0.0.1} {Communities: 65000:99}]` */
export function attributesText({ attributes }: Route, nextHop: string): string {
  const { origin, asPath, med, localPref, communities, largeCommunities } = attributes;
  const letter = origins[origin.toLowerCase() as keyof typeof origins];
  const parts = [
    `{Origin: ${letter}}`,
    ...(asPath.length > 0 ? [`{AsPath: ${formatAsPath(asPath)}}`] : []),
    `{Nexthop: ${nextHop}}`,
    ...(med === undefined ? [] : [`{Med: ${med}}`]),
    ...(localPref === undefined ? [] : [`{LocalPref: ${localPref}}`]),
    ...(communities ? [`{Communities: ${communities.map(formatCommunity).join(", ")}}`] : []),
    ...(largeCommunities
      ? [`{LargeCommunity: [ ${largeCommunities.map((each) => each.join(":")).join(", ")}]}`]
      : []),
  ];
  return `[${parts.join(" ")}]`;
}

/** `cilium-dbg bgp route-policies`: a policy once, its statements below one another. */
export function policiesTable(policies: readonly Row<PeerPolicies>[], withNode: boolean): string {
  const header = [
    ...["VRouter", "Policy Name", "Type", "Match Peers", "Match Families"],
    ...["Match Prefixes (Min..Max Len)", "RIB Action", "Path Actions"],
  ];
  return byNode(
    withNode,
    header,
    sorted(policies, ({ localAsn, peer }) => [localAsn, peer]).map(
      ({ node, localAsn, peer, peerAddress, exportPolicy }) => {
        const bits = addressBits(peerAddress.includes(":") ? "ipv6" : "ipv4");
        return {
          node,
          lines: (exportPolicy.length > 0 ? exportPolicy : [undefined]).map((statement, n) => [
            ...(n === 0 ? [String(localAsn), `peer-${peer}-export`, "export"] : ["", "", ""]),
            `${peerAddress}/${bits}`,
            "",
            matchedPrefixes(statement?.prefixes ?? []),
            statement?.action ?? "reject",
            statement === undefined ? "" : pathActions(statement),
          ]),
        };
      },
    ),
  );
}

function matchedPrefixes(prefixes: readonly Prefix[]): string {
  const all = prefixes.map((each) => `${each} (${prefixLength(each)}..${prefixLength(each)})`);
  return `${all.length > 1 ? "(any) " : ""}${inBraces(all)}`;
}

/** One alone, several each in braces. */
function inBraces(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : parts.map((part) => `{${part}}`).join(" ");
}

function pathActions({ set = {} }: PolicyStatement): string {
  const { communities, largeCommunities, localPref } = set;
  return inBraces([
    ...(localPref === undefined ? [] : [`SetLocalPreference: ${localPref}`]),
    ...(communities ? [`AddCommunities: [${communities.map(formatCommunity).join(" ")}]`] : []),
    ...(largeCommunities
      ? [`AddLargeCommunities: [${largeCommunities.map((each) => each.join(":")).join(" ")}]`]
      : []),
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

/** The words after `routes KIND`: `ipv4 unicast`, `peer ADDRESS`, `vrouter ASN`, in Cilium's order. */
export function routeFilter(words: readonly string[]): ((route: Row<Route>) => boolean) | string {
  const rest = [...words];
  let afi: string | undefined;
  const peers: string[] = [];
  const vrouters: string[] = [];
  const [first, safi] = rest;
  if (first === "ipv4" || first === "ipv6") {
    afi = rest.shift();
    if (safi === "unicast") rest.shift();
    else if (safi !== undefined && safi !== "peer" && safi !== "vrouter") {
      return `unknown SAFI ${safi}`;
    }
  }
  while (rest.length > 0) {
    const word = rest.shift()!;
    const value =
      word === "peer" || word === "neighbor" || word === "vrouter" ? rest.shift() : word;
    if (value === undefined) return `${word} what?`;
    if (word === "vrouter") vrouters.push(value);
    else if (/^[0-9a-fA-F.:]+$/.test(value)) peers.push(value);
    else return `unknown word ${value}`;
  }
  return (route) =>
    (afi === undefined || prefixFamily(route.prefix) === afi) &&
    (peers.length === 0 || peers.includes(route.peerAddress ?? "")) &&
    (vrouters.length === 0 || vrouters.includes(String(route.localAsn)));
}
