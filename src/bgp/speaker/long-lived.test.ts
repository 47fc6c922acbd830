import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { ipv4Unicast, WellKnownCommunity } from "../wire/registry.ts";
import { endOfRib } from "./outbound.ts";
import { scriptedPeer } from "./scripted-peer.testkit.ts";
import {
  configA,
  configB,
  peerConfig,
  type TestNet,
  type TestNode,
  twoSpeakers,
} from "./two-speakers.testkit.ts";

const { llgrStale, noLlgr } = WellKnownCommunity;
const gracefulRestart = { restartTimeSeconds: 60, longLivedStaleTimeSeconds: 600 };
const peer = { gracefulRestart };
const originate = ["10.1.0.0/16"];

/** b keeps the routes of a, which is about to go; c, a peer of b, hears of them. */
function settled(
  peerOfC: object = peer,
  asnOfC = 65003,
): { net: TestNet; a: TestNode; b: TestNode; c: TestNode } {
  const { net, a, b } = twoSpeakers({ originate, peer }, { peer });
  const peers = [
    ...configB({ peer }).peers,
    peerConfig({ name: "c", address: "10.0.0.3", ...peerOfC }),
  ];
  net.configure(b, { ...configB({ peer }), peers });
  const c = net.add(
    { ...configA({ peer }), localAsn: asnOfC, routerId: address("3.3.3.3") },
    "10.0.0.3",
  );
  net.settle();
  return { net, a, b, c };
}

describe("long-lived graceful restart helper (RFC 9494 §4.2)", () => {
  it("after the restart time the routes stay, marked, as the last choice, for the stale time", () => {
    const { net, a, b, c } = settled();
    net.crash(a);
    net.run(59_000);
    expect(b.speaker.routesReceived("a")).toMatchObject([{ stale: true, best: true }]);
    expect(b.speaker.routesReceived("a")[0]!.attributes.communities).toBeUndefined();
    net.run(2_000);
    expect(b.speaker.routesReceived("a")).toMatchObject([
      { stale: true, best: true, attributes: { communities: [llgrStale] } },
    ]);
    expect(b.logs).toContain("info a: keeping ipv4/unicast routes as long-lived stale for 600 s");
    // It goes on, with its mark, to who knows what it means.
    expect(c.speaker.routesReceived()).toMatchObject([
      { attributes: { communities: [llgrStale] } },
    ]);
    net.run(597_000);
    expect(b.speaker.routesReceived("a")).toHaveLength(1);
    net.run(4_000);
    expect(b.speaker.routesReceived("a")).toEqual([]);
    expect(c.speaker.routesReceived()).toEqual([]);
  });

  it("not to a peer that does not know of them", () => {
    const { net, a, c } = settled({ gracefulRestart: { restartTimeSeconds: 60 } });
    net.crash(a);
    net.run(50_000);
    expect(c.speaker.routesReceived()).toHaveLength(1);
    net.run(15_000);
    expect(c.speaker.routesReceived()).toEqual([]);
  });

  it("but for an internal one, where a partial deployment is wanted: as a last resort (§4.6)", () => {
    const partial = {
      gracefulRestart: { restartTimeSeconds: 60 },
      longLivedPartialDeployment: true,
    };
    const { net, a, c } = settled(partial, 65002);
    net.crash(a);
    net.run(65_000);
    expect(c.speaker.routesReceived()).toMatchObject([
      { attributes: { localPref: 0, communities: [llgrStale, WellKnownCommunity.noExport] } },
    ]);
  });

  it("routes with NO_LLGR end with the restart time", () => {
    const { net, a, b } = settled();
    net.inject(a, {
      type: "UPDATE",
      withdrawn: [],
      attributes: {
        origin: "igp",
        asPath: [{ kind: "sequence", asns: [65001] }],
        communities: [noLlgr],
      },
      announced: [
        { family: ipv4Unicast, nextHop: address("10.0.0.1"), prefixes: [prefix("10.9.0.0/16")] },
      ],
    });
    net.run(10);
    net.crash(a);
    net.run(50_000);
    expect(b.speaker.routesReceived("a")).toHaveLength(2);
    net.run(15_000);
    expect(b.speaker.routesReceived("a")).toMatchObject([{ prefix: "10.1.0.0/16" }]);
  });

  it("a peer that is back takes its routes up again, without the mark and without a timer left", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(120_000);
    net.restart(a, configA({ originate, peer }), true);
    net.settle();
    expect(b.speaker.routesReceived("a")).toMatchObject([{ stale: false, best: true }]);
    expect(b.speaker.routesReceived("a")[0]!.attributes.communities).toBeUndefined();
    expect([...b.timers.keys()].filter((timer) => /sweep|longLived/.test(timer))).toEqual([]);
    net.run(700_000);
    expect(b.speaker.routesReceived("a")).toHaveLength(1);
  });

  it("what it does not send again goes at its End-of-RIB", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(120_000);
    net.restart(a, configA({ originate: ["10.2.0.0/16"], peer }), true);
    net.settle();
    expect(b.speaker.routesReceived("a")).toMatchObject([{ prefix: "10.2.0.0/16" }]);
  });

  it("one that lost its forwarding loses its routes when it is back", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(120_000);
    net.restart(a, configA({ originate: [], peer }), false);
    net.runUntil("a is back", () => b.speaker.peers(0)[0]!.state === "Established");
    expect(b.speaker.routesReceived("a")).toEqual([]);
  });

  it("a peer that goes again before its End-of-RIB loses nothing before the stale time is over", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(120_000);
    net.restart(a, configA({ originate: [], peer }), true);
    net.runUntil("a is back", () => b.speaker.peers(0)[0]!.state === "Established");
    net.crash(a);
    net.run(10);
    const kept = { prefix: "10.1.0.0/16", attributes: { communities: [llgrStale] } };
    expect(b.speaker.routesReceived("a")).toMatchObject([kept]);
    // The time that began 60 s after the first end, and no other.
    net.run(535_000);
    expect(b.speaker.routesReceived("a")).toMatchObject([kept]);
    net.run(10_000);
    expect(b.speaker.routesReceived("a")).toEqual([]);
  });

  it("a stale time that ends before the End-of-RIB ends what is stale, and with the session the rest", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(640_000);
    // Its End-of-RIB waits for a peer that is not there (RFC 4724 §4.1).
    const absent = peerConfig({ name: "absent", address: "10.0.0.9", ...peer });
    const config = configA({ originate: ["10.2.0.0/16"], peer });
    net.restart(a, { ...config, peers: [...config.peers, absent] }, true);
    net.runUntil("a is back", () => b.speaker.peers(0)[0]!.state === "Established");
    net.run(10);
    const prefixes = () => b.speaker.routesReceived("a").map((route) => route.prefix);
    expect(prefixes()).toEqual(["10.1.0.0/16", "10.2.0.0/16"]);
    net.run(25_000);
    expect(prefixes()).toEqual(["10.2.0.0/16"]);
    net.crash(a);
    net.run(10);
    expect(prefixes()).toEqual([]);
  });

  it("a family that graceful restart leaves out has a restart time of zero", () => {
    const { speaker, timers, close } = scriptedPeer({ restarts: [], longLived: [ipv4Unicast] });
    close();
    expect(speaker.routesReceived()).toMatchObject([
      { stale: true, attributes: { communities: [llgrStale] } },
    ]);
    expect(timers.get("1:longLived/ipv4/unicast")).toBe(600_000);
    expect(timers.has("1:sweepStale")).toBe(false);
  });

  it("the stale time goes on until the peer has said End-of-RIB, though it has sent all routes again", () => {
    const { timers, fire, close, open, say } = scriptedPeer({
      restarts: [ipv4Unicast],
      longLived: [ipv4Unicast],
    });
    const runs = () => timers.has("1:longLived/ipv4/unicast");
    close();
    fire("1:sweepStale");
    open();
    say({
      ...{ type: "UPDATE", withdrawn: [] },
      attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }] },
      announced: [
        {
          ...{ family: ipv4Unicast, nextHop: address("10.0.0.1") },
          prefixes: [prefix("10.1.0.0/16")],
        },
      ],
    });
    expect(runs()).toBe(true);
    say(endOfRib(ipv4Unicast));
    expect(runs()).toBe(false);
  });

  it("routes that have it stay by the F bit of its own capability, others by graceful restart's", () => {
    const says = { restarts: [ipv4Unicast], longLived: [ipv4Unicast], longLivedPreserved: false };
    const soon = scriptedPeer(says);
    soon.close();
    soon.open();
    expect(soon.speaker.routesReceived()).toMatchObject([{ stale: true }]);
    const late = scriptedPeer(says);
    late.close();
    late.fire("1:sweepStale");
    expect(late.speaker.routesReceived()).toMatchObject([{ stale: true }]);
    late.open();
    expect(late.speaker.routesReceived()).toEqual([]);
  });

  it("of a peer that is back and says nothing they stay for their stale time, no shorter (§4.2)", () => {
    const both = { restarts: [ipv4Unicast], longLived: [ipv4Unicast] };
    const { speaker, fire, close, open } = scriptedPeer(both);
    close();
    fire("1:sweepStale");
    open();
    // What bounds the wait for an End-of-RIB after a restart.
    fire("1:sweepStale");
    expect(speaker.routesReceived()).toMatchObject([{ stale: true }]);
    fire("1:longLived/ipv4/unicast");
    expect(speaker.routesReceived()).toEqual([]);
  });

  it("is not begun while the peer is back: what it does not send again in time goes", () => {
    const both = { restarts: [ipv4Unicast], longLived: [ipv4Unicast] };
    const { speaker, timers, fire, close, open } = scriptedPeer(both);
    close();
    open();
    expect(speaker.routesReceived()).toMatchObject([{ stale: true }]);
    fire("1:sweepStale");
    expect(speaker.routesReceived()).toEqual([]);
    expect(timers.has("1:longLived/ipv4/unicast")).toBe(false);
  });

  it("a stale time of 0 keeps nothing beyond the restart time", () => {
    const never = { longLived: [ipv4Unicast], staleTimeSeconds: 0 };
    const left = scriptedPeer({ restarts: [], ...never });
    left.close();
    expect(left.speaker.routesReceived()).toEqual([]);
    const restarting = scriptedPeer({ restarts: [ipv4Unicast], ...never });
    restarting.close();
    expect(restarting.speaker.routesReceived()).toMatchObject([{ stale: true }]);
    restarting.fire("1:sweepStale");
    expect(restarting.speaker.routesReceived()).toEqual([]);
    expect([...restarting.timers.keys()].filter((timer) => /stale|longLived/i.test(timer))).toEqual(
      [],
    );
  });

  it("one that the long-lived one leaves out has no long life, nor has any without graceful restart (§4.5)", () => {
    const short = scriptedPeer({ restarts: [ipv4Unicast], longLived: [] });
    short.close();
    expect(short.speaker.routesReceived()).toMatchObject([{ stale: true }]);
    short.fire("1:sweepStale");
    expect(short.speaker.routesReceived()).toEqual([]);
    const none = scriptedPeer({ longLived: [ipv4Unicast] });
    none.close();
    expect(none.speaker.routesReceived()).toEqual([]);
  });
});
