import { describe, expect, test } from "vitest";
import { address, type Address } from "../../net/address.ts";
import { families } from "../rib/family.ts";
import { CeaseSubcode } from "../wire/registry.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import { peerConfig, speakerConfig, TestNet, type TestNode } from "./two-speakers.testkit.ts";

const both = [families["ipv4/unicast"], families["ipv6/unicast"]];

function unnumbered(n: 1 | 2, peer: Partial<Omit<PeerConfig, "address">> = {}): SpeakerConfig {
  const of = { address: "::", name: "eth1", interface: "eth1", families: both, ...peer };
  return speakerConfig({
    localAsn: 65000 + n,
    routerId: `${n}.${n}.${n}.${n}`,
    originate: [`10.${n}.0.0/24`, `2001:db8:${n}::/48`],
    peers: [peerConfig(of)],
  });
}

const atA = address("fe80::1");
const atB = address("fe80::2");
const moved = address("fe80::3");

/** What router advertisements would say. */
function heard(net: TestNet, node: TestNode, addresses: readonly Address[] | undefined): void {
  const input = { input: "neighbors", interface: "eth1", addresses } as const;
  net.perform(node, node.speaker.step(input, net.nowMs));
}

function pair(peer: Partial<Omit<PeerConfig, "address">> = {}) {
  const net = new TestNet();
  const a = net.add(unnumbered(1, peer), atA);
  const b = net.add(unnumbered(2, peer), atB);
  return { net, a, b };
}

function upPair(peer: Partial<Omit<PeerConfig, "address">> = {}) {
  const all = pair(peer);
  heard(all.net, all.a, [atB]);
  heard(all.net, all.b, [atA]);
  all.net.settle();
  return all;
}

test("before anybody is heard there is nobody to call, and that is said", () => {
  const { net, a } = pair();
  net.run(60_000);
  expect(a.status()).toMatchObject({
    name: "eth1",
    address: "::",
    interface: "eth1",
    state: "Idle",
    lastError: "no router advertisement heard on eth1",
  });
  heard(net, a, undefined);
  expect(a.status().lastError).toBe("eth1 is down");
});

test("a neighbor that is heard is the peer: routes of both families over link-local next hops", () => {
  const { a } = upPair();
  expect(a.status()).toMatchObject({ address: atB, state: "Established" });
  const routes = a.speaker
    .routesReceived()
    .map(({ prefix, nextHop, best }) => [prefix, nextHop, best]);
  expect(routes).toEqual([
    ["10.2.0.0/24", atB, true],
    ["2001:db8:2::/48", atB, true],
  ]);
});

test("one side hears the other: that is enough", () => {
  const { net, a, b } = pair();
  heard(net, a, [atB]);
  heard(net, b, []);
  net.settle();
  expect(b.status()).toMatchObject({ address: atA, state: "Established" });
});

test("advertisements stop: a session that is up goes on", () => {
  const { net, a } = upPair();
  const { establishedAtMs } = a.status(net.nowMs);
  heard(net, a, []);
  net.run(30_000);
  expect(a.status(net.nowMs)).toMatchObject({ state: "Established", establishedAtMs });
});

test("the link goes down: the session ends at once; it comes back with the neighbor", () => {
  const { net, a, b } = upPair();
  for (const node of [a, b]) heard(net, node, undefined);
  expect(a.status()).toMatchObject({ address: "::", state: "Idle", lastError: "eth1 is down" });
  expect(a.speaker.routesReceived()).toEqual([]);
  net.run(1000);
  heard(net, a, [atB]);
  heard(net, b, [atA]);
  net.runUntil("up again", () => a.status().state === "Established", 1000);
});

describe("the neighbor has another address", () => {
  /** B is gone from its old address without a word, and there at another. */
  function move(net: TestNet, b: TestNode, restarting = false): TestNode {
    net.silence(true);
    net.nodes.delete(atB);
    b.isUp = false;
    net.silence(false);
    return net.add(unnumbered(2), moved, restarting);
  }

  test("it calls from there: the old session is over", () => {
    const { net, a, b } = upPair({ holdTimeSeconds: 90 });
    const there = move(net, b);
    heard(net, a, [moved, atB]);
    heard(net, there, [atA]);
    net.runUntil(
      "the session is there",
      () => a.status().state === "Established" && a.status().address === moved,
      2000,
    );
    net.run(50);
    expect(there.status()).toMatchObject({ address: atA, state: "Established" });
  });

  test("it does not call: the old session ends by its own timer, then it is called", () => {
    const { net, a, b } = upPair();
    move(net, b);
    heard(net, a, [moved, atB]);
    net.run(5000);
    expect(a.status()).toMatchObject({ address: atB, state: "Established" });
    net.run(5000);
    expect(a.status().address).toBe(moved);
  });

  test("it does not call, and the old address is not heard any more", () => {
    const { net, a, b } = upPair({ holdTimeSeconds: 90 });
    move(net, b);
    heard(net, a, [moved, atB]);
    net.run(1000);
    expect(a.status().address).toBe(atB);
    heard(net, a, [moved]);
    expect(a.status()).toMatchObject({ address: moved, state: "Connect" });
  });

  test("a stranger that was not heard cannot end a session by calling", () => {
    const { net, a } = upPair();
    const stranger = net.add(unnumbered(2), moved);
    heard(net, stranger, [atA]);
    net.run(5000);
    expect(a.status()).toMatchObject({ address: atB, state: "Established" });
    expect(a.logs.join("\n")).toMatch(/connection from fe80::3 closed: no such peer/);
  });
});

test("taken out of the configuration, the peer is told", () => {
  const { net, a, b } = upPair();
  net.configure(a, { ...unnumbered(1), peers: [] });
  net.run(10);
  expect(b.status().lastDown).toMatch(/Peer De-configured/);
  const said = a.sent.findLast(({ message }) => message.type === "NOTIFICATION");
  expect(said?.message).toMatchObject({ subcode: CeaseSubcode.peerDeconfigured });
});

test("another policy is taken up without a new session", () => {
  const { net, a } = upPair();
  const { establishedAtMs } = a.status(net.nowMs);
  net.configure(a, unnumbered(1, { importPolicy: "reject" }));
  net.run(100);
  expect(a.status(net.nowMs)).toMatchObject({ address: atB, establishedAtMs });
  expect(a.speaker.routesReceived().every(({ best }) => !best)).toBe(true);
});

test("graceful restart: the neighbor is waited for before routes are selected", () => {
  const gracefulRestart = { restartTimeSeconds: 60 };
  const { net, a, b } = upPair({ gracefulRestart });
  net.crash(b);
  net.run(100);
  expect(a.speaker.routesReceived().every(({ stale }) => stale)).toBe(true);
  net.restart(b, unnumbered(2, { gracefulRestart }), true);
  net.run(500);
  heard(net, b, [atA]);
  net.runUntil("nothing is stale", () => a.speaker.routesReceived().every(({ stale }) => !stale));
  expect(a.speaker.routesReceived()).toHaveLength(2);
});

test("BFD between link-local addresses", () => {
  const bfd = { transmitIntervalMs: 300, receiveIntervalMs: 300, detectMultiplier: 3 };
  const { net, a } = upPair({ bfd, holdTimeSeconds: 90 });
  net.runUntil("BFD is up", () => a.status().bfd?.state === "Up");
  net.silence(true);
  net.run(900);
  expect(a.status().lastDown).toBe("BFD session down");
});
