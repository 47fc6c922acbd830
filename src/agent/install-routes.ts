import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { RouteTable } from "../sys/kernel-route.ts";

/** FRR's, for routes of BGP. */
const firstMetric = 20;
const pathsMax = 16;

/**
 * An instance as Cilium has it, which uses no route that it receives, as one that uses all and puts them into
 * the main table. `index` of the instance on its node: each has a metric of its own, the first instance's
 * routes come before the second's, and neither touches those of the other.
 */
export function installing(config: SpeakerConfig, index: number): SpeakerConfig {
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
