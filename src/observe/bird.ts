import { parseAddress } from "../net/address.ts";
import { parsePrefix, type Prefix } from "../net/prefix.ts";
import type { Runtime } from "../runtime/port.ts";
import { communityText } from "./communities.ts";
import type { AddressFamily, RibRoute, Session } from "./rib-view.ts";
import { UnreadableError } from "./unreadable.ts";

/** BIRD 2 by its command line: it speaks text alone. */

const timeoutMs = 10_000;

export async function birdSessions(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<Session[]> {
  // Its times are local and without a date on the first day: the same clock, printed alike, tells now.
  const script = 'date +"%F %T.%3N"; birdc -r show protocols all';
  return parseBirdProtocols(await output(runtime, node, ["sh", "-c", script]), family);
}

export async function birdRoutes(
  runtime: Runtime,
  node: string,
  family: AddressFamily,
): Promise<RibRoute[]> {
  const text = await output(runtime, node, ["birdc", "-r", "show", "route", "all"]);
  return parseBirdRoutes(text).filter(
    ({ prefix }) => prefix.includes(":") === (family === "ipv6-unicast"),
  );
}

async function output(runtime: Runtime, node: string, argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runtime.exec({ node }, argv, { timeoutMs });
  if (exitCode === 0) return stdout;
  throw new UnreadableError(node, argv.join(" "), stdout + stderr);
}

/** BIRD's words for what is not a state of RFC 4271. */
const states: Record<string, string> = { Down: "Idle", Close: "Idle", Passive: "Active" };

/** Of `date +"%F %T.%3N"` and `show protocols all`. */
export function parseBirdProtocols(text: string, family: AddressFamily): Session[] {
  const now = text.slice(0, text.indexOf("\n")).trim();
  // A protocol begins at the beginning of a line; what is said of it is indented.
  return text.split(/^(?=\S)/m).flatMap((part) => {
    const head = /^\S+ +BGP +\S+ +\S+ +(.+?)(?: {2,}|$)/m.exec(part);
    const field = (name: string) => new RegExp(`^ +${name}: +(.*)$`, "m").exec(part)?.[1]?.trim();
    const peer = field("Neighbor address");
    if (head === null || peer === undefined) return [];
    const said = field("BGP state") ?? "Idle";
    const state = states[said] ?? said;
    const channel = new RegExp(`^ {2}Channel ${family.slice(0, 4)}\\n((?: {4}.*\\n?)*)`, "m");
    const counts = /Routes: +(\d+) imported,.*?(\d+) exported/.exec(channel.exec(part)?.[1] ?? "");
    const session: Session = {
      peer: peer.split("%")[0]!,
      state,
      localAsn: Number(field("Local AS") ?? 0),
      remoteAsn: Number(field("Neighbor AS") ?? 0),
      received: Number(counts?.[1] ?? 0),
      sent: Number(counts?.[2] ?? 0),
      uptimeMs: state === "Established" ? elapsedMs(head[1]!.split(" ")[0]!, now) : 0,
    };
    const hostname = field(" +Hostname");
    if (hostname !== undefined) session.hostname = hostname;
    return [session];
  });
}

/** `06:59:05.201` of today, or `2026-11-20`, before `2026-11-21 07:00:01.000`. */
function elapsedMs(since: string, now: string): number {
  const day = now.slice(0, 10);
  const from = since.includes(":") ? `${day} ${since}` : `${since} 00:00:00`;
  return Math.max(0, Date.parse(`${now}Z`) - Date.parse(`${from}Z`));
}

/** Of `show route all`. */
export function parseBirdRoutes(text: string): RibRoute[] {
  const routes: RibRoute[] = [];
  let prefix: Prefix | undefined;
  let current: RibRoute | undefined;
  for (const line of text.split("\n")) {
    const head = /^(\S*) +(\S+) \[(\S+) [^\]]*\] (\*)?/.exec(line);
    if (head !== null) {
      if (head[1] !== "") prefix = parsePrefix(head[1]!);
      current = undefined;
      if (prefix === undefined) continue;
      const best = head[4] === "*";
      current = {
        ...{ prefix, valid: head[2] !== "unreachable", best, multipath: false, stale: false },
        ...{ nextHops: [], asPath: "", origin: "incomplete", communities: [] },
        largeCommunities: [],
      };
      const from = parseAddress(/ from ([0-9a-f.:]+)/.exec(line)?.[1] ?? "");
      if (from !== undefined) current.peer = from;
      routes.push(current);
    } else if (current !== undefined) attribute(current, line.trim());
  }
  return routes;
}

function attribute(route: RibRoute, line: string): void {
  const via = /^via (\S+) on (\S+)/.exec(line);
  if (via !== null) {
    const address = parseAddress(via[1]!);
    if (address === undefined) return;
    route.nextHops.push({ address, interface: via[2]! });
    route.peer ??= address;
    return;
  }
  const [, name, value = ""] = /^BGP\.(\w+): ?(.*)$/.exec(line) ?? [];
  switch (name) {
    case "origin":
      route.origin = value === "IGP" || value === "EGP" ? value : "incomplete";
      break;
    case "as_path":
      route.asPath = value.trim();
      break;
    case "med":
      route.med = Number(value);
      break;
    case "local_pref":
      route.localPref = Number(value);
      break;
    case "community":
      route.communities = [...value.matchAll(/\((\d+),(\d+)\)/g)].map(([, high, low]) =>
        communityText(Number(high), Number(low)),
      );
      break;
    case "large_community":
      route.largeCommunities = [...value.matchAll(/\(([\d, ]+)\)/g)].map(([, parts]) =>
        parts!.replaceAll(/, */g, ":"),
      );
      break;
    default: // other attributes that nobody asks for
  }
}
