import { expect, it } from "vitest";
import { asPathText } from "../rib/as-path.ts";
import { prefix } from "../../net/prefix.ts";
import type { PeerConfig, PolicyStatement } from "./config.ts";
import { peerConfig, speakerConfig, TestNet, type TestNode } from "./two-speakers.testkit.ts";

/** A hub of AS 65000, `a` of AS 65001 with a way out of its own, and `b` of AS 65002, which announces. */
class Bench {
  readonly net = new TestNet();
  readonly hub: TestNode;
  readonly a: TestNode;
  readonly b: TestNode;

  constructor(peer: Partial<PeerConfig>, pace?: TestNet["pace"]) {
    this.net.pace = pace;
    this.hub = this.net.add(hubConfig(peer), "10.0.0.1");
    this.net.pace = undefined;
    this.a = this.net.add(spoke(65001), "10.0.0.2");
    this.b = this.net.add(spoke(65002), "10.0.0.3");
    this.net.run(5000);
  }

  configure(peer: Partial<PeerConfig>): void {
    this.net.configure(this.hub, hubConfig(peer));
  }

  announce(...prefixes: string[]): void {
    this.net.configure(this.b, spoke(65002, prefixes));
  }

  /** By what `a` has: prefixes with their MED. */
  get has(): string[] {
    return this.a.speaker
      .routesReceived()
      .map(({ prefix: of, attributes }) => `${of} ${attributes.med ?? "-"}`)
      .sort();
  }

  get paths(): string[] {
    return this.a.speaker.routesReceived().map(({ attributes }) => asPathText(attributes.asPath));
  }
}

const hubConfig = (peer: Partial<PeerConfig>) =>
  speakerConfig({
    ...{ localAsn: 65000, routerId: "1.1.1.1" },
    peers: [
      { ...peerConfig({ name: "a", address: "10.0.0.2", asn: 65001 }), ...peer },
      peerConfig({ name: "b", address: "10.0.0.3", asn: 65002 }),
    ],
  });

const spoke = (asn: number, originate: string[] = []) =>
  speakerConfig({
    ...{ localAsn: asn, routerId: `2.2.2.${asn % 10}`, originate },
    peers: [peerConfig({ name: "hub", address: "10.0.0.1", asn: 65000 })],
  });

const wanted: PolicyStatement[] = [
  {
    name: "wanted",
    match: { prefixRanges: [{ prefix: prefix("10.2.0.0/16"), maxLength: 24 }] },
    action: "accept",
    set: { med: 7 },
  },
];
const onlyDefault: Partial<PeerConfig> = { defaultOriginate: ["ipv4/unicast"], exportPolicy: [] };
const conditional = { ...onlyDefault, defaultOriginateIf: { "ipv4/unicast": wanted } };

it("sends a default route only as long as there is a route that a policy lets through, and as it sets it", () => {
  const bench = new Bench(conditional);
  bench.announce("10.3.0.0/24");
  bench.net.settle();
  expect(bench.has).toEqual([]);
  bench.announce("10.3.0.0/24", "10.2.1.0/24");
  bench.net.settle();
  expect(bench.has).toEqual(["0.0.0.0/0 7"]);
  bench.announce("10.3.0.0/24");
  bench.net.settle();
  expect(bench.has).toEqual([]);
});

it("looks after a while, as FRR does, from the first change on", () => {
  const bench = new Bench(conditional, {
    ...{ changesMs: 50, firstUpdateMs: 1000, firstUpdatePerPeerMs: 50, exportPolicyMs: 100 },
    ...{ announceInGroupMs: 500, defaultOriginateMs: 5000 },
  });
  bench.announce("10.3.0.0/24");
  bench.net.run(3000);
  bench.announce("10.3.0.0/24", "10.2.1.0/24");
  bench.net.run(1900);
  expect(bench.has).toEqual([]);
  bench.net.run(300);
  expect(bench.has).toEqual(["0.0.0.0/0 7"]);
});

it("the first in the order of prefixes says what the default route is like", () => {
  const bench = new Bench({
    ...onlyDefault,
    defaultOriginateIf: {
      "ipv4/unicast": [...wanted, { name: "any", action: "accept", set: { med: 9 } }],
    },
  });
  bench.announce("10.2.1.0/24", "10.1.0.0/24");
  bench.net.settle();
  expect(bench.has).toEqual(["0.0.0.0/0 9"]);
});

it("another way out is taken up while the session stays", () => {
  const bench = new Bench({});
  bench.announce("10.3.0.0/24");
  bench.net.settle();
  expect(bench.paths).toEqual(["65000 65002"]);
  const since = () => bench.hub.speaker.peers(bench.net.nowMs)[0]!.establishedAtMs;
  const before = since();

  bench.configure({ removePrivateAs: {} });
  bench.net.settle();
  expect(bench.paths).toEqual(["65000"]);
  bench.configure({ removePrivateAs: { replaceAs: true } });
  bench.net.settle();
  expect(bench.paths).toEqual(["65000 65000"]);
  bench.configure({ defaultOriginate: ["ipv4/unicast"] });
  bench.net.settle();
  expect(bench.has).toEqual(["0.0.0.0/0 0", "10.3.0.0/24 -"]);
  bench.configure({});
  bench.net.settle();
  expect(bench.paths).toEqual(["65000 65002"]);
  expect(since()).toBe(before);
});

it("another advertisement interval is taken up while the session stays, and so is none again", () => {
  const bench = new Bench({});
  bench.announce("10.3.0.0/24");
  bench.net.settle();
  const since = () => bench.hub.speaker.peers(bench.net.nowMs)[0]!.establishedAtMs;
  const before = since();
  bench.configure({ advertisementIntervalSeconds: 30 });
  bench.net.run(100);
  bench.announce("10.3.0.0/24", "10.4.0.0/24");
  bench.net.run(10_000);
  expect(bench.has).toEqual(["10.3.0.0/24 -"]);
  // What waits goes with the interval.
  bench.configure({});
  bench.net.run(100);
  expect(bench.has).toEqual(["10.3.0.0/24 -", "10.4.0.0/24 -"]);
  bench.announce("10.4.0.0/24");
  bench.net.run(100);
  expect(bench.has).toEqual(["10.4.0.0/24 -"]);
  expect(since()).toBe(before);
});

it.each([
  ["of the next session, as in FRR", true],
  ["at once, by another session", false],
])("another hold time is %s", (_, keepsTimers) => {
  const bench = new Bench({ keepsTimers });
  const peer = () => bench.hub.speaker.peers(bench.net.nowMs)[0]!;
  const before = peer().establishedAtMs;
  bench.configure({ keepsTimers, holdTimeSeconds: 6, keepaliveTimeSeconds: 2 });
  bench.net.run(10_000);
  expect(peer().establishedAtMs === before).toBe(keepsTimers);
  if (keepsTimers) bench.net.reset();
  bench.net.run(10_000);
  expect(peer()).toMatchObject({ state: "Established", appliedHoldTimeSeconds: 6 });
});

it("policies see the path without the AS numbers that are taken out", () => {
  const by65002: PolicyStatement[] = [
    { name: "private", match: { asPath: { contains: [65002] } }, action: "reject" },
    { name: "all", action: "accept" },
  ];
  const bench = new Bench({ exportPolicy: by65002, removePrivateAs: { all: true } });
  bench.announce("10.3.0.0/24");
  bench.net.settle();
  expect(bench.paths).toEqual(["65000"]);
  bench.configure({ exportPolicy: by65002 });
  bench.net.settle();
  expect(bench.paths).toEqual([]);
});

it.each([
  ["one by itself after 100 ms", 0, 100],
  ["one of a group after 500 ms", 1, 500],
])("a ROUTE-REFRESH is answered: %s", (_, others, afterMs) => {
  const bench = new Bench(others === 1 ? {} : { asOverride: true }, {
    ...{ changesMs: 50, firstUpdateMs: 0, firstUpdatePerPeerMs: 0, exportPolicyMs: 100 },
    ...{ announceInGroupMs: 500, defaultOriginateMs: 5000 },
  });
  bench.announce("10.3.0.0/24");
  bench.net.run(1000);
  const askedMs = bench.net.nowMs;
  bench.net.inject(bench.a, {
    type: "ROUTE-REFRESH",
    family: { afi: "ipv4", safi: "unicast" },
    subtype: 0,
  });
  bench.net.run(2000);
  const again = bench.hub.sent.filter(
    ({ atMs, to, message }) =>
      atMs > askedMs && to === bench.a.address && message.type === "UPDATE",
  );
  expect(again.map(({ atMs }) => atMs - askedMs)[0]).toBe(afterMs + 1);
});

it("an update group goes by the AS number of the peer that it began with, as FRR's do", () => {
  const net = new TestNet();
  const asOverride = { asOverride: true };
  const peers = [
    peerConfig({ name: "a", address: "10.0.0.2", asn: 65002, ...asOverride }),
    peerConfig({ name: "b", address: "10.0.0.3", asn: 65002 }),
    peerConfig({ name: "c", address: "10.0.0.4", asn: 65003, ...asOverride }),
  ];
  net.add(speakerConfig({ localAsn: 65000, routerId: "1.1.1.1", peers }), "10.0.0.1");
  const a = net.add(spoke(65002), "10.0.0.2");
  net.add(spoke(65002, ["10.3.0.0/24"]), "10.0.0.3");
  net.run(5000);
  const c = net.add(spoke(65003), "10.0.0.4");
  net.settle();
  const paths = [a, c].map(({ speaker }) =>
    speaker.routesReceived().map(({ attributes }) => asPathText(attributes.asPath)),
  );
  expect(paths).toEqual([["65000 65000"], ["65000 65000"]]);
});
