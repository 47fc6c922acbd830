import { describe, expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import type { PeerConfig } from "./config.ts";
import type { Pace } from "./pace.ts";
import { peerConfig, speakerConfig, TestNet, type TestNode } from "./two-speakers.testkit.ts";

const hubAt = "10.0.0.1";

/** A hub in AS 65000, all on one subnet, whose peers are sent what came from them. */
function hub(peers: string[], of: Partial<Omit<PeerConfig, "address">> = {}, atPace?: Pace) {
  const net = new TestNet();
  net.pace = atPace;
  net.subnet = prefix("10.0.0.0/24");
  const config = speakerConfig({
    localAsn: 65000,
    routerId: "1.1.1.1",
    peers: peers.map((at) => peerConfig({ name: at, address: at, sendsBack: true, ...of })),
  });
  const node = net.add(config, hubAt);
  net.pace = undefined;
  return { net, node };
}

const pace = {
  changesMs: 5,
  firstUpdateMs: 100,
  firstUpdatePerPeerMs: 0,
  exportPolicyMs: 0,
  announceInGroupMs: 500,
  defaultOriginateMs: 5000,
};

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

  it("gets it with our address, as long as no second one on its subnet is sent the same", () => {
    const { net, node } = hub(["10.0.0.2", "10.0.0.3"]);
    const a = net.add(spoke(65001, "10.0.0.2", [own]), "10.0.0.2");
    net.runUntil("the first is sent its route", () => received(a).length > 0);
    expect(received(a)).toEqual([[own, hubAt, looped]]);
    expect(node.speaker.explain(prefix(own)).exports).toMatchObject([{ sent: { nextHop: hubAt } }]);

    const b = net.add(spoke(65001, "10.0.0.3", [other]), "10.0.0.3");
    net.settle();
    // Nothing is said anew of what is there.
    expect(received(a).toSorted()).toEqual([
      [own, hubAt, looped],
      [other, "10.0.0.3", looped],
    ]);
    expect(received(b).toSorted()).toEqual([
      [own, "10.0.0.2", looped],
      [other, "10.0.0.3", looped],
    ]);

    net.crash(b);
    net.run(10);
    // What changes is for the first alone again.
    net.configure(a, spoke(65001, "10.0.0.2", [own, "10.4.0.0/16"]));
    net.run(10);
    expect(received(a)).toContainEqual(["10.4.0.0/16", hubAt, looped]);
  });

  it("gets it with our address, where the others on its subnet began earlier", () => {
    const { net } = hub(["10.0.0.2", "10.0.0.3", "10.0.0.4"], {}, pace);
    const [first, second, late] = ["10.0.0.2", "10.0.0.3", "10.0.0.4"].map((at, n) => {
      if (n === 2) net.run(500);
      return net.add(spoke(65001, at, [`10.2.${n}.0/24`]), at);
    });
    net.settle();
    net.run(500);
    const hops = (of: TestNode) => received(of).map(([, nextHop]) => nextHop);
    // The first two began together, and are company for each other.
    expect(hops(first!).toSorted()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    expect(hops(second!).toSorted()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    expect(hops(late!).toSorted()).toEqual([hubAt, "10.0.0.2", "10.0.0.3"]);
  });

  it("that comes while another one waits for its first UPDATE gets it with that", () => {
    const { net, node } = hub(["10.0.0.2", "10.0.0.3"], {}, pace);
    const a = net.add(spoke(65001, "10.0.0.2", [own]), "10.0.0.2");
    net.run(60);
    const b = net.add(spoke(65001, "10.0.0.3", [other]), "10.0.0.3");
    net.settle();
    net.run(500);
    const firstTo = ({ address }: TestNode) =>
      node.sent.find(({ to, message }) => to === address && message.type === "UPDATE")!.atMs;
    expect(firstTo(b)).toBe(firstTo(a));
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
