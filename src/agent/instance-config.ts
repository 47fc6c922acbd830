import type { BmpStation, SpeakerConfig } from "../bgp/speaker/config.ts";
import { parseAddress } from "../net/address.ts";
import { RouteTable } from "../sys/kernel-route.ts";

/** FRR's, for routes of BGP. */
const firstMetric = 20;
const pathsMax = 16;

/**
 * An instance as it runs: as Cilium's resources have it, with what the agent's own flags add. `index` of the
 * instance on its node.
 */
export function instanceConfig(
  compiled: SpeakerConfig,
  index: number,
  flags: { installRoutes: boolean; bmpStations: readonly BmpStation[] },
): SpeakerConfig {
  const config = flags.installRoutes ? installing(compiled, index) : compiled;
  if (flags.bmpStations.length === 0) return config;
  return { ...config, bmp: { stations: [...flags.bmpStations], ribs: ["pre-policy"] } };
}

/** Of `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
export function bmpStation(text: string): BmpStation {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const address = parseAddress(bracketed ?? plain ?? "");
  if (address === undefined || Number(port) < 1 || Number(port) > 65535) {
    throw new Error(`--bmp ${text}: expected ADDRESS:PORT, for example 10.0.0.9:11019`);
  }
  return { address, port: Number(port), minRetrySeconds: 30, maxRetrySeconds: 720 };
}

/**
 * An instance as Cilium has it, which uses no route that it receives, as one that uses all and puts them into
 * the main table. Each has a metric of its own, the first instance's
 * routes come before the second's, and neither touches those of the other.
 */
function installing(config: SpeakerConfig, index: number): SpeakerConfig {
  return {
    ...config,
    // Both uplinks of a node in a rack with two switches.
    maximumPaths: { external: pathsMax, internal: pathsMax, asPathRelax: true },
    installRoutes: { table: RouteTable.main, metric: firstMetric + index },
    peers: config.peers.map((peer) => ({
      ...peer,
      importPolicy: peer.importPolicy === "reject" ? "accept" : peer.importPolicy,
    })),
  };
}
