import type { Prefix } from "../../net/prefix.ts";
import type { FrrRouter } from "./router.ts";

/** As FRR words the steps of the decision process (bgpd/bgp_route.c, bgp_path_selection_reason2str). */
const reasons: Readonly<Record<string, string>> = {
  "originated here": "Weight",
  "not long-lived stale": "Path Staleness",
  "highest LOCAL_PREF": "Local Pref",
  "shortest AS_PATH": "AS Path",
  "lowest ORIGIN": "Origin",
  "lowest MED of each neighbouring AS": "MED",
  "eBGP before iBGP": "Peer Type",
  "lowest cost to the next hop": "IGP Metric",
  "the external path in use": "Older Path",
  "lowest BGP Identifier or ORIGINATOR_ID": "Router ID",
  "shortest CLUSTER_LIST": "Cluster length",
  "lowest peer address": "Neighbor IP",
};

/** Why the best path of a prefix is the best: the step that it won its last comparison by. */
export function selectionReason(router: FrrRouter, prefix: Prefix, pathCount: number): string {
  if (pathCount < 2) return "First path received";
  const { steps } = router.host!.speaker.explain(prefix);
  const last = steps.findLast(({ dropped }) => dropped.length > 0);
  return (last && reasons[last.name]) ?? "Nothing left to compare";
}
