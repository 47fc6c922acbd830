import { type Address, parseAddress } from "../net/address.ts";
import { type Prefix, prefix as knownPrefix } from "../net/prefix.ts";
import type { Runtime } from "../runtime/port.ts";
import type { AddressFamily, NextHop, RibRoute, Session } from "./rib-view.ts";
import { UnreadableError } from "./unreadable.ts";
import { NoAnswerError, type VtyAnswer, VtyConnection } from "./vty.ts";

export type FrrDaemon = "bgpd" | "zebra" | "bfdd" | "ospfd" | "staticd";

const vtyshTimeoutMs = 10_000;

/**
 * What the daemon prints to `command json`, parsed. Throws UnreadableError naming node, command and
 * output where the daemon is not there, refuses the command, or prints no JSON.
 */
export async function frrJson(
  runtime: Runtime,
  node: string,
  daemon: FrrDaemon,
  command: string,
): Promise<unknown> {
  const full = `${command} json`;
  return parseJson(node, full, await frrText(runtime, node, daemon, full));
}

/** What the daemon prints to a command: by its vty socket (1 ms), or by vtysh (27 ms) where there is no way to it. */
export async function frrText(
  runtime: Runtime,
  node: string,
  daemon: FrrDaemon,
  command: string,
): Promise<string> {
  const connection = await tryOpenVty(runtime, node, daemon);
  if (connection === undefined) return await vtysh(runtime, node, [command]);
  using vty = connection;
  let answer: VtyAnswer;
  try {
    answer = await vty.run(command);
  } catch (error) {
    throw new UnreadableError(node, command, (error as Error).message, { cause: error });
  }
  if (answer.status !== 0) throw new UnreadableError(node, command, answer.output);
  return answer.output;
}

/**
 * Undefined where the runtime has no way to sockets inside nodes. Throws UnreadableError where the
 * daemon is not running, or does not answer.
 */
export async function tryOpenVty(
  runtime: Runtime,
  node: string,
  daemon: FrrDaemon,
): Promise<VtyConnection | undefined> {
  const path = `/run/frr/${daemon}.vty`;
  try {
    return await VtyConnection.open(await runtime.connectUnix(node, path));
  } catch (error) {
    // vtysh would wait as long for nothing.
    if (error instanceof NoAnswerError) {
      throw new UnreadableError(node, path, error.message, { cause: error });
    }
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!nobodyListens.has(code)) return undefined;
    throw new UnreadableError(node, path, `${daemon} is not running (${code})`, { cause: error });
  }
}

/** The daemon's socket is not there, is left over, or went while it was talked to. */
const nobodyListens: ReadonlySet<string> = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
]);

/** Runs commands in one vtysh; it stops at the first one rejected. Returns what was printed. */
async function vtysh(runtime: Runtime, node: string, commands: readonly string[]): Promise<string> {
  const argv = ["vtysh", ...commands.flatMap((command) => ["-c", command])];
  const result = await runtime.exec({ node }, argv, { timeoutMs: vtyshTimeoutMs });
  if (result.exitCode !== 0) {
    throw new UnreadableError(node, commands.join(" / "), result.stdout + result.stderr);
  }
  return result.stdout;
}

/** Every path of a table, in table order. FRR prints no communities here: see frrRoute. */
export async function frrRoutes(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<RibRoute[]> {
  const command = `show bgp ${familyWords(family)}`;
  return parseFrrTable(await frrJson(runtime, node, "bgpd", command));
}

/** The paths to one prefix, with all their attributes; none where the table does not hold exactly it. */
export async function frrRoute(
  runtime: Runtime,
  node: string,
  prefix: Prefix,
): Promise<RibRoute[]> {
  const family = prefix.includes(":") ? "ipv6-unicast" : "ipv4-unicast";
  const command = `show bgp ${familyWords(family)} ${prefix}`;
  return parseFrrPrefix(await frrJson(runtime, node, "bgpd", command));
}

export async function frrSessions(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<Session[]> {
  return (await readFrrSummary(runtime, node, family)).sessions;
}

export async function readFrrSummary(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<FrrSummaryView> {
  const command = `show bgp ${familyWords(family)} summary`;
  return parseFrrSummary(await frrJson(runtime, node, "bgpd", command));
}

function familyWords(family: AddressFamily): string {
  return family === "ipv4-unicast" ? "ipv4 unicast" : "ipv6 unicast";
}

export function parseJson(node: string, command: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreadableError(node, command, text, { cause: error });
  }
}

// --- FRR's JSON ---------------------------------------------------------------------------------

type FrrNextHop = { ip?: string; scope?: string; used?: boolean };

/** A path in `show bgp ipv4 unicast json`. */
type FrrTablePath = {
  valid?: boolean;
  bestpath?: boolean;
  multipath?: boolean;
  stale?: boolean;
  selectionReason?: string;
  network: string;
  metric?: number;
  locPrf?: number;
  peerId?: string;
  path?: string;
  origin?: string;
  nexthops?: FrrNextHop[];
};

/** A path in `show bgp ipv4 unicast PREFIX json`. */
type FrrPrefixPath = {
  aspath?: { string?: string };
  origin?: string;
  metric?: number;
  locPrf?: number;
  valid?: boolean;
  multipath?: boolean;
  stale?: boolean;
  bestpath?: { overall?: boolean; selectionReason?: string };
  community?: { string?: string };
  largeCommunity?: { string?: string };
  nexthops?: FrrNextHop[];
  peer?: { peerId?: string; hostname?: string; interface?: string };
};

type FrrSummary = { as?: number; tableVersion?: number; peers?: Record<string, FrrPeer> };

type FrrPeer = {
  hostname?: string;
  remoteAs?: number;
  localAs?: number;
  pfxRcd?: number;
  pfxSnt?: number;
  state?: string;
  peerUptimeMsec?: number;
};

/** Of `show bgp ipv4 unicast json`. */
export function parseFrrTable(json: unknown): RibRoute[] {
  const { routes = {} } = json as { routes?: Record<string, FrrTablePath[]> };
  return Object.values(routes).flat().map(tableRoute);
}

function tableRoute(path: FrrTablePath): RibRoute {
  return {
    prefix: knownPrefix(path.network),
    valid: path.valid === true,
    best: path.bestpath === true,
    multipath: path.multipath === true && path.bestpath !== true,
    stale: path.stale === true,
    nextHops: nextHopsOf(path.nexthops, undefined),
    asPath: path.path ?? "",
    origin: originOf(path.origin),
    ...(path.metric !== undefined && { med: path.metric }),
    ...(path.locPrf !== undefined && { localPref: path.locPrf }),
    ...peerOf(path.peerId),
    ...(path.selectionReason !== undefined && { why: path.selectionReason }),
  };
}

/** Of `show bgp ipv4 unicast PREFIX json`: `{}` where the table does not hold it. */
export function parseFrrPrefix(json: unknown): RibRoute[] {
  const { prefix: own, paths = [] } = json as { prefix?: string; paths?: FrrPrefixPath[] };
  return own === undefined ? [] : paths.map((path) => prefixRoute(knownPrefix(own), path));
}

function prefixRoute(own: Prefix, path: FrrPrefixPath): RibRoute {
  const { peer, bestpath } = path;
  return {
    prefix: own,
    valid: path.valid === true,
    best: bestpath?.overall === true,
    multipath: path.multipath === true && bestpath?.overall !== true,
    stale: path.stale === true,
    nextHops: nextHopsOf(path.nexthops, peer?.interface),
    // FRR words an empty path `Local`.
    asPath: path.aspath?.string === "Local" ? "" : (path.aspath?.string ?? ""),
    origin: originOf(path.origin),
    communities: words(path.community?.string),
    largeCommunities: words(path.largeCommunity?.string),
    ...(path.metric !== undefined && { med: path.metric }),
    ...(path.locPrf !== undefined && { localPref: path.locPrf }),
    ...peerOf(peer?.peerId),
    ...(peer?.hostname !== undefined && { peerName: peer.hostname }),
    ...(bestpath?.selectionReason !== undefined && { why: bestpath.selectionReason }),
  };
}

/** `tableVersion` goes up with every change of a best path. */
export type FrrSummaryView = { localAsn: number; tableVersion: number; sessions: Session[] };

/** Of `show bgp ipv4 unicast summary json`. */
export function parseFrrSummary(json: unknown): FrrSummaryView {
  const { as: localAsn = 0, tableVersion = 0, peers = {} } = json as FrrSummary;
  const sessions = Object.entries(peers).map(([peer, of]) => sessionOf(peer, of));
  return { localAsn, tableVersion, sessions };
}

function sessionOf(peer: string, of: FrrPeer): Session {
  // `Idle (PfxCt)`, `Idle (Admin)`: a state, and what holds the session there.
  const [, state = "Idle", heldBy] = /^(\w+)(?: \((.+)\))?$/.exec(of.state ?? "") ?? [];
  return {
    peer,
    state,
    ...(heldBy !== undefined && { heldBy }),
    localAsn: of.localAs ?? 0,
    remoteAsn: of.remoteAs ?? 0,
    received: of.pfxRcd ?? 0,
    sent: of.pfxSnt ?? 0,
    uptimeMs: of.state === "Established" ? (of.peerUptimeMsec ?? 0) : 0,
    ...(of.hostname !== undefined && { hostname: of.hostname }),
  };
}

/** An IPv6 next hop is listed with its global and its link-local address: the one used counts. */
function nextHopsOf(listed: FrrNextHop[] = [], peerInterface: string | undefined): NextHop[] {
  const used = listed.filter((hop) => hop.used === true);
  const found: NextHop[] = [];
  for (const hop of used.length > 0 ? used : listed) {
    const address = hop.ip === undefined ? undefined : parseAddress(hop.ip);
    if (address === undefined || isUnspecified(address)) continue;
    if (found.some((other) => other.address === address)) continue;
    const onLink = address.startsWith("fe80:") && peerInterface !== undefined;
    found.push({ address, ...(onLink && { interface: peerInterface }) });
  }
  return found;
}

function peerOf(peerId: string | undefined): { peer?: Address } {
  const peer = peerId === undefined ? undefined : parseAddress(peerId);
  return peer === undefined || isUnspecified(peer) ? {} : { peer };
}

function isUnspecified(address: Address): boolean {
  return address === "0.0.0.0" || address === "::";
}

function originOf(text: string | undefined): RibRoute["origin"] {
  return text === "IGP" || text === "EGP" ? text : "incomplete";
}

function words(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(" ").filter((word) => word !== "");
}
