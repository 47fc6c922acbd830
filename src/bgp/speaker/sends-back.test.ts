import { describe, expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import type { PeerConfig } from "./config.ts";
import { peerConfig, speakerConfig, TestNet, type TestNode } from "./two-speakers.testkit.ts";

const hubAt = "10.0.0.1";

/** A hub in AS 65000, all on one subnet, whose peers are sent what came from them. */
function hub(peers: string[], of: Partial<Omit<PeerConfig, "address">> = {}) {
  const net = new TestNet();
  net.subnet = prefix("10.0.0.0/24");
  const config = speakerConfig({
    localAsn: 65000,
    routerId: "1.1.1.1",
    peers: peers.map((at) => peerConfig({ name: at, address: at, sendsBack: true, ...of })),
  });
  return { net, node: net.add(config, hubAt) };
}

function spoke(localAsn: number, at: string, originate: string[]) {
  const peers = [peerConfig({ name: "hub", address: hubAt })];
  return speakerConfig({ localAsn, routerId: at, originate, peers });
}

const received = ({ speaker }: TestNode) =>
  speaker.routesReceived().map((each) => [each.prefix, each.nextHop, each.notUsed]);

describe("a peer that is sent what came from it", () => {
  const looped = "AS 65001 is already in its AS path (RFC 4271 §9.1.2)";
  const own = "10.2.0.0/16";
  const other = "10.3.0.0/16";

  it("gets it with our address, until a second one on its subnet is sent the same", () => {
    const { net, node } = hub(["10.0.0.2", "10.0.0.3"]);
    const a = net.add(spoke(65001, "10.0.0.2", [own]), "10.0.0.2");
    net.runUntil("the first is sent its route", () => received(a).length > 0);
    expect(received(a)).toEqual([[own, hubAt, looped]]);
    expect(node.speaker.explain(prefix(own)).exports).toMatchObject([{ sent: { nextHop: hubAt } }]);

    const b = net.add(spoke(65001, "10.0.0.3", [other]), "10.0.0.3");
    net.settle();
    const both = [
      [own, "10.0.0.2", looped],
      [other, "10.0.0.3", looped],
    ];
    expect(received(a).toSorted()).toEqual(both);
    expect(received(b).toSorted()).toEqual(both);

    net.crash(b);
    net.run(10);
    // Nothing is said anew of what is there; what changes is for the first alone again.
    expect(received(a)).toEqual([[own, "10.0.0.2", looped]]);
    net.configure(a, spoke(65001, "10.0.0.2", [own, "10.4.0.0/16"]));
    net.run(10);
    expect(received(a)).toContainEqual(["10.4.0.0/16", hubAt, looped]);
  });

  it("in an update group of its own gets it with our address, and another's on its subnet with the learned one", () => {
    // Another policy is another update group.
    const { net, node } = hub(["10.0.0.2", "10.0.0.3"]);
    const [first, second] = node.speaker.config.peers as [PeerConfig, PeerConfig];
    const exportPolicy = [{ name: "other", action: "accept" as const, set: { med: 7 } }];
    net.configure(node, {
      ...node.speaker.config,
      peers: [first, { ...second, exportPolicy }],
    });
    const a = net.add(spoke(65001, "10.0.0.2", [own]), "10.0.0.2");
    const b = net.add(spoke(65001, "10.0.0.3", [other]), "10.0.0.3");
    net.settle();
    expect(received(a).toSorted()).toEqual([
      [own, hubAt, looped],
      [other, "10.0.0.3", looped],
    ]);
    expect(received(b).toSorted()).toEqual([
      [own, "10.0.0.2", looped],
      [other, hubAt, looped],
    ]);
  });

  it("finds itself in ORIGINATOR_ID, where it is a client (RFC 4456 §8)", () => {
    const { net, node } = hub(["10.0.0.2", "10.0.0.3"], { routeReflectorClient: true });
    const a = net.add(spoke(65000, "10.0.0.2", [own]), "10.0.0.2");
    const b = net.add(spoke(65000, "10.0.0.3", []), "10.0.0.3");
    net.settle();
    expect(a.speaker.routesReceived()).toMatchObject([
      { prefix: own, nextHop: "10.0.0.2", attributes: { originatorId: "10.0.0.2" }, best: false },
    ]);
    expect(received(b)).toEqual([[own, "10.0.0.2", undefined]]);
    expect(node.speaker.peers(net.nowMs).map(({ families }) => families[0]!.advertised)).toEqual([
      1, 1,
    ]);
  });

  it("gets nothing back that came from an internal peer and is for clients only", () => {
    const { net } = hub(["10.0.0.2"]);
    const a = net.add(spoke(65000, "10.0.0.2", [own]), "10.0.0.2");
    net.settle();
    expect(received(a)).toEqual([]);
  });
});
