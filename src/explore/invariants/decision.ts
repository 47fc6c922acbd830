import { asPathText } from "../../bgp/rib/as-path.ts";
import type { AvailableRoute } from "../../bgp/speaker/views.ts";
import { WellKnownCommunity } from "../../bgp/wire/registry.ts";
import type { World } from "../../sim/world.ts";
import type { Finding } from "./finding.ts";

const originRank = { igp: 0, egp: 1, incomplete: 2 } as const;

/**
 * No path is used where a better one is known, by the rules that compare any two paths: degree of preference, length
 * of the AS path, origin (RFC 4271 §9.1.1, §9.1.2.2 a, b). Written for itself, so that the speaker's own decision
 * is judged by other code.
 */
export function wrongDecisions({ speakers }: World): Finding[] {
  return [...speakers].flatMap(({ node, speaker }) => {
    const routes = Map.groupBy(
      speaker.routesAvailable(),
      ({ family, prefix }) => `${family.afi} ${prefix}`,
    );
    return [...routes.values()].flatMap((paths): Finding[] => {
      const used = paths.find(({ best }) => best);
      const better = used && paths.find((path) => isBetter(path, used));
      if (used === undefined || better === undefined) return [];
      const { prefix, family } = used;
      return [
        {
          invariant: "decision",
          text: `${node.name}: ${prefix} is used with ${pathText(used)}, and there is ${pathText(better)}`,
          check: {
            route: {
              ...{ on: node.name, prefix, asPath: asPathText(better.attributes.asPath) },
              ...(family.afi === "ipv6" && { family: "ipv6-unicast" }),
            },
          },
        },
      ];
    });
  });
}

function isBetter(a: AvailableRoute, than: AvailableRoute): boolean {
  const [ranksA, ranksB] = [ranks(a), ranks(than)];
  const at = ranksA.findIndex((rank, i) => rank !== ranksB[i]);
  return at >= 0 && ranksA[at]! < ranksB[at]!;
}

/** The lowest wins, the first that differs. A long-lived stale path is the last choice (RFC 9494 §4.3). */
function ranks({ peer, attributes }: AvailableRoute): number[] {
  const { localPref = 100, asPath, origin, communities = [] } = attributes;
  const isStale = communities.includes(WellKnownCommunity.llgrStale);
  const asns = asPath.flatMap(({ kind, asns: list }) =>
    kind === "sequence" ? list.length : kind === "set" ? 1 : 0,
  );
  const length = asns.reduce((sum, count) => sum + count, 0);
  return [peer === undefined ? 0 : 1, isStale ? 1 : 0, -localPref, length, originRank[origin]];
}

function pathText({ peer = "itself", attributes }: AvailableRoute): string {
  const { localPref = 100, asPath, origin } = attributes;
  return `${peer}'s (local preference ${localPref}, AS path '${asPathText(asPath)}', ${origin})`;
}
