import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodePeerUp, encodeRouteMonitoring } from "../bgp/wire/bmp.ts";
import { encodeMessage } from "../bgp/wire/encode.ts";
import type { OpenMessage, UpdateMessage } from "../bgp/wire/message.ts";
import { ipv4Unicast } from "../bgp/wire/registry.ts";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { BmpSession } from "./bmp.ts";
import { parseFrrBmpTargets, parseGobgpBmpTargets } from "./bmp-targets.ts";

const codec = { fourOctetAs: true, extendedMessage: true };

test("a route of the router's own, which has no next hop, is announced (RFC 9069)", () => {
  const peer = { rib: "loc-rib" as const, address: address("0.0.0.0"), asn: 65001 };
  const own = (of: string, nextHop: string): UpdateMessage => ({
    ...{ type: "UPDATE", withdrawn: [], attributes: { origin: "igp", asPath: [] } },
    announced: [
      {
        family: { afi: of.includes(":") ? "ipv6" : "ipv4", safi: "unicast" },
        nextHop: address(nextHop),
        prefixes: [prefix(of)],
      },
    ],
  });
  const stream = [own("10.1.0.0/24", "0.0.0.0"), own("fd00:1::/64", "::")]
    .flatMap((update) => encodeMessage(update, codec))
    .map((bytes) => encodeRouteMonitoring({ ...peer, bgpIdentifier: address("1.1.1.1") }, bytes));
  const told = new BmpSession("r").receive(Buffer.concat(stream));
  expect(told).toMatchObject([
    { announced: [{ prefix: "10.1.0.0/24" }], withdrawn: [] },
    { announced: [{ prefix: "fd00:1::/64" }], withdrawn: [] },
  ]);
});

test("a stream of FRR 8.4.4, as recorded: sessions with the reason, routes, and when FRR has decided", () => {
  const file = new URL("../../test/data/bmp/frr-8.4.4.bmp", import.meta.url);
  const told = new BmpSession("ra").receive(new Uint8Array(readFileSync(file)));
  const sessions = told.filter(({ what }) => what === "peerUp" || what === "peerDown");
  // Two connections met, as they do: one of them came to nothing.
  expect(sessions.slice(0, 2)).toEqual([
    expect.objectContaining({ what: "peerDown", wasUp: false }),
    expect.objectContaining({ what: "peerDown", wasUp: false }),
  ]);
  expect(sessions.slice(-2)).toEqual([
    // Of a session that came up FRR says a time that is not its own.
    { node: "ra", what: "peerUp", peer: "10.7.0.2" },
    expect.objectContaining({
      what: "peerDown",
      wasUp: true,
      reason: "received Cease/Administrative Shutdown",
      routerUnixMs: expect.closeTo(1_795_264_932_760, -1),
    }),
  ]);
  const announced = told.find(
    (one) => one.what === "routes" && one.announced.length > 0 && one.peer === "10.7.0.2",
  );
  expect(announced).toMatchObject({
    rib: "post-policy",
    announced: [{ prefix: "10.2.0.0/24", via: "10.7.0.2" }],
    withdrawn: [],
    decidesWithinMs: 50,
  });
  expect(told.filter((one) => "problem" in one)).toEqual([]);
  expect(told).toContainEqual(expect.objectContaining({ what: "statistics", peer: "10.7.0.2" }));
});

describe("UPDATEs are read as the session's OPENs settled", () => {
  const peer = { address: address("10.0.0.2"), asn: 65002, bgpIdentifier: address("2.2.2.2") };
  const open = (mode: { send: boolean; receive: boolean }) => {
    const entries = [{ family: ipv4Unicast, ...mode }];
    const message: OpenMessage = {
      ...{ type: "OPEN", version: 4, asn: 65002, holdTimeSeconds: 90 },
      bgpIdentifier: address("2.2.2.2"),
      capabilities: [{ capability: "addPath", entries }],
    };
    return encodeMessage(message, { fourOctetAs: true, extendedMessage: false })[0]!;
  };
  const update: UpdateMessage = {
    ...{ type: "UPDATE", attributes: undefined, announced: [] },
    withdrawn: [{ family: ipv4Unicast, prefixes: [prefix("10.1.0.0/24")], pathIds: [7] }],
  };
  const [numbered] = encodeMessage(update, { ...codec, pathIdsOut: [ipv4Unicast] });
  const session = (sentOpen: Uint8Array) => {
    const ends = { localAddress: address("10.0.0.1"), localPort: 179, remotePort: 40000 };
    const opens = { sentOpen, receivedOpen: open({ send: true, receive: false }) };
    const of = new BmpSession("r");
    of.receive(encodePeerUp(peer, { ...ends, ...opens }));
    return of;
  };

  test("with Path Identifiers where the router receives them (RFC 7911)", () => {
    const [told] = session(open({ send: false, receive: true })).receive(
      encodeRouteMonitoring(peer, numbered!),
    );
    expect(told).toMatchObject({ withdrawn: ["10.1.0.0/24"] });
  });

  test("and without where it does not", () => {
    const plain = session(open({ send: true, receive: false }));
    const [told] = plain.receive(encodeRouteMonitoring(peer, numbered!));
    expect(told).not.toMatchObject({ withdrawn: ["10.1.0.0/24"] });
  });

  test("one that cannot be read is still a word of a change", () => {
    const broken = numbered!.slice();
    broken[20] = 0xff;
    const [told] = session(open({ send: false, receive: true })).receive(
      encodeRouteMonitoring(peer, broken),
    );
    expect(told).toMatchObject({ what: "routes", problem: expect.stringMatching(/RFC 4271/) });
  });
});

test("where routers send BMP to: FRR's running configuration, GoBGP's file", () => {
  const frr = `router bgp 65001
 bmp targets spinelab
  bmp monitor ipv4 unicast post-policy
  bmp connect 127.0.0.1 port 11019 min-retry 100 max-retry 500
  bmp connect collector.example port 11019 min-retry 100 max-retry 500
 exit
 bmp targets other
  bmp listener 0.0.0.0 port 5000
  bmp connect ::1 port 5001 min-retry 30000 max-retry 720000
 exit
`;
  expect(parseFrrBmpTargets(frr)).toEqual([
    { address: "127.0.0.1", port: 11019 },
    { address: "::1", port: 5001 },
  ]);
  const gobgp = `[global.config]
  as = 65003
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.9.1.1"
[[bmp-servers]]
  [bmp-servers.config]
    address = "127.0.0.1"
    port=11020
[[bmp-servers]]
  [bmp-servers.config]
    address = "10.0.0.9"
`;
  expect(parseGobgpBmpTargets(gobgp)).toEqual([
    { address: "127.0.0.1", port: 11020 },
    { address: "10.0.0.9", port: 11019 },
  ]);
});
