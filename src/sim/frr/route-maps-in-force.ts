import type { BgpConfig, FrrConfig } from "./config.ts";

const sources = [
  "routeMaps",
  "prefixLists",
  "communityLists",
  "largeCommunityLists",
  "asPathLists",
] as const;

/** Route maps, and the lists that they ask. */
export type RouteMapSource = Pick<FrrConfig, (typeof sources)[number]>;

/**
 * Route maps as routes go by them. bgpd goes by the lines of a route map at once where it is given to somebody, and
 * for routes that it has already a while after they were changed (`bgp route-map delay-timer`): so a map that is in use
 * is here what it was until then, and for new routes too, which is not as FRR has it.
 */
export class RouteMapsInForce {
  #inForce: RouteMapSource | undefined;
  /** As it was followed last. */
  #followed = "";
  #used: ReadonlySet<string> = new Set();

  /** Those of `config` where none are known yet. */
  of(config: FrrConfig): RouteMapSource {
    return this.#inForce ?? config;
  }

  /**
   * `wait`: what is in use was changed, and is to be taken up after the delay; `done`: all is as configured; `same`:
   * nothing is new. `mayWait`: there is somebody who was sent routes.
   */
  follow(config: FrrConfig, mayWait: boolean): "wait" | "done" | "same" {
    const before = this.#inForce;
    const wanted = textOf(config);
    const used = this.#used;
    this.#used = usedMaps(config.bgp);
    if (wanted === this.#followed) return "same";
    this.#followed = wanted;
    if (before !== undefined && mayWait) {
      const kept = Object.fromEntries(
        sources.map((source) => {
          const isKept = (name: string) =>
            source === "routeMaps" ? used.has(name) : before[source].has(name);
          const old = [...before[source]].filter(([name]) => isKept(name));
          const others = [...config[source]].filter(([name]) => !isKept(name));
          return [source, new Map<string, unknown>([...old, ...others])];
        }),
      ) as RouteMapSource;
      this.#inForce = structuredClone(kept);
      if (textOf(kept) !== wanted) return "wait";
    }
    this.takeUp(config);
    return "done";
  }

  takeUp(config: FrrConfig): void {
    const { routeMaps, prefixLists, communityLists, largeCommunityLists, asPathLists } = config;
    this.#inForce = structuredClone({
      ...{ routeMaps, prefixLists, communityLists, largeCommunityLists, asPathLists },
    });
  }
}

/** In no order of names. */
function textOf(of: RouteMapSource): string {
  const sorted = (source: (typeof sources)[number]) =>
    [...of[source]].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sources.map(sorted));
}

function usedMaps(bgp: BgpConfig | undefined): ReadonlySet<string> {
  if (bgp === undefined) return new Set();
  const own = Object.values(bgp.families).flatMap(({ networks, redistribute }) =>
    [...networks, ...redistribute].map(({ routeMap }) => routeMap),
  );
  const ofPeers = [...bgp.peerGroups.values(), ...bgp.neighbors.values()].flatMap((of) =>
    Object.values(of.families).flatMap(({ routeMapIn, routeMapOut, defaultOriginate }) => [
      ...[routeMapIn, routeMapOut, defaultOriginate?.routeMap],
    ]),
  );
  return new Set([...own, ...ofPeers].filter((name) => name !== undefined));
}
