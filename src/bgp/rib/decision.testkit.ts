import { address } from "../../net/address.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import { ownPath, type Path } from "./path.ts";
import { learned, sequence } from "./rib.testkit.ts";

/** Each: a winner, a loser that every later step would have preferred, the step that decides. */
export const decisionCases: [step: string, winner: Path, loser: Path][] = [
  ["originated here", ownPath, learned("a", { localPref: 500, asPath: [] })],
  [
    "not long-lived stale",
    learned("a", { localPref: 1 }),
    learned("b", { localPref: 500, communities: [7, WellKnownCommunity.llgrStale] }),
  ],
  [
    "highest LOCAL_PREF",
    learned("a", { localPref: 101, asPath: sequence(1, 2, 3) }),
    // None counts as 100.
    learned("b", { asPath: sequence(1) }),
  ],
  [
    "shortest AS_PATH",
    learned("a", { asPath: [...sequence(1), { kind: "set", asns: [2, 3, 4] }], origin: "egp" }),
    learned("b", { asPath: sequence(1, 2, 3) }),
  ],
  [
    "lowest ORIGIN",
    learned("a", { origin: "egp", med: 9 }),
    learned("b", { origin: "incomplete" }),
  ],
  [
    "lowest MED of each neighbouring AS",
    // None counts as 0.
    learned("a", { internal: true }),
    learned("b", { med: 1 }),
  ],
  [
    "eBGP before iBGP",
    learned("a", { identifier: "10.0.0.9" }),
    learned("b", { internal: true, identifier: "10.0.0.1" }),
  ],
  [
    "lowest cost to the next hop",
    { ...learned("a", { identifier: "10.0.0.9" }), cost: 10 },
    { ...learned("b", { identifier: "10.0.0.1" }), cost: 20 },
  ],
  [
    "lowest BGP Identifier or ORIGINATOR_ID",
    // As numbers: 9 is less than 10. The originator stands for the reflector.
    learned("a", {
      internal: true,
      identifier: "10.0.0.200",
      originatorId: address("10.0.0.9"),
      clusterList: [address("1.1.1.1")],
    }),
    learned("b", { internal: true, identifier: "10.0.0.10" }),
  ],
  [
    "shortest CLUSTER_LIST",
    learned("a", { internal: true, address: "10.0.0.9" }),
    learned("b", { internal: true, address: "10.0.0.1", clusterList: [address("1.1.1.1")] }),
  ],
  [
    "lowest peer address",
    learned("a", { address: "10.0.0.9" }),
    learned("b", { address: "10.0.0.10" }),
  ],
];
