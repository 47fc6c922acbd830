import { EnvironmentError } from "../../input/diagnostic.ts";
import type { FrrRouter } from "../frr/router.ts";
import type { SimNode } from "../network.ts";
import { curl } from "./curl.ts";
import { catLog, editDaemons, frrinit, watchfrr } from "./daemons.ts";
import { done, ip, type Output } from "./ip.ts";
import { iptables, iptablesSave } from "./iptables.ts";
import { knock, netstat } from "./knock.ts";
import { nft } from "./nft.ts";
import { ping, traceroute } from "./probes.ts";
import type { UnseenPacket } from "./packet-match.ts";
import type { ProgramPlace } from "./programs.ts";
import { sh } from "./sh.ts";
import { vtysh } from "./vtysh.ts";

/** Where a command runs. `router`: FRR, on nodes that have it. */
export type ShellPlace = ProgramPlace & {
  router: FrrRouter | undefined;
  /** Of the API server to the node's agent, who have no network between them here. */
  fromApi: UnseenPacket | undefined;
};

/**
 * What a command comes to. Throws EnvironmentError where the simulation does not know it: what depends on it
 * cannot be told then.
 */
export async function command(
  place: ShellPlace,
  argv: readonly string[],
  stdin?: string,
): Promise<Output> {
  const { node } = place;
  const output = await run(place, argv, stdin);
  if (output !== undefined) return output;
  throw new EnvironmentError(
    `the simulation cannot do '${argv.join(" ")}' on ${node.name}`,
    `${knownOf(argv)}; all others need --runtime netns`,
  );
}

/** What of it is simulated, for people. */
function knownOf([path = ""]: readonly string[]): string {
  return path.endsWith("vtysh")
    ? "vtysh does conf t and what follows, write, clear bgp …, show running-config, show bgp summary, show bgp ipv4|ipv6 unicast [summary|PREFIX], show bfd peers brief"
    : "simulated are ip address|link|route, ping, traceroute, curl, vtysh, sysctl, iptables, nft, sleep, and cat of FRR's logs";
}

async function run(
  place: ShellPlace,
  [path = "", ...words]: readonly string[],
  stdin: string | undefined,
): Promise<Output | undefined> {
  const { world, node } = place;
  switch (path.slice(path.lastIndexOf("/") + 1)) {
    case "ip":
      return ip(node, words);
    case "nft":
      return nft(node, words, stdin, place.fromApi);
    case "ping":
      return await ping(world, node, words);
    case "traceroute":
      return await traceroute(world, node, words);
    case "curl":
      return await curl(world, node, words);
    case "sh":
    case "bash":
      return words.length === 2 && words[0] === "-c"
        ? await sh(place, words[1]!, (inner) => run(place, inner, undefined))
        : undefined;
    case "vtysh":
      return await vtysh(place.router, words);
    case "frrinit.sh":
      return frrinit(place.router, words);
    case "watchfrr.sh":
      return watchfrr(place.router, words);
    case "cat":
      if (words.join(" ") === "/proc/net/netstat") return netstat(world, node);
      return words[0]?.startsWith("/var/log/frr/") === true
        ? catLog(place.router, words[0])
        : undefined;
    case "rm":
    case "mkdir":
      return /^\/run\/frr\/\w+\.pid$/.test(words.at(-1)!) ? done : undefined;
    case "sleep":
      if (words.length !== 1 || !/^\d+(\.\d+)?$/.test(words[0]!)) return undefined;
      await world.sleep(1_000 * Number(words[0]));
      return done;
    case "touch":
    case "true":
      return done;
    case "sed":
      return editDaemons(place.router, words);
    case "sysctl":
      return sysctl(node, words);
    case "iptables-save":
      return words.length === 0 ? iptablesSave(node, "ipv4") : undefined;
    case "ip6tables-save":
      return words.length === 0 ? iptablesSave(node, "ipv6") : undefined;
    case "timeout":
      return await knock(world, node, words);
    case "iptables":
      // What leaves the lab by the management network goes nowhere here.
      return words.includes("MASQUERADE") ? done : iptables(node, "ipv4", words, place.fromApi);
    case "ip6tables":
      return words.includes("MASQUERADE") ? done : iptables(node, "ipv6", words, place.fromApi);
    default:
      return undefined;
  }
}

/** Settings that change nothing of what is simulated. */
const indifferent = /^net\.ipv[46]\.conf\.\w+\.(rp_filter|accept_dad)$/;
const forwarding = /^net\.ipv(?:4\.ip_forward|[46]\.conf\.all\.forwarding)$/;

/** `sysctl -w KEY=VALUE…`; undefined: not simulated. */
export function sysctl(node: SimNode, words: readonly string[]): Output | undefined {
  const settings = words.filter((word) => word.includes("="));
  for (const setting of settings) {
    const [key = "", value] = setting.replaceAll("/", ".").split("=");
    if (/^net\.ipv[46]\.conf\.(all|default)\.ignore_routes_with_linkdown$/.test(key)) {
      node.ignoresRoutesWithLinkdown = value === "1";
    } else if (/^net\.ipv[46]\.fib_multipath_hash_policy$/.test(key) && /^[01]$/.test(value!)) {
      node.hashesPorts = value === "1";
    } else if (forwarding.test(key)) {
      const family = key.startsWith("net.ipv4.") ? "ipv4" : "ipv6";
      if (value === "0") node.doesNotForward.add(family);
      else node.doesNotForward.delete(family);
    } else if (/^net\.ipv[46]\.conf\.\w+\.forwarding$/.test(key)) {
      // Of one interface: only as every interface is by itself.
      if (value === "0") return undefined;
    } else if (/^net\.ipv4\.fib_multipath_hash_seed$/.test(key) && /^\d+$/.test(value!)) {
      node.hashSeed = Number(value);
    } else if (!indifferent.test(key)) return undefined;
  }
  return settings.length === 0 ? undefined : done;
}
