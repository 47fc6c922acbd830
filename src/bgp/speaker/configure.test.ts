import { describe, expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import { CeaseSubcode, ipv4Unicast, ipv6Unicast, NotificationCode } from "../wire/registry.ts";
import type { PolicyStatement } from "./config.ts";
import {
  configA,
  configB,
  peerConfig,
  TestNet,
  type TestNode,
  twoSpeakers,
} from "./two-speakers.testkit.ts";

const originate = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"];

/** What a node said since, without the keepalives: UPDATEs as [withdrawn, announced]. */
function said(node: TestNode) {
  return node.sent
    .filter(({ message }) => message.type !== "KEEPALIVE")
    .map(({ message }) =>
      message.type === "UPDATE"
        ? [
            message.withdrawn.flatMap((of) => of.prefixes),
            message.announced.flatMap((of) => of.prefixes),
          ]
        : message,
    );
}

function cease(subcode: number): unknown {
  return expect.objectContaining({
    type: "NOTIFICATION",
    code: NotificationCode.cease,
    subcode,
  });
}

/** Settled, with nothing on record. */
function settled(...of: Parameters<typeof twoSpeakers>) {
  const pair = twoSpeakers(...of);
  pair.net.settle();
  pair.a.sent.length = 0;
  pair.b.sent.length = 0;
  return pair;
}

describe("configure without a reset", () => {
  it("says nothing where nothing changed", () => {
    const { net, a } = settled({ originate });
    net.configure(a, configA({ originate: originate.toReversed() }));
    expect(said(a)).toEqual([]);
  });

  it("sends changed prefixes only", () => {
    const { net, a } = settled({ originate });
    net.configure(a, configA({ originate: ["10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"] }));
    expect(said(a)).toEqual([
      [["10.1.0.0/16"], []],
      [[], ["10.4.0.0/16"]],
    ]);
  });

  it("sends only what another export policy changes", () => {
    const { net, a, b } = settled({ originate });
    const one = [prefix("10.2.0.0/16")];
    const all: PolicyStatement = { name: "all", action: "accept" };
    const med: PolicyStatement = { name: "med", prefixes: one, action: "accept", set: { med: 9 } };
    net.configure(a, configA({ originate, peer: { exportPolicy: [med, all] } }));
    expect(said(a)).toEqual([[[], ["10.2.0.0/16"]]]);
    const reject: PolicyStatement = { name: "no", prefixes: one, action: "reject" };
    net.configure(a, configA({ originate, peer: { exportPolicy: [reject, all] } }));
    expect(said(a).slice(1)).toEqual([[["10.2.0.0/16"], []]]);
    net.configure(a, configA({ originate, peer: { exportPolicy: [] } }));
    expect(said(a).slice(2)).toEqual([[["10.1.0.0/16", "10.3.0.0/16"], []]]);
    net.run(10);
    expect(b.status().families[0]!.received).toBe(0);
    expect(a.status().state).toBe("Established");
  });

  it("sends a prefix and the statement for it as one UPDATE", () => {
    const { net, a } = settled({ originate: [], peer: { exportPolicy: [] } });
    const exportPolicy: PolicyStatement[] = [
      { name: "one", prefixes: [prefix("10.1.0.0/16")], action: "accept" },
    ];
    net.configure(a, configA({ originate: ["10.1.0.0/16"], peer: { exportPolicy } }));
    expect(said(a)).toEqual([[[], ["10.1.0.0/16"]]]);
  });

  it("judges received routes anew under another import policy", () => {
    const { net, a } = settled({}, { originate: ["10.9.0.0/16"] });
    net.configure(a, configA({ peer: { importPolicy: "reject" } }));
    expect(a.speaker.routesAvailable()).toEqual([]);
    expect(a.status().families).toMatchObject([{ received: 1, accepted: 0 }]);
    net.configure(a, configA({ peer: { importPolicy: "accept" } }));
    expect(a.speaker.routesAvailable()).toMatchObject([{ prefix: "10.9.0.0/16", best: true }]);
    expect(said(a)).toEqual([]);
  });

  it("takes graceful restart up with the next session", () => {
    const { net, a, b } = settled({}, { peer: { gracefulRestart: { restartTimeSeconds: 60 } } });
    net.configure(a, configA({ peer: { gracefulRestart: { restartTimeSeconds: 30 } } }));
    expect(said(a)).toEqual([]);
    net.reset();
    net.settle();
    expect(b.status().gracefulRestart).toMatchObject({ restartTimeSeconds: 30 });
  });
});

describe("configure with a reset", () => {
  it.each([
    ["hold time", configA({ originate, peer: { holdTimeSeconds: 30 } })],
    ["keepalive time", configA({ originate, peer: { keepaliveTimeSeconds: 1 } })],
    ["families", configA({ originate, peer: { families: [ipv4Unicast, ipv6Unicast] } })],
    ["IPv6 next hops", configA({ originate, peer: { extendedNextHop: false } })],
    ["password", configA({ originate, peer: { password: "secret" } })],
    ["ASN of the peer", configA({ originate, peer: { asn: 65002 } })],
    ["local ASN", configA({ originate, localAsn: 65009 })],
    ["listening port", configA({ originate, listenPort: 1790 })],
  ])("%s", (_, config) => {
    const { net, a, b } = settled({ originate }, { originate: ["10.9.0.0/16"] });
    net.configure(a, config);
    expect(said(a)[0]).toEqual(cease(CeaseSubcode.otherConfigurationChange));
    expect(a.speaker.routesReceived()).toEqual([]);
    net.run(3);
    expect(b.status().lastDown).toContain("Cease/Other Configuration Change");
    expect(b.speaker.routesReceived()).toEqual([]);
  });

  it("comes back with the new values", () => {
    const { net, a, b } = settled({ originate });
    net.configure(a, configA({ originate, localAsn: 65009, peer: { holdTimeSeconds: 6 } }));
    net.settle();
    expect(b.status()).toMatchObject({ asn: 65009, appliedHoldTimeSeconds: 6 });
    expect(b.status().families[0]!.received).toBe(3);
  });

  it("leaves a peer under another name the time to read that its session has ended", () => {
    const { net, a, b } = settled({ peer: { passive: false } }, { peer: { passive: true } });
    const dials = () => a.speaker.peers(net.nowMs).map(({ name, state }) => `${name} ${state}`);
    net.configure(a, configA({ peer: { name: "renamed" } }));
    expect(dials()).toEqual(["renamed Idle"]);
    net.run(249);
    expect(dials()).toEqual(["renamed Idle"]);
    net.run(1);
    expect(dials()).toEqual(["renamed Connect"]);
    net.settle();
    expect(b.status().lastDown).toContain("Cease/Peer De-configured");

    // One that there was no session with is called at once.
    net.configure(a, { ...configA(), peers: [peerConfig({ name: "new", address: "10.0.0.9" })] });
    expect(dials()).toEqual(["new Connect"]);
  });

  it("tells a removed peer, forgets its routes and its timers", () => {
    const { net, a, b } = settled({}, { originate: ["10.9.0.0/16"] });
    net.configure(a, { ...configA(), peers: [] });
    expect(said(a)).toEqual([cease(CeaseSubcode.peerDeconfigured)]);
    expect(a.speaker.peers(net.nowMs)).toEqual([]);
    expect(a.speaker.routesAvailable()).toEqual([]);
    expect([...a.timers.keys()]).toEqual([]);
    expect(a.wires.size).toBe(0);
    net.run(10);
    expect(b.status().lastDown).toContain("Cease/Peer De-configured");
  });

  it("closes a connection that comes up after its peer is gone", () => {
    const net = new TestNet();
    const a = net.add(configA(), "10.0.0.1");
    net.configure(a, { ...configA(), peers: [] });
    const ends = { localAddress: a.address, remoteAddress: configA().peers[0]!.address };
    expect(a.speaker.step({ input: "connected", connection: 1, ...ends }, net.nowMs)).toEqual([
      { do: "close", connection: 1 },
    ]);
    expect(a.speaker.step({ input: "closed", connection: 1 }, net.nowMs)).toEqual([]);
  });

  it("adds a peer and leaves the others alone", () => {
    const { net, a, b } = settled({ originate });
    const added = peerConfig({ name: "c", address: "10.0.0.3" });
    net.add({ ...configB(), localAsn: 65003, routerId: configA().routerId }, "10.0.0.3");
    net.configure(a, { ...configA({ originate }), peers: [added, ...configA().peers] });
    net.settle();
    expect(a.speaker.peers(net.nowMs).map(({ name }) => name)).toEqual(["c", "b"]);
    expect(said(b)).toEqual([]);
    expect(a.sent.filter(({ to }) => to === "10.0.0.2").length).toBe(0);
  });

  it("lowers the connect retry time of a peer that is not there at once", () => {
    const net = new TestNet();
    const a = net.add(configA({ peer: { connectRetryTimeSeconds: 1000 } }), "10.0.0.1");
    net.run(1_000_000);
    const before = a.speaker.peers(net.nowMs);
    net.configure(a, configA({ peer: { connectRetryTimeSeconds: 1 } }));
    const b = net.add(configB({ peer: { passive: true } }), "10.0.0.2");
    net.runUntil("up", () => b.status().state === "Established", 5_000);
    expect(before[0]!.lastError).toContain("10.0.0.2");
  });
});

describe("stop", () => {
  const gracefulRestart = { restartTimeSeconds: 60 };

  it("ends all with Cease/Administrative Shutdown, and does nothing more", () => {
    const { net, a, b } = settled({ originate });
    net.perform(a, a.speaker.stop("cease", net.nowMs));
    net.run(10);
    expect(b.status().lastDown).toContain("Cease/Administrative Shutdown");
    expect([...a.timers.keys()]).toEqual([]);
    const sentBefore = a.sent.length;
    net.run(60_000);
    expect(a.sent.length).toBe(sentBefore);
    expect(a.speaker.step({ input: "timer", timer: "1:connectRetry" }, net.nowMs)).toEqual([]);
    expect(a.speaker.configure(configA(), net.nowMs)).toEqual([]);
  });

  it("graceful: without a word to a peer that keeps the routes", () => {
    const { net, a, b } = settled(
      { originate, peer: { gracefulRestart } },
      { peer: { gracefulRestart } },
    );
    net.perform(a, a.speaker.stop("graceful", net.nowMs));
    expect(said(a)).toEqual([]);
    net.run(10);
    expect(b.speaker.routesReceived().map(({ stale }) => stale)).toEqual([true, true, true]);
  });

  it("graceful: with a word to a peer that does not", () => {
    const { net, a, b } = settled({ originate, peer: { gracefulRestart } });
    net.perform(a, a.speaker.stop("graceful", net.nowMs));
    net.run(10);
    expect(b.status().lastDown).toContain("Cease/Administrative Shutdown");
  });
});
