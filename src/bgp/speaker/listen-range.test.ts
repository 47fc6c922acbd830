import { describe, expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import type { ListenRange, PeerTemplate, SpeakerConfig } from "./config.ts";
import { listenRangeOf } from "./listen-range.ts";
import { peerConfig, speakerConfig, TestNet } from "./two-speakers.testkit.ts";

function template(of: Partial<PeerTemplate> = {}): PeerTemplate {
  const {
    name: _,
    address: __,
    passive: ___,
    port: ____,
    ...rest
  } = peerConfig({
    address: "10.0.0.9",
  });
  return { ...rest, ...of };
}

function hubConfig(
  ranges: (Partial<ListenRange> & { prefix: ListenRange["prefix"] })[],
): SpeakerConfig {
  return {
    ...speakerConfig({ localAsn: 65000, routerId: "1.1.1.1" }),
    listenRanges: ranges.map((range) => ({ limit: 10, peer: template(), ...range })),
  };
}

function spoke(i: number, of: { originate?: string[]; graceful?: boolean } = {}) {
  const gracefulRestart = of.graceful ? { gracefulRestart: { restartTimeSeconds: 60 } } : {};
  const peers = [peerConfig({ address: "10.0.0.1", ...gracefulRestart })];
  return speakerConfig({
    localAsn: 65000 + i,
    routerId: `0.0.0.${i}`,
    originate: of.originate ?? [],
    peers,
  });
}

const range = { prefix: prefix("10.0.0.0/24") };

describe("dynamic neighbours", () => {
  it("come up when they call, are told apart, and are forgotten when they go", () => {
    const net = new TestNet();
    const hub = net.add(hubConfig([range]), "10.0.0.1");
    expect(hub.speaker.peers(0)).toEqual([]);
    const two = net.add(spoke(2, { originate: ["10.2.0.0/16"] }), "10.0.0.2");
    const three = net.add(spoke(3, { originate: ["10.3.0.0/16"] }), "10.0.0.3");
    net.settle();
    expect(hub.speaker.peers(0)).toMatchObject([
      { name: "10.0.0.2", asn: 65002, state: "Established", listenRange: "10.0.0.0/24" },
      { name: "10.0.0.3", asn: 65003, state: "Established", listenRange: "10.0.0.0/24" },
    ]);
    expect(two.speaker.routesReceived()).toMatchObject([{ prefix: "10.3.0.0/16" }]);
    net.crash(three);
    net.run(10);
    expect(hub.speaker.peers(0)).toMatchObject([{ name: "10.0.0.2" }]);
    expect([...hub.timers.keys()]).toHaveLength(2);
    expect(two.speaker.routesReceived()).toEqual([]);
    // Nobody calls the one that is gone.
    net.run(60_000);
    expect(hub.speaker.peers(0)).toHaveLength(1);
  });

  it("stay while their routes are kept for a restart", () => {
    const net = new TestNet();
    const gracefulRestart = { restartTimeSeconds: 60 };
    const hub = net.add(hubConfig([{ ...range, peer: template({ gracefulRestart }) }]), "10.0.0.1");
    const two = net.add(spoke(2, { originate: ["10.2.0.0/16"], graceful: true }), "10.0.0.2");
    net.settle();
    net.crash(two);
    net.run(30_000);
    expect(hub.speaker.routesAvailable()).toMatchObject([{ prefix: "10.2.0.0/16" }]);
    net.run(31_000);
    expect(hub.speaker.routesAvailable()).toEqual([]);
    expect(hub.speaker.peers(0)).toEqual([]);
  });

  it("are no more than the limit, and nobody from elsewhere", () => {
    const net = new TestNet();
    const hub = net.add(hubConfig([{ prefix: prefix("10.0.0.0/29"), limit: 1 }]), "10.0.0.1");
    net.add(spoke(2), "10.0.0.2");
    net.run(1_000);
    net.add(spoke(3), "10.0.0.3");
    net.add(spoke(8), "10.0.0.8");
    net.run(1_000);
    expect(hub.speaker.peers(0)).toMatchObject([{ name: "10.0.0.2", state: "Established" }]);
    expect(hub.logs).toContain(
      "warn -: connection from 10.0.0.3 closed: the listen range 10.0.0.0/29 has its 1 peers already",
    );
    expect(hub.logs).toContain(
      "warn -: connection from 10.0.0.8 closed: no such peer is configured",
    );
  });

  it("take up a changed template, and go with their range", () => {
    const net = new TestNet();
    const hub = net.add(hubConfig([range]), "10.0.0.1");
    const two = net.add(spoke(2, { originate: ["10.2.0.0/16"] }), "10.0.0.2");
    net.settle();
    net.configure(hub, hubConfig([{ ...range, peer: template({ importPolicy: "reject" }) }]));
    net.run(10);
    expect(hub.speaker.peers(0)).toMatchObject([
      { state: "Established", families: [{ received: 1, accepted: 0 }] },
    ]);
    net.configure(hub, hubConfig([]));
    net.run(10);
    expect(hub.speaker.peers(0)).toEqual([]);
    expect(two.status().lastDown).toContain("Cease/Peer De-configured");
  });

  it("one that is configured by itself stays up, and is then called when it is gone", () => {
    const net = new TestNet();
    const hub = net.add(hubConfig([range]), "10.0.0.1");
    const two = net.add(spoke(2), "10.0.0.2");
    net.settle();
    const peers = [peerConfig({ address: "10.0.0.2" })];
    net.configure(hub, { ...hubConfig([range]), peers });
    net.run(10);
    expect(hub.speaker.peers(0)).toMatchObject([{ name: "10.0.0.2", state: "Established" }]);
    expect(hub.speaker.peers(0)[0]).not.toHaveProperty("listenRange");
    expect(two.status().lastDown).toBeUndefined();
    net.crash(two);
    net.run(1_000);
    expect(hub.speaker.peers(0)).toMatchObject([{ name: "10.0.0.2" }]);
    expect(hub.status().lastError).toContain("connection refused");
  });

  it("one that a peer of another name is configured for gives way to it", () => {
    const net = new TestNet();
    const hub = net.add(hubConfig([range]), "10.0.0.1");
    const two = net.add(spoke(2, { originate: ["10.2.0.0/16"] }), "10.0.0.2");
    net.settle();
    const peers = [peerConfig({ name: "two", address: "10.0.0.2", passive: true })];
    net.configure(hub, { ...hubConfig([range]), peers });
    net.run(10);
    expect(two.status().lastDown).toContain("Cease/Peer De-configured");
    net.settle();
    expect(hub.speaker.peers(0)).toMatchObject([{ name: "two", state: "Established" }]);
    expect(hub.speaker.peers(0)[0]).not.toHaveProperty("listenRange");
    expect(hub.speaker.routesReceived()).toMatchObject([{ peer: "two", prefix: "10.2.0.0/16" }]);
  });

  it("a configured peer is called as it is, though it is shut down or its address calls", () => {
    const net = new TestNet();
    const of = { name: "two", address: "10.0.0.2", shutdown: {} };
    const hub = net.add({ ...hubConfig([range]), peers: [peerConfig(of)] }, "10.0.0.1");
    const two = net.add(spoke(2), "10.0.0.2");
    net.run(1_000);
    expect(hub.speaker.peers(0)).toMatchObject([{ name: "two", state: "Idle" }]);
    expect(two.status().lastError).toContain("Cease/Connection Rejected");
  });

  it.each(["first", "later"])(
    "a peer of that name, configured %s, is not put aside by it",
    (when) => {
      const net = new TestNet();
      // It is named by an address that is not its own.
      const peers = [peerConfig({ name: "10.0.0.2", address: "10.0.0.3" })];
      const both = { ...hubConfig([range]), peers };
      const hub = net.add(when === "first" ? both : hubConfig([range]), "10.0.0.1");
      const two = net.add(spoke(2, { originate: ["10.2.0.0/16"] }), "10.0.0.2");
      net.add(spoke(3, { originate: ["10.3.0.0/16"] }), "10.0.0.3");
      net.run(1_000);
      if (when === "later") net.configure(hub, both);
      net.run(10_000);
      expect(hub.speaker.peers(0)).toMatchObject([
        { name: "10.0.0.2", address: "10.0.0.3", state: "Established" },
      ]);
      expect(hub.speaker.routesAvailable()).toMatchObject([{ prefix: "10.3.0.0/16" }]);
      expect(two.status().state).not.toBe("Established");
      expect(hub.logs).toContain(
        "warn -: connection from 10.0.0.2 closed: another peer has this for its name",
      );
    },
  );

  it("the longest range counts, and a peer configured by itself is in none", () => {
    const config = {
      ...hubConfig([{ prefix: prefix("10.0.0.0/8") }, range, { prefix: prefix("fd00::/8") }]),
      peers: [peerConfig({ address: "10.0.0.2" })],
    };
    const of = (at: string) => listenRangeOf(peerConfig({ address: at }).address, config)?.prefix;
    expect(of("10.0.0.3")).toBe("10.0.0.0/24");
    expect(of("10.1.0.3")).toBe("10.0.0.0/8");
    expect(of("fd00::1")).toBe("fd00::/8");
    expect(of("10.0.0.2")).toBeUndefined();
    expect(of("192.0.2.1")).toBeUndefined();
  });
});
