import { EnvironmentError } from "../../input/diagnostic.ts";
import type { FrrRouter } from "../frr/router.ts";
import type { SimNode } from "../network.ts";
import type { World } from "../world.ts";
import { catLog, editDaemons, frrinit, watchfrr } from "./daemons.ts";
import { done, failed, ip, type Output } from "./ip.ts";
import { nft } from "./nft.ts";
import { ping, traceroute } from "./probes.ts";
import { sh } from "./sh.ts";
import { vtysh } from "./vtysh.ts";

/** Where a command runs. `router`: FRR, on nodes that have it. */
export type ShellPlace = { world: World; node: SimNode; router: FrrRouter | undefined };

/**
 * What a command comes to. Throws EnvironmentError where the simulation does not know it: what depends on it
 * cannot be told then.
 */
export async function command(
  place: ShellPlace,
  argv: readonly string[],
  stdin?: string,
): Promise<Output> {
  const { world, node } = place;
  if (!node.isUp) return failed(`${node.name} is switched off`, 255);
  const [program = "", ...words] = argv;
  const name = program.slice(program.lastIndexOf("/") + 1);
  const output = name === "nft" ? nft(node, words, stdin) : await run(place, name, words, world);
  if (output !== undefined) return output;
  throw new EnvironmentError(
    `the simulation cannot do '${argv.join(" ")}' on ${node.name}`,
    "run the lab with --runtime netns",
  );
}

async function run(
  place: ShellPlace,
  program: string,
  words: readonly string[],
  world: World,
): Promise<Output | undefined> {
  switch (program) {
    case "ip":
      return ip(place.node, words);
    case "ping":
      return await ping(world, place.node, words);
    case "traceroute":
      return await traceroute(world, place.node, words);
    case "vtysh":
      return await vtysh(place.router, words);
    case "frrinit.sh":
      return frrinit(place.router, words);
    case "watchfrr.sh":
      return watchfrr(place.router, words);
    case "cat":
      return words[0]?.startsWith("/var/log/frr/") === true
        ? catLog(place.router, words[0])
        : undefined;
    case "sh":
      return words[0] === "-c"
        ? await sh(place, words[1] ?? "", ([inner = "", ...rest]) => run(place, inner, rest, world))
        : undefined;
    case "touch":
    case "true":
      return done;
    case "sed":
      return editDaemons(place.router, words);
    case "sysctl":
      return sysctl(place.node, words);
    case "iptables":
      // What leaves the lab by the management network goes nowhere here.
      return words.includes("MASQUERADE") ? done : undefined;
    default:
      return undefined;
  }
}

/** Settings that change nothing of what is simulated: every node forwards, and hashes flows alike. */
const indifferent =
  /^net\.ipv[46]\.(ip_forward|fib_multipath_hash_policy|conf\.\w+\.(forwarding|rp_filter|accept_dad))$/;

function sysctl(node: SimNode, words: readonly string[]): Output | undefined {
  const settings = words.filter((word) => word.includes("="));
  for (const setting of settings) {
    const [key = "", value] = setting.replaceAll("/", ".").split("=");
    if (/^net\.ipv[46]\.conf\.(all|default)\.ignore_routes_with_linkdown$/.test(key)) {
      node.ignoresRoutesWithLinkdown = value === "1";
    } else if (!indifferent.test(key)) return undefined;
  }
  return settings.length === 0 ? undefined : done;
}
