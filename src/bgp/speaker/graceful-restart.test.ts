import { describe, expect, it } from "vitest";
import { ipv4Unicast } from "../wire/registry.ts";
import { scriptedPeer } from "./scripted-peer.testkit.ts";
import { configA, twoSpeakers } from "./two-speakers.testkit.ts";

const peer = { gracefulRestart: { restartTimeSeconds: 60 } };
const originate = ["10.1.0.0/16", "10.2.0.0/16"];

/** a, which is about to restart, and its helper b. */
function settled() {
  const pair = twoSpeakers({ originate, peer }, { peer });
  pair.net.settle();
  return pair;
}

describe("graceful restart helper (RFC 4724 §4.2)", () => {
  it("keeps the routes as stale, and uses them, until the peer has sent them again", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(5_000);
    expect(b.status().state).not.toBe("Established");
    expect(b.speaker.routesReceived()).toMatchObject([
      { prefix: "10.1.0.0/16", stale: true, best: true },
      { prefix: "10.2.0.0/16", stale: true, best: true },
    ]);
    // Back with one route less: it goes at End-of-RIB.
    net.restart(a, configA({ originate: ["10.1.0.0/16"], peer }), true);
    const before = b.changed.length;
    net.runUntil("b sees a again", () => b.status().state === "Established");
    net.run(10);
    expect(b.status().gracefulRestart).toMatchObject({ restarting: true });
    expect(b.speaker.routesReceived()).toMatchObject([{ prefix: "10.1.0.0/16", stale: false }]);
    expect(b.speaker.routesAvailable()).toHaveLength(1);
    expect(b.changed.length).toBeGreaterThan(before);
    // The timer that would have removed them is off.
    net.run(400_000);
    expect(b.speaker.routesReceived()).toHaveLength(1);
  });

  it("removes them when the peer is not back in its restart time", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(59_000);
    expect(b.speaker.routesReceived()).toHaveLength(2);
    net.run(2_000);
    expect(b.speaker.routesReceived()).toEqual([]);
    expect(b.speaker.routesAvailable()).toEqual([]);
    expect(b.logs.at(-1)).toContain("stale ipv4/unicast routes removed");
  });

  it("removes them at once where the peer has not preserved its forwarding", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(1_000);
    net.restart(a, configA({ originate: [], peer: {} }), false);
    net.runUntil("b sees a again", () => b.status().state === "Established");
    expect(b.speaker.routesReceived()).toEqual([]);
    expect([...b.timers.keys()].filter((timer) => timer.endsWith("sweepStale"))).toEqual([]);
  });

  it("removes what is still stale when the peer goes a second time", () => {
    const { speaker, open, close } = scriptedPeer({ restarts: [ipv4Unicast], notification: false });
    close();
    open();
    expect(speaker.routesReceived()).toMatchObject([{ stale: true }]);
    close();
    expect(speaker.routesReceived()).toEqual([]);
  });

  it("with the N bit of both sides it stays, for a while at most (RFC 8538 §4.1)", () => {
    const { speaker, timers, open, close, fire } = scriptedPeer({ restarts: [ipv4Unicast] });
    close();
    expect(timers.get("1:staleLimit")).toBe(420_000);
    timers.set("1:staleLimit", 0);
    for (const _ of ["second", "third"]) {
      open();
      close();
      expect(speaker.routesReceived()).toMatchObject([{ stale: true, best: true }]);
    }
    // It is not begun anew.
    expect(timers.get("1:staleLimit")).toBe(0);
    open();
    fire("1:staleLimit");
    expect(speaker.routesReceived()).toEqual([]);
    expect(speaker.peers(0)).toMatchObject([{ state: "Established" }]);
  });

  it("how long that is can be said", () => {
    const more = { stalePathTimeSeconds: 180 };
    const { timers, open, close } = scriptedPeer({ restarts: [ipv4Unicast] }, more);
    close();
    expect(timers.get("1:staleLimit")).toBe(240_000);
    open();
    expect(timers.get("1:sweepStale")).toBe(180_000);
  });

  it("what the peer sent again needs no limit any more", () => {
    const { speaker, timers, open, close, say } = scriptedPeer({ restarts: [ipv4Unicast] });
    close();
    open();
    say({
      type: "UPDATE",
      withdrawn: [],
      attributes: undefined,
      announced: [],
      endOfRib: ipv4Unicast,
    });
    expect(speaker.routesReceived()).toEqual([]);
    expect([...timers.keys()].filter((timer) => /stale/i.test(timer))).toEqual([]);
  });

  it("keeps nothing without the capability", () => {
    const { net, a, b } = twoSpeakers({ originate }, { peer });
    net.settle();
    net.crash(a);
    net.run(10);
    expect(b.speaker.routesReceived()).toEqual([]);
  });

  it("keeps nothing of a peer that was taken out of its configuration", () => {
    const { net, a, b } = settled();
    net.configure(a, { ...configA({ originate, peer }), peers: [] });
    net.run(10);
    expect(b.speaker.routesReceived()).toEqual([]);
  });
});

describe("restarting (RFC 4724 §4.1)", () => {
  it("says so in the first OPEN and not after the first session", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.run(10);
    net.restart(a, configA({ originate, peer }), true);
    net.settle();
    expect(b.status().gracefulRestart?.restarting).toBe(true);
    net.reset();
    net.runUntil("down", () => b.status().state !== "Established");
    net.settle();
    expect(b.status().gracefulRestart?.restarting).toBe(false);
  });

  it("does not say so to a peer configured after the restart time", () => {
    const { net, a, b } = settled();
    net.crash(a);
    net.restart(a, { ...configA({ originate }), peers: [] }, true);
    net.run(61_000);
    net.configure(a, configA({ originate, peer }));
    net.runUntil("up", () => b.status().state === "Established");
    expect(b.status().gracefulRestart?.restarting).toBe(false);
  });
});
