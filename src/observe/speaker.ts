import { createInterface } from "node:readline";
import type { AvailableRoute, PeerStatus, ReceivedRoute, RouteView } from "../bgp/speaker/views.ts";
import type { ResetKind } from "../bgp/speaker/reset.ts";
import type { AfiSafi, AsPathSegment, Origin } from "../bgp/wire/message.ts";
import { EnvironmentError } from "../input/diagnostic.ts";
import type { Runtime } from "../runtime/port.ts";
import type { AddressFamily, RibRoute, Session } from "./rib-view.ts";
import { UnreadableError } from "./unreadable.ts";

const adminSocket = "/run/spinelab/agent.sock";
const answerTimeoutMs = 5_000;

/** A line of JSON to the agent's admin socket. */
export type AgentRequest =
  | { get: "peers"; as?: "cilium" }
  | { get: "routes"; kind: "received" | "advertised" | "available"; as?: "cilium" }
  | { get: "explain"; prefix: string }
  | { get: "policies"; as?: "cilium" }
  | { get: "mrt" }
  | { reset: ResetKind; peer?: string };

/** Asks the agent of a node. Throws UnreadableError where it does not run, or answers with an error. */
export async function askAgent(
  runtime: Runtime,
  node: string,
  request: AgentRequest,
): Promise<unknown> {
  const line = JSON.stringify(request);
  let answer: { ok?: unknown; error?: string };
  try {
    answer = JSON.parse(await askLine(runtime, node, line)) as typeof answer;
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const isAbsent = code === "ECONNREFUSED" || code === "ENOENT";
    const what = isAbsent ? `the agent is not running (${code})` : message;
    throw new UnreadableError(node, `agent ${line}`, what, { cause: error });
  }
  if (answer.error !== undefined) throw new UnreadableError(node, `agent ${line}`, answer.error);
  return answer.ok;
}

async function askLine(runtime: Runtime, node: string, line: string): Promise<string> {
  const socket = await runtime.connectUnix(node, adminSocket);
  let timer: NodeJS.Timeout | undefined;
  return await new Promise<string>((resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer from the agent in ${answerTimeoutMs} ms`)),
      answerTimeoutMs,
    );
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the agent closed the connection")));
    createInterface({ input: socket }).on("error", reject).once("line", resolve);
    socket.write(`${line}\n`);
  }).finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

export async function agentPeers(runtime: Runtime, node: string): Promise<PeerStatus[]> {
  return (await askAgent(runtime, node, { get: "peers" })) as PeerStatus[];
}

/** The agent's sessions with the prefix counts of one family. */
export async function agentSessions(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<Session[]> {
  return (await agentPeers(runtime, node)).map((peer) => sessionOf(peer, family));
}

export function sessionOf(peer: PeerStatus, family: AddressFamily): Session {
  const counts = peer.families.find((of) => isFamily(of.family, family));
  return {
    // Of an unnumbered peer that is not known now only the link is.
    peer: peer.address === "::" && peer.interface !== undefined ? peer.interface : peer.address,
    state: peer.state,
    localAsn: peer.localAsn,
    remoteAsn: peer.asn,
    received: counts?.received ?? 0,
    sent: counts?.advertised ?? 0,
    uptimeMs: peer.uptimeMs ?? 0,
    ...(peer.hostname !== undefined && { hostname: peer.hostname }),
  };
}

/** Own routes and whatever was received, used or not. */
export async function agentRoutes(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<RibRoute[]> {
  const [available, received] = (await Promise.all([
    askAgent(runtime, node, { get: "routes", kind: "available" }),
    askAgent(runtime, node, { get: "routes", kind: "received" }),
  ])) as [AvailableRoute[], ReceivedRoute[]];
  const own = available.filter((route) => route.peer === undefined);
  return [...own.map(ownRoute), ...received.map(receivedRoute)].filter(
    (route) => route.prefix.includes(":") === (family === "ipv6-unicast"),
  );
}

export function ownRoute(route: AvailableRoute): RibRoute {
  return ribRoute(route, { best: route.best, valid: true, stale: false });
}

/** What the import policy rejects is there, and not valid: `why` says so. */
export function receivedRoute(route: ReceivedRoute): RibRoute {
  const { best, stale, notUsed } = route;
  return {
    ...ribRoute(route, { best, stale, valid: notUsed === undefined }),
    peer: route.peerAddress,
    ...(notUsed !== undefined && { why: notUsed }),
  };
}

function ribRoute(
  view: RouteView,
  state: { best: boolean; valid: boolean; stale: boolean },
): RibRoute {
  const { attributes } = view;
  return {
    prefix: view.prefix,
    ...state,
    multipath: false,
    nextHops: view.nextHop === undefined ? [] : [{ address: view.nextHop }],
    asPath: formatAsPath(attributes.asPath),
    origin: originWords[attributes.origin],
    communities: (attributes.communities ?? []).map(formatCommunity),
    largeCommunities: (attributes.largeCommunities ?? []).map((of) => of.join(":")),
    ...(attributes.localPref !== undefined && { localPref: attributes.localPref }),
    ...(attributes.med !== undefined && { med: attributes.med }),
  };
}

function isFamily(of: AfiSafi, family: AddressFamily): boolean {
  return `${of.afi}-${of.safi}` === family;
}

const originWords: Record<Origin, RibRoute["origin"]> = {
  igp: "IGP",
  egp: "EGP",
  incomplete: "incomplete",
};

/** As FRR prints it: sets in braces, confederation segments in round and square brackets. */
export function formatAsPath(segments: readonly AsPathSegment[]): string {
  return segments
    .map(({ kind, asns }) => {
      if (kind === "sequence") return asns.join(" ");
      if (kind === "set") return `{${asns.join(",")}}`;
      return kind === "confedSequence" ? `(${asns.join(" ")})` : `[${asns.join(",")}]`;
    })
    .join(" ");
}

/** The well-known ones that FRR 8.4 words (RFC 1997, RFC 7999, RFC 8326, RFC 9494). */
const wellKnown: Record<number, string> = {
  0xffff0000: "graceful-shutdown",
  0xffff0006: "llgr-stale",
  0xffff0007: "no-llgr",
  0xffff029a: "blackhole",
  0xffffff01: "no-export",
  0xffffff02: "no-advertise",
  0xffffff03: "local-AS",
  0xffffff04: "no-peer",
};

export function formatCommunity(value: number): string {
  return wellKnown[value] ?? `${Math.floor(value / 0x10000)}:${value % 0x10000}`;
}
