import { expect, test } from "vitest";
import type { PeerStatus } from "../bgp/speaker/views.ts";
import { address } from "../net/address.ts";
import { bgpRoutePolicies } from "../agent/cilium-models.ts";
import { prefix } from "../net/prefix.ts";
import { peersTable, policiesTable, type Route, routesTable, type Row } from "./bgp-tables.ts";

const ipv4 = { afi: "ipv4", safi: "unicast" } as const;
const at = (node: string) => ({ node, instance: "i", localAsn: 65001 });

const route: Row<Route> = {
  ...at("kind-worker"),
  family: ipv4,
  prefix: prefix("10.1.3.0/24"),
  peerAddress: address("10.0.0.1"),
  nextHop: address("10.0.2.2"),
  best: true,
  attributes: {
    origin: "igp",
    asPath: [{ kind: "sequence", asns: [65001] }],
    localPref: 150,
    communities: [65000 * 65536 + 99],
    largeCommunities: [[1, 2, 3]],
  },
};

test("peers in Cilium's columns: a session once, its families below one another", () => {
  const peer: Row<PeerStatus> = {
    ...at("kind-worker"),
    name: "tor0",
    address: address("10.0.0.1"),
    port: 179,
    asn: 65010,
    state: "OpenSent",
    uptimeMs: 1_315_000,
    updates: { received: 5, sent: 2 },
    families: [
      { family: ipv4, received: 2, accepted: 0, advertised: 1, announced: 1 },
      {
        family: { afi: "ipv6", safi: "unicast" },
        received: 0,
        accepted: 0,
        advertised: 3,
        announced: 3,
      },
    ],
  };
  expect(peersTable([peer], false)).toBe(
    [
      "Local AS   Peer AS   Peer Address   Session     Uptime   Family         Received   Advertised",
      "65001      65010     10.0.0.1:179   open_sent   21m55s   ipv4/unicast   2          1",
      "                                                         ipv6/unicast   0          3",
      "",
    ].join("\n"),
  );
  const two = peersTable([{ ...peer, node: "kind-worker2" }, peer], true).split("\n");
  expect(two[0]).toMatch(
    /^Node +Local AS +Peer AS +Peer Address +Session State +Uptime +Family +Received +Advertised$/,
  );
  expect(two[1]).toMatch(/^kind-worker +65001 +65010 +10\.0\.0\.1 +open_sent +21m55s /);
  expect(two.map((line) => line.split(" ", 1)[0])).toEqual([
    "Node",
    "kind-worker",
    "",
    "kind-worker2",
    "",
    "",
  ]);
});

test("routes with their attributes as Cilium prints them", () => {
  const columns = { withPeer: true, withNode: false };
  const [header, line] = routesTable([{ ...route, ageMs: 65_000 }], columns).split("\n");
  expect(header).toMatch(/^VRouter +Peer +Prefix +NextHop +Age +Best +Attrs$/);
  expect(line).toMatch(/ 1m5s +\* /);
  expect(line).toContain(
    "[{Origin: i} {AsPath: 65001} {Nexthop: 10.0.2.2} {LocalPref: 150} {Communities: 65000:99} {LargeCommunity: [ 1:2:3]}]",
  );
});

test("a next hop of IPv6 is in MP_REACH_NLRI; to an internal peer AS_PATH is empty", () => {
  const attrs = (of: Partial<Row<Route>>) =>
    routesTable([{ ...route, attributes: { origin: "igp", asPath: [] }, ...of }], {
      withPeer: true,
      withNode: false,
    })
      .split("\n")[1]!
      .replace(/^[^[]*/, "");
  expect(attrs({ nextHop: address("fd00:10:0:1::2") })).toBe(
    "[{Origin: i} {AsPath: } {MpReach(ipv4-unicast): {Nexthop: fd00:10:0:1::2, NLRIs: [10.1.3.0/24]}}]",
  );
  const { nextHop: _, ...own } = { ...route, attributes: { origin: "igp" as const, asPath: [] } };
  const table = routesTable(
    [{ ...own, family: { afi: "ipv6", safi: "unicast" }, prefix: prefix("fd00:10:1::/64") }],
    { withPeer: false, withNode: false },
  );
  expect(table).toContain(
    "[{Origin: i} {MpReach(ipv6-unicast): {Nexthop: ::, NLRIs: [fd00:10:1::/64]}}]",
  );
});

test("rows are ordered by node, AS number, peer and prefix", () => {
  const others = ["10.1.2.0/24", "10.1.1.0/24"].map((each) => ({ ...route, prefix: prefix(each) }));
  const rows = [route, { ...route, localAsn: 9 }, ...others, { ...route, node: "kind-a" }];
  const lines = routesTable(rows, { withPeer: false, withNode: true }).split("\n").slice(1, -1);
  expect(lines.map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
    ["kind-a", "65001", "10.1.3.0/24"],
    ["kind-worker", "9", "10.1.3.0/24"],
    ["", "65001", "10.1.1.0/24"],
    ["", "65001", "10.1.2.0/24"],
    ["", "65001", "10.1.3.0/24"],
  ]);
});

test("policies: a policy once, its statements below one another", () => {
  const statements = ["10.1.3.0/24", "192.0.2.1/32"].map((each, n) => ({
    name: `s${n}`,
    prefixes: [prefix(each)],
    action: "accept" as const,
    ...(n === 1 && { set: { localPref: 150, communities: [65000 * 65536 + 99] } }),
  }));
  const peer = { peer: "tor0", peerAddress: address("10.0.0.1"), importPolicy: "reject" as const };
  const models = bgpRoutePolicies([{ ...peer, exportPolicy: statements }], { localAsn: 65001 });
  const text = policiesTable(
    models.map((model) => ({ ...model, node: "kind-worker" })),
    false,
  );
  const lines = text.split("\n").map((line) => line.split(/ {2,}/).filter((cell) => cell !== ""));
  expect(lines.slice(1, 4)).toEqual([
    ["65001", "allow-local", "import", "accept"],
    ["65001", "peer-tor0-export", "export", "10.0.0.1", "10.1.3.0/24 (24..24)", "accept"],
    [
      "10.0.0.1",
      "192.0.2.1/32 (32..32)",
      "accept",
      "{SetLocalPreference: 150} {AddCommunities: [65000:99]}",
    ],
  ]);
});
