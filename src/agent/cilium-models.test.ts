import { expect, test } from "vitest";
import type { PeerConfig } from "../bgp/speaker/config.ts";
import type { PeerDetails, PeerStatus } from "../bgp/speaker/views.ts";
import type { PathAttributes } from "../bgp/wire/message.ts";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { bgpPeer, bgpRoutePolicies, bgpRoutes } from "./cilium-models.ts";

const ipv4 = { afi: "ipv4", safi: "unicast" } as const;
const ipv6 = { afi: "ipv6", safi: "unicast" } as const;

const config: PeerConfig = {
  name: "tor0",
  address: address("10.0.0.1"),
  asn: 65010,
  port: 179,
  passive: false,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: 30,
  connectRetryTimeSeconds: 120,
  ttl: 1,
  families: [ipv4, ipv6],
  importPolicy: "reject",
  exportPolicy: [],
};

const idle: PeerStatus = {
  name: "tor0",
  address: address("10.0.0.1"),
  port: 179,
  asn: 65010,
  localAsn: 65001,
  state: "OpenSent",
  updates: { received: 0, sent: 0 },
  families: [ipv4, ipv6].map((family) => ({
    ...{ family, received: 0, accepted: 0, advertised: 0, announced: 0 },
  })),
};

const capabilities: PeerDetails["capabilities"] = {
  own: [
    { capability: "multiprotocol", family: ipv4 },
    { capability: "fourOctetAs", asn: 65001 },
  ],
  peer: [],
};

/** The text, for Go's order of fields is part of it. */
const text = (value: unknown) => JSON.stringify(value);

test("BgpPeer of a session that is up, with Cilium's fields in Go's order, and without what is zero", () => {
  const status: PeerStatus = {
    ...idle,
    state: "Established",
    uptimeMs: 1_315_000.25,
    appliedHoldTimeSeconds: 9,
    appliedKeepaliveSeconds: 3,
    families: [
      { family: ipv4, received: 5, accepted: 0, advertised: 2, announced: 2 },
      { family: ipv6, received: 0, accepted: 0, advertised: 0, announced: 0 },
    ],
  };
  const secured = { ...config, password: "s3cret", gracefulRestart: { restartTimeSeconds: 120 } };
  const peer = [{ capability: "routeRefresh" as const }];
  const model = bgpPeer({ status, config: secured, capabilities: { ...capabilities, peer } });
  expect(text(model)).toBe(
    text({
      "applied-hold-time-seconds": 9,
      "applied-keep-alive-time-seconds": 3,
      "configured-hold-time-seconds": 90,
      "configured-keep-alive-time-seconds": 30,
      "connect-retry-time-seconds": 120,
      "ebgp-multihop-ttl": 1,
      families: [
        { advertised: 2, afi: "ipv4", received: 5, safi: "unicast" },
        { afi: "ipv6", safi: "unicast" },
      ],
      "graceful-restart": { enabled: true, "restart-time-seconds": 120 },
      "local-asn": 65001,
      // 01 04 0001 00 01, and 41 04 0000fde9.
      "local-capabilities": [{ capabilities: "AQQAAQAB" }, { capabilities: "QQQAAP3p" }],
      name: "tor0",
      "peer-address": "10.0.0.1",
      "peer-asn": 65010,
      "peer-port": 179,
      "remote-capabilities": [{ capabilities: "AgA=" }],
      "session-state": "established",
      "tcp-password-enabled": true,
      "uptime-nanoseconds": 1_315_000_250_000,
    }),
  );
  expect(text(model)).not.toContain("s3cret");
});

test("BgpPeer of a session that is not up", () => {
  expect(bgpPeer({ status: idle, config, capabilities })).toEqual({
    "configured-hold-time-seconds": 90,
    "configured-keep-alive-time-seconds": 30,
    "connect-retry-time-seconds": 120,
    "ebgp-multihop-ttl": 1,
    families: [ipv4, ipv6],
    "graceful-restart": {},
    "local-asn": 65001,
    "local-capabilities": [{ capabilities: "AQQAAQAB" }, { capabilities: "QQQAAP3p" }],
    name: "tor0",
    "peer-address": "10.0.0.1",
    "peer-asn": 65010,
    "peer-port": 179,
    "remote-capabilities": [],
    "session-state": "open_sent",
  });
});

test.each([
  ["fe80::1", "net0", "fe80::1%net0"],
  ["::", "net0", "net0"],
  ["fd00::1", undefined, "fd00::1"],
])("the peer at %s of link %s is %s", (at, link, shown) => {
  const status = { ...idle, address: address(at), ...(link !== undefined && { interface: link }) };
  expect(bgpPeer({ status, config, capabilities })["peer-address"]).toBe(shown);
});

const own: PathAttributes = { origin: "igp", asPath: [] };

test("BgpRoute of the loc-rib: paths of a prefix together, NLRI and attributes as on the wire, in base64", () => {
  const routes = [
    {
      ...{ family: ipv4, prefix: prefix("10.1.1.0/24"), attributes: own },
      ...{ best: true, ageMs: 2000 },
    },
    {
      ...{ family: ipv4, prefix: prefix("10.1.1.0/24"), best: false },
      peerAddress: address("10.0.0.1"),
      nextHop: address("10.0.0.1"),
      attributes: {
        origin: "igp" as const,
        asPath: [{ kind: "sequence" as const, asns: [65010] }],
      },
    },
    { family: ipv6, prefix: prefix("fd00:10::/64"), best: true, attributes: own },
  ];
  expect(text(bgpRoutes(routes, { localAsn: 65001, ofPeers: false }))).toBe(
    text([
      {
        paths: [
          {
            "age-nanoseconds": 2_000_000_000,
            best: true,
            family: ipv4,
            nlri: { base64: "GAoBAQ==" }, // 18 0a0101
            // ORIGIN 40 01 01 00, NEXT_HOP 40 03 04 00000000.
            "path-attributes": [{ base64: "QAEBAA==" }, { base64: "QAMEAAAAAA==" }],
          },
          {
            family: ipv4,
            nlri: { base64: "GAoBAQ==" },
            // AS_PATH 40 02 06 02 01 0000fdf2.
            "path-attributes": [
              { base64: "QAEBAA==" },
              { base64: "QAIGAgEAAP3y" },
              { base64: "QAMECgAAAQ==" },
            ],
          },
        ],
        prefix: "10.1.1.0/24",
        "router-asn": 65001,
      },
      {
        paths: [
          {
            best: true,
            family: ipv6,
            nlri: { base64: "QP0AABAAAAAA" },
            // MP_REACH_NLRI 80 0e 1e 0002 01 10 ::, 00, and the NLRI again.
            "path-attributes": [
              { base64: "QAEBAA==" },
              { base64: "gA4eAAIBEAAAAAAAAAAAAAAAAAAAAAAAQP0AABAAAAAA" },
            ],
          },
        ],
        prefix: "fd00:10::/64",
        "router-asn": 65001,
      },
    ]),
  );
});

test("BgpRoute of what peers are sent: each with its neighbor, none of them best", () => {
  const attributes: PathAttributes = {
    origin: "igp",
    asPath: [{ kind: "sequence", asns: [65001] }],
    communities: [65001 * 0x10000 + 100],
  };
  const to = (peer: string) => ({
    ...{ family: ipv4, prefix: prefix("192.0.2.1/32"), attributes },
    ...{ peerAddress: address(peer), nextHop: address("10.0.2.2"), ageMs: 1 },
  });
  const models = bgpRoutes([to("10.0.0.1"), to("10.0.1.1")], { localAsn: 65001, ofPeers: true });
  expect(models.map((model) => model.neighbor)).toEqual(["10.0.0.1", "10.0.1.1"]);
  expect(models[0]!.paths).toEqual([
    {
      "age-nanoseconds": 1_000_000,
      family: ipv4,
      nlri: { base64: "IMAAAgE=" },
      "path-attributes": [
        { base64: "QAEBAA==" },
        { base64: "QAIGAgEAAP3p" },
        { base64: "QAMECgACAg==" },
        { base64: "wAgE/ekAZA==" }, // c0 08 04 fde90064
      ],
    },
  ]);
});

test("to an internal peer AS_PATH is empty, and is there", () => {
  const route = {
    ...{ family: ipv4, prefix: prefix("10.1.1.0/24"), attributes: { ...own, localPref: 100 } },
    ...{ peerAddress: address("10.0.0.1"), nextHop: address("10.0.2.2") },
  };
  const [model] = bgpRoutes([route], { localAsn: 65001, ofPeers: true });
  expect(model!.paths[0]!["path-attributes"]).toEqual([
    { base64: "QAEBAA==" },
    { base64: "QAIA" }, // 40 02 00
    { base64: "QAMECgACAg==" },
    { base64: "QAUEAAAAZA==" },
  ]);
});

test("BgpRoutePolicy: allow-local, and the export policy of each peer that may get something", () => {
  const peers = [
    {
      ...{ peer: "tor0", peerAddress: address("10.0.0.1"), importPolicy: "reject" as const },
      exportPolicy: [
        {
          name: "PodCIDR-ipv4",
          prefixes: [prefix("10.1.1.0/24")],
          action: "accept" as const,
          set: {
            localPref: 150,
            communities: [65001 * 0x10000 + 100, 0xffffff01],
            largeCommunities: [[65001, 1, 2]] as [number, number, number][],
          },
        },
        { name: "Service", prefixes: [prefix("192.0.2.1/32")], action: "accept" as const },
      ],
    },
    {
      ...{ peer: "tor1", peerAddress: address("10.0.1.1"), importPolicy: "reject" as const },
      exportPolicy: [],
    },
  ];
  const matchNeighbors = { neighbors: ["10.0.0.1"], type: "any" };
  const match = (cidr: string, length: number) => ({
    prefixes: [{ cidr, "prefix-len-max": length, "prefix-len-min": length }],
    type: "any",
  });
  expect(text(bgpRoutePolicies(peers, { localAsn: 65001 }))).toBe(
    text([
      {
        name: "allow-local",
        "router-asn": 65001,
        statements: [
          {
            "add-communities": null,
            "add-large-communities": null,
            "match-families": null,
            "route-action": "accept",
            "set-local-preference": -1,
          },
        ],
        type: "import",
      },
      {
        name: "peer-tor0-export",
        "router-asn": 65001,
        statements: [
          {
            "add-communities": ["65001:100", "no-export"],
            "add-large-communities": ["65001:1:2"],
            "match-families": null,
            "match-neighbors": matchNeighbors,
            "match-prefixes": match("10.1.1.0/24", 24),
            "route-action": "accept",
            "set-local-preference": 150,
          },
          {
            "add-communities": null,
            "add-large-communities": null,
            "match-families": null,
            "match-neighbors": matchNeighbors,
            "match-prefixes": match("192.0.2.1/32", 32),
            "route-action": "accept",
            "set-local-preference": -1,
          },
        ],
        type: "export",
      },
    ]),
  );
});
