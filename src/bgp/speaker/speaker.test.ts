import { describe, expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import { ipv4Unicast, WellKnownCommunity } from "../wire/registry.ts";
import { endOfRib } from "./outbound.ts";
import { scriptedPeer } from "./scripted-peer.testkit.ts";
import {
  configA,
  peerConfig,
  speakerConfig,
  TestNet,
  twoSpeakers,
} from "./two-speakers.testkit.ts";

const prefixes = (routes: { prefix: string }[]) => routes.map((route) => route.prefix).sort();

describe("two speakers", () => {
  it("come up though both dial, keep one connection and exchange their routes", () => {
    const { net, a, b } = twoSpeakers(
      { originate: ["10.1.0.0/16", "10.1.1.0/24"] },
      { originate: ["10.2.0.0/16"] },
    );
    net.settle();
    expect([a.wires.size, b.wires.size]).toEqual([1, 1]);
    expect(a.speaker.peers(net.nowMs + 1000)).toEqual([
      {
        name: "b",
        port: 179,
        address: "10.0.0.2",
        asn: 65002,
        localAsn: 65001,
        state: "Established",
        establishedAtMs: expect.any(Number),
        uptimeMs: net.nowMs + 1000 - a.status().establishedAtMs!,
        appliedHoldTimeSeconds: 9,
        appliedKeepaliveSeconds: 3,
        families: [{ family: ipv4Unicast, received: 1, accepted: 1, advertised: 2, announced: 2 }],
        // One of routes and the End-of-RIB.
        updates: { received: 2, sent: 2 },
        hostname: "host-2.2.2.2",
      },
    ]);
    expect(b.speaker.routesReceived("a")).toEqual(
      ["10.1.0.0/16", "10.1.1.0/24"].map((of) => ({
        peer: "a",
        peerAddress: "10.0.0.1",
        family: ipv4Unicast,
        prefix: of,
        nextHop: "10.0.0.1",
        attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }] },
        best: true,
        stale: false,
      })),
    );
    expect(prefixes(b.speaker.routesAvailable())).toEqual([
      "10.1.0.0/16",
      "10.1.1.0/24",
      "10.2.0.0/16",
    ]);
    expect(prefixes(a.speaker.routesAdvertised())).toEqual(["10.1.0.0/16", "10.1.1.0/24"]);
    expect(a.changed.length).toBeGreaterThan(0);
  });

  it("send the first routes in one UPDATE for each attribute set, then End-of-RIB", () => {
    const { net, a } = twoSpeakers({
      originate: ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"],
      peer: {
        exportPolicy: [
          { name: "one", prefixes: [prefix("10.3.0.0/16")], action: "accept", set: { med: 5 } },
          { name: "all", action: "accept" },
        ],
      },
    });
    net.settle();
    expect(a.updatesSent().map((of) => of.announced[0]?.prefixes ?? of.endOfRib)).toEqual([
      ["10.1.0.0/16", "10.2.0.0/16"],
      ["10.3.0.0/16"],
      ipv4Unicast,
    ]);
  });

  it("of one AS send LOCAL_PREF and no AS of their own", () => {
    const { net, b } = twoSpeakers(
      {
        originate: ["10.1.0.0/16", "10.2.0.0/16"],
        peer: {
          exportPolicy: [
            {
              name: "preferred",
              prefixes: [prefix("10.2.0.0/16")],
              action: "accept",
              set: { localPref: 200, communities: [7] },
            },
            { name: "all", action: "accept" },
          ],
        },
      },
      { localAsn: 65001 },
    );
    net.settle();
    expect(b.speaker.routesReceived().map((of) => [of.nextHop, of.attributes])).toEqual([
      ["10.0.0.1", { origin: "igp", asPath: [], localPref: 100 }],
      ["10.0.0.1", { origin: "igp", asPath: [], localPref: 200, communities: [7] }],
    ]);
  });

  it("answer ROUTE-REFRESH with all routes again, between BoRR and EoRR", () => {
    const { net, a, b } = twoSpeakers({ originate: ["10.1.0.0/16", "10.2.0.0/16"] });
    net.settle();
    a.sent.length = 0;
    net.inject(b, { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 0 });
    net.run(50);
    expect(a.sent.map(({ message }) => message)).toMatchObject([
      { type: "ROUTE-REFRESH", subtype: 1 },
      { type: "UPDATE", announced: [{ prefixes: ["10.1.0.0/16", "10.2.0.0/16"] }] },
      { type: "ROUTE-REFRESH", subtype: 2 },
    ]);
    expect(b.status().families[0]!.received).toBe(2);
  });

  it("answer many ROUTE-REFRESHes that come at once with all routes once", () => {
    const { net, a, b } = twoSpeakers({ originate: ["10.1.0.0/16"] });
    net.settle();
    a.sent.length = 0;
    const refresh = { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 0 } as const;
    net.inject(b, refresh, refresh, refresh);
    net.run(50);
    expect(a.sent.map(({ message }) => message.type)).toEqual([
      "ROUTE-REFRESH",
      "UPDATE",
      "ROUTE-REFRESH",
    ]);
  });

  it.each([
    ["plain" as const, [2]],
    [true, [5, 2, 5]],
  ])("answer a peer that knows no BoRR and EoRR without them: %s", (refreshes, types) => {
    const { sent, say } = scriptedPeer({ refreshes }, {}, { originate: ["10.9.0.0/16"] });
    sent.length = 0;
    say({ type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 0 });
    expect(sent.map((bytes) => bytes[18])).toEqual(types);
  });

  it("drop routes that the peer leaves out between BoRR and EoRR", () => {
    const { net, a, b } = twoSpeakers({ originate: ["10.1.0.0/16"] });
    net.settle();
    net.inject(a, { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 1 });
    net.run(5);
    expect(b.speaker.routesReceived()).toMatchObject([{ prefix: "10.1.0.0/16", stale: true }]);
    expect([...b.timers.keys()]).toContain("1:sweepStale");
    net.inject(a, { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 2 });
    net.run(5);
    expect(b.speaker.routesReceived()).toEqual([]);
    expect(b.speaker.routesAvailable()).toEqual([]);
    expect([...b.timers.keys()]).not.toContain("1:sweepStale");
  });

  it("sweep nothing by an End-of-RIB amid a refresh, which ends with EoRR as ever (RFC 7313 §4)", () => {
    const { net, a, b } = twoSpeakers({ originate: ["10.1.0.0/16", "10.2.0.0/16"] });
    net.settle();
    const stale = () => b.speaker.routesReceived().map((route) => `${route.prefix} ${route.stale}`);
    const refresh = { type: "ROUTE-REFRESH", family: ipv4Unicast } as const;
    net.inject(a, { ...refresh, subtype: 1 }, endOfRib(ipv4Unicast));
    net.run(5);
    expect(stale()).toEqual(["10.1.0.0/16 true", "10.2.0.0/16 true"]);
    expect([...b.timers.keys()]).toContain("1:sweepStale");
    net.inject(a, {
      ...{ type: "UPDATE", withdrawn: [] },
      attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }] },
      announced: [{ family: ipv4Unicast, prefixes: [prefix("10.1.0.0/16")], nextHop: a.address }],
    });
    net.run(5);
    expect(stale()).toEqual(["10.1.0.0/16 false", "10.2.0.0/16 true"]);
    net.inject(a, { ...refresh, subtype: 2 });
    net.run(5);
    expect(stale()).toEqual(["10.1.0.0/16 false"]);
    expect([...b.timers.keys()]).not.toContain("1:sweepStale");
  });

  it("give up a peer that falls silent when the hold time is over, and its routes", () => {
    const { net, a } = twoSpeakers({}, { originate: ["10.2.0.0/16"] });
    net.settle();
    net.run(60_000);
    expect(a.status().state).toBe("Established");
    const silentAtMs = net.nowMs;
    net.silence(true);
    net.runUntil("a is down", () => a.status().state !== "Established");
    // Keepalives come every 2.25 to 3 s.
    expect(net.nowMs - silentAtMs).toBeGreaterThan(5_900);
    expect(net.nowMs - silentAtMs).toBeLessThanOrEqual(9_000);
    expect(a.status().lastDown).toBe("hold timer expired");
    expect(a.speaker.routesReceived()).toEqual([]);
    expect(a.speaker.routesAvailable()).toEqual([]);
    net.silence(false);
    net.settle();
    expect(prefixes(a.speaker.routesReceived())).toEqual(["10.2.0.0/16"]);
  });

  it("keep, count and show routes that the import policy rejects, and use none", () => {
    const { net, a } = twoSpeakers(
      { peer: { importPolicy: "reject" } },
      { originate: ["10.2.0.0/16"] },
    );
    net.settle();
    expect(a.status().families).toMatchObject([{ received: 1, accepted: 0 }]);
    expect(a.speaker.routesReceived()).toMatchObject([
      { prefix: "10.2.0.0/16", best: false, notUsed: "the import policy rejects it" },
    ]);
    expect(a.speaker.routesAvailable()).toEqual([]);
  });

  it("refuse a connection from an address that is no peer's", () => {
    const net = new TestNet();
    const a = net.add(configA({ peer: { passive: true } }), "10.0.0.1");
    const peers = [peerConfig({ address: "10.0.0.1" })];
    const c = net.add(speakerConfig({ routerId: "3.3.3.3", peers }), "10.0.0.3");
    net.run(20);
    expect(a.logs).toContain("warn -: connection from 10.0.0.3 closed: no such peer is configured");
    expect(c.status().state).not.toBe("Established");
    expect(a.wires.size).toBe(0);
  });
});

/** x – y – z in a row; y is in AS 65002. */
function three(of: { x: number; z: number; originateX?: string[]; communities?: number[] }) {
  const net = new TestNet();
  const set = { med: 30, localPref: 200, communities: of.communities ?? [] };
  const exportPolicy = [{ name: "all", action: "accept" as const, set }];
  const x = net.add(
    speakerConfig({
      localAsn: of.x,
      routerId: "1.1.1.1",
      originate: of.originateX ?? ["10.1.0.0/16"],
      peers: [peerConfig({ address: "10.0.0.2", exportPolicy })],
    }),
    "10.0.0.1",
  );
  const y = net.add(
    speakerConfig({
      localAsn: 65002,
      routerId: "2.2.2.2",
      originate: ["10.2.0.0/16"],
      peers: [
        peerConfig({ name: "x", address: "10.0.0.1" }),
        peerConfig({ name: "z", address: "10.0.0.3" }),
      ],
    }),
    "10.0.0.2",
  );
  const peers = [peerConfig({ address: "10.0.0.2" })];
  const z = net.add(speakerConfig({ localAsn: of.z, routerId: "3.3.3.3", peers }), "10.0.0.3");
  net.settle();
  return { net, x, y, z };
}

describe("three speakers in a row", () => {
  it("eBGP to eBGP: prepended twice, next hop changed, MED not passed on", () => {
    const { z } = three({ x: 65001, z: 65003 });
    const route = z.speaker.routesReceived().find((of) => of.prefix === "10.1.0.0/16");
    expect(route).toMatchObject({ nextHop: "10.0.0.2" });
    expect(route?.attributes).toEqual({
      origin: "igp",
      asPath: [{ kind: "sequence", asns: [65002, 65001] }],
    });
  });

  it("eBGP to iBGP: AS path, next hop and MED as they came, LOCAL_PREF added", () => {
    const { z } = three({ x: 65001, z: 65002 });
    const route = z.speaker.routesReceived().find((of) => of.prefix === "10.1.0.0/16");
    expect(route).toMatchObject({
      nextHop: "10.0.0.1",
      attributes: {
        origin: "igp",
        asPath: [{ kind: "sequence", asns: [65001] }],
        med: 30,
        localPref: 100,
      },
    });
  });

  it("iBGP to iBGP: not passed on", () => {
    const { y, z } = three({ x: 65002, z: 65002 });
    expect(prefixes(y.speaker.routesReceived("x"))).toEqual(["10.1.0.0/16"]);
    expect(prefixes(z.speaker.routesReceived())).toEqual(["10.2.0.0/16"]);
  });

  it("a route that comes back in a loop stays in adj-rib-in and is not used", () => {
    const { z, y } = three({ x: 65001, z: 65001 });
    expect(prefixes(y.speaker.routesAdvertised("z"))).toContain("10.1.0.0/16");
    const looped = z.speaker.routesReceived().find((of) => of.prefix === "10.1.0.0/16");
    expect(looped?.notUsed).toMatch(/AS 65001 is already in its AS path/);
    expect(z.status().families).toMatchObject([{ received: 2, accepted: 1 }]);
    expect(prefixes(z.speaker.routesAvailable())).toEqual(["10.2.0.0/16"]);
  });

  it.each([
    ["no-export", WellKnownCommunity.noExport, 65003, ["10.2.0.0/16"]],
    ["no-export", WellKnownCommunity.noExport, 65002, ["10.1.0.0/16", "10.2.0.0/16"]],
    ["no-advertise", WellKnownCommunity.noAdvertise, 65002, ["10.2.0.0/16"]],
  ])("%s is acted on (peer in AS %s)", (_, community, asnOfZ, expected) => {
    const { z } = three({ x: 65001, z: asnOfZ, communities: [community] });
    expect(prefixes(z.speaker.routesReceived())).toEqual(expected);
  });

  it("a lost peer's routes are withdrawn from the others", () => {
    const { net, x, z } = three({ x: 65001, z: 65003 });
    net.crash(x);
    net.run(10);
    expect(prefixes(z.speaker.routesReceived())).toEqual(["10.2.0.0/16"]);
  });

  it("explain: candidates, the step that decided, what peers are told", () => {
    const { y } = three({ x: 65001, z: 65003, originateX: ["10.1.0.0/16", "10.2.0.0/16"] });
    expect(y.speaker.explain(prefix("10.2.0.0/16"))).toMatchObject({
      best: { best: true, attributes: { asPath: [] } },
      candidates: [
        { best: true },
        { peer: "x", best: false, droppedBy: { name: "originated here", rfc: "RFC 4271 §9.1.1" } },
      ],
      notUsed: [],
      steps: [{ name: "originated here", kept: ["here"], dropped: ["x"] }],
      exports: [
        { peer: "x", statement: "all", sent: { nextHop: "10.0.0.2" } },
        { peer: "z", statement: "all", sent: { nextHop: "10.0.0.2" } },
      ],
    });
    expect(y.speaker.explain(prefix("10.1.0.0/16")).exports).toMatchObject([
      { peer: "x", withheld: "it came from this peer" },
      { peer: "z", sent: { attributes: { asPath: [{ asns: [65002, 65001] }] } } },
    ]);
    expect(y.speaker.explain(prefix("10.7.0.0/16"))).toEqual({
      prefix: "10.7.0.0/16",
      candidates: [],
      notUsed: [],
      steps: [],
      exports: [],
    });
  });
});
