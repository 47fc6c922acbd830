import { parseAddress } from "../net/address.ts";
import { parsePrefix } from "../net/prefix.ts";
import type { Runtime } from "../runtime/port.ts";
import { communityText } from "./communities.ts";
import type { AddressFamily, RibRoute, Session } from "./rib-view.ts";
import { UnreadableError } from "./unreadable.ts";

/** GoBGP by its command line, which prints what its API answers. */

const timeoutMs = 10_000;
const established = 6;
/** SessionState of its API. */
const states = ["Idle", "Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"];

export async function gobgpSessions(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<Session[]> {
  const neighbors = (await gobgpJson(runtime, node, ["neighbor"])) as Neighbor[];
  return await Promise.all(
    neighbors.map(async (neighbor) => {
      const session = sessionOf(neighbor, family, Date.now());
      if (session.state !== "Established") return session;
      const args = ["neighbor", session.peer, "adj-out", "-a", shortName(family)];
      const sent = (await gobgpJson(runtime, node, args)) as unknown;
      return { ...session, sent: countOf(sent) };
    }),
  );
}

export async function gobgpRoutes(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<RibRoute[]> {
  const rib = await gobgpJson(runtime, node, ["global", "rib", "-a", shortName(family)]);
  return parseGobgpRib(rib);
}

/** What one of its commands prints with -j. */
export async function gobgpJson(
  runtime: Runtime,
  node: string,
  args: readonly string[],
): Promise<unknown> {
  const argv = ["gobgp", ...args, "-j"];
  const { exitCode, stdout, stderr } = await runtime.exec({ node }, argv, { timeoutMs });
  if (exitCode !== 0) throw new UnreadableError(node, argv.join(" "), stdout + stderr);
  // It prints nothing, or a sentence, where a table is empty.
  if (!/^[[{]/.test(stdout)) return {};
  try {
    return JSON.parse(stdout);
  } catch (error) {
    throw new UnreadableError(node, argv.join(" "), stdout, { cause: error });
  }
}

function shortName(family: AddressFamily): string {
  return family.slice(0, 4);
}

type Neighbor = {
  conf?: { local_asn?: number; neighbor_address?: string; peer_asn?: number };
  state?: { session_state?: number; neighbor_address?: string };
  timers?: { state?: { uptime?: { seconds?: number } } };
  afi_safis?: { state?: { family?: { afi?: number; safi?: number }; received?: number } }[];
};

/** Of one item of `gobgp neighbor -j`. What it sent is in another table. */
export function sessionOf(neighbor: Neighbor, family: AddressFamily, nowMs: number): Session {
  const { conf, state, timers, afi_safis: families = [] } = neighbor;
  const afi = family === "ipv4-unicast" ? 1 : 2;
  const own = families.find((each) => {
    const of = each.state?.family;
    return of?.afi === afi && of.safi === 1;
  });
  const code = state?.session_state ?? 0;
  const sinceSeconds = timers?.state?.uptime?.seconds;
  const isUp = code === established && sinceSeconds !== undefined;
  return {
    peer: state?.neighbor_address ?? conf?.neighbor_address ?? "",
    state: states[code] ?? "Idle",
    localAsn: conf?.local_asn ?? 0,
    remoteAsn: conf?.peer_asn ?? 0,
    received: own?.state?.received ?? 0,
    sent: 0,
    uptimeMs: isUp ? Math.max(0, nowMs - sinceSeconds * 1000) : 0,
  };
}

/** Paths of `adj-out -j`: a list, or lists by prefix. */
export function countOf(table: unknown): number {
  if (Array.isArray(table)) return table.length;
  return Object.keys(table as object).length;
}

type Attribute = {
  type: number;
  value?: unknown;
  as_paths?: { asns?: number[] }[];
  nexthop?: string;
  metric?: number;
  communities?: number[];
};
type Path = { best?: boolean; stale?: boolean; attrs?: Attribute[]; "neighbor-ip"?: string };

/** Attribute type codes (RFC 4271, RFC 1997, RFC 4760, RFC 8092). */
const code = {
  ...{ origin: 1, asPath: 2, nextHop: 3, med: 4, localPref: 5, communities: 8 },
  ...{ mpReach: 14, largeCommunities: 32 },
} as const;
const origins = ["IGP", "EGP", "incomplete"] as const;

/** Of `gobgp global rib -j`. */
export function parseGobgpRib(rib: unknown): RibRoute[] {
  return Object.entries(rib as Record<string, Path[]>).flatMap(([text, paths]) => {
    const prefix = parsePrefix(text);
    return prefix === undefined ? [] : paths.map((path) => ({ prefix, ...pathOf(path) }));
  });
}

function pathOf({ attrs = [], best, stale, ...path }: Path): Omit<RibRoute, "prefix"> {
  const find = (type: number) => attrs.find((each) => each.type === type);
  const hop = find(code.nextHop)?.nexthop ?? find(code.mpReach)?.nexthop ?? "";
  const address = parseAddress(hop);
  // The unspecified address stands for itself.
  const isOwn = address === undefined || hop === "0.0.0.0" || hop === "::";
  const peer = parseAddress(path["neighbor-ip"] ?? "");
  const localPref = find(code.localPref)?.value;
  const med = find(code.med)?.metric;
  const large = (find(code.largeCommunities)?.value ?? []) as {
    ASN: number;
    LocalData1: number;
    LocalData2: number;
  }[];
  return {
    valid: true,
    best: best === true,
    multipath: false,
    stale: stale === true,
    nextHops: isOwn ? [] : [{ address }],
    asPath: (find(code.asPath)?.as_paths ?? []).flatMap(({ asns = [] }) => asns).join(" "),
    origin: origins[Number(find(code.origin)?.value ?? 2)] ?? "incomplete",
    communities: (find(code.communities)?.communities ?? []).map((value) =>
      communityText(value >>> 16, value & 0xffff),
    ),
    largeCommunities: large.map(({ ASN, LocalData1, LocalData2 }) =>
      [ASN, LocalData1, LocalData2].join(":"),
    ),
    ...(typeof localPref === "number" && { localPref }),
    ...(med !== undefined && { med }),
    ...(peer !== undefined && { peer }),
  };
}
