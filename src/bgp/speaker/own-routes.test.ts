import { expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import { parseSpeakerConfig } from "./config-file.ts";
import { peerConfig, speakerConfig, TestNet } from "./two-speakers.testkit.ts";

const hub = (changes: Partial<Parameters<typeof speakerConfig>[0]> = {}) =>
  speakerConfig({
    localAsn: 65000,
    routerId: "1.1.1.1",
    peers: [
      peerConfig({ name: "a", address: "10.0.0.2", asn: 65001 }),
      peerConfig({ name: "b", address: "10.0.0.3", asn: 65002 }),
    ],
    ...changes,
  });

const spoke = (asn: number, originate: string[] = []) =>
  speakerConfig({
    ...{ localAsn: asn, routerId: `2.2.2.${asn % 10}`, originate },
    peers: [peerConfig({ name: "hub", address: "10.0.0.1", asn: 65000 })],
  });

it("a default route is sent as our own, held or not, and no policy is asked", () => {
  const net = new TestNet();
  const [forA, forB] = hub().peers as [
    ReturnType<typeof peerConfig>,
    ReturnType<typeof peerConfig>,
  ];
  const peers = [{ ...forA, defaultOriginate: ["ipv4/unicast" as const], exportPolicy: [] }, forB];
  const node = net.add(hub({ peers }), "10.0.0.1");
  const a = net.add(spoke(65001), "10.0.0.2");
  const b = net.add(spoke(65002, ["0.0.0.0/0"]), "10.0.0.3");
  net.settle();
  // b's own default is in the hub's table; a gets the hub's, which leads nowhere else.
  const [received, ...others] = a.speaker.routesReceived();
  expect(others).toEqual([]);
  expect(received).toMatchObject({
    prefix: "0.0.0.0/0",
    nextHop: "10.0.0.1",
    attributes: { origin: "igp", med: 0, asPath: [{ kind: "sequence", asns: [65000] }] },
  });
  expect(b.speaker.routesReceived()).toEqual([]);
  expect(node.speaker.routesAvailable()).toMatchObject([{ prefix: "0.0.0.0/0", peer: "b" }]);

  net.crash(b);
  net.run(1000);
  expect(node.speaker.routesAvailable()).toEqual([]);
  expect(a.speaker.routesReceived()).toHaveLength(1);
});

it("an own route goes out with the ORIGIN and MED it was given, and changes with them", () => {
  const net = new TestNet();
  const own = (med: number) => [
    { prefix: prefix("10.1.0.0/16"), origin: "incomplete" as const, med },
  ];
  const node = net.add({ ...hub(), originate: own(0) }, "10.0.0.1");
  const a = net.add(spoke(65001), "10.0.0.2");
  net.run(10_000);
  expect(a.speaker.routesReceived()).toMatchObject([
    { prefix: "10.1.0.0/16", attributes: { origin: "incomplete", med: 0 } },
  ]);
  net.configure(node, { ...hub(), originate: own(7) });
  net.run(10_000);
  expect(a.speaker.routesReceived()).toMatchObject([{ attributes: { med: 7 } }]);
});

it("routes announced are counted each time, over all sessions with the peer", () => {
  const net = new TestNet();
  const own = (med: number) => [
    { prefix: prefix("10.1.0.0/16"), origin: "igp" as const, med },
    { prefix: prefix("10.2.0.0/16"), origin: "igp" as const, med: 0 },
  ];
  const node = net.add({ ...hub(), originate: own(0) }, "10.0.0.1");
  const a = net.add(spoke(65001), "10.0.0.2");
  net.run(10_000);
  const counts = () => node.speaker.peers(net.nowMs).map(({ families }) => families[0]);
  expect(counts()).toMatchObject([{ advertised: 2, announced: 2 }, { announced: 0 }]);
  net.configure(node, { ...hub(), originate: own(7) });
  net.run(10_000);
  expect(counts()).toMatchObject([{ advertised: 2, announced: 3 }, { announced: 0 }]);
  net.crash(a);
  net.run(200_000);
  expect(counts()).toMatchObject([{ advertised: 0, announced: 3 }, { announced: 0 }]);
});

/** Two equal external paths; the one of the lower BGP Identifier, a's, comes last. */
function bestAfterBoth(keepsExternalBest: boolean): unknown {
  const net = new TestNet();
  const node = net.add({ ...hub(), keepsExternalBest }, "10.0.0.1");
  net.add(spoke(65002, ["10.9.0.0/16"]), "10.0.0.3");
  net.run(10_000);
  net.add(spoke(65001, ["10.9.0.0/16"]), "10.0.0.2");
  net.run(10_000);
  const { best, steps } = node.speaker.explain(prefix("10.9.0.0/16"));
  expect(node.speaker.routesAvailable()).toHaveLength(2);
  return [best?.peer, steps.at(-1)?.name];
}

it("of equal external paths the one in use stays where that is asked for (RFC 5004)", () => {
  expect(bestAfterBoth(true)).toEqual(["b", "the external path in use"]);
  expect(bestAfterBoth(false)).toEqual(["a", "lowest BGP Identifier or ORIGINATOR_ID"]);
});

it("the path in use gives way to a better one, and beside it others are used", () => {
  const net = new TestNet();
  const config = {
    ...hub(),
    keepsExternalBest: true,
    maximumPaths: { external: 4, asPathRelax: true },
  };
  const node = net.add(config, "10.0.0.1");
  const b = net.add(spoke(65002, ["10.9.0.0/16"]), "10.0.0.3");
  net.run(10_000);
  net.add(spoke(65001, ["10.9.0.0/16"]), "10.0.0.2");
  net.run(10_000);
  const used = () =>
    node.speaker.routesAvailable().map(({ peer, best, multipath }) => [peer, best, multipath]);
  expect(used().sort()).toEqual([
    ["a", false, true],
    ["b", true, true],
  ]);
  const longer = spoke(65002, ["10.9.0.0/16"]);
  const [peer] = longer.peers;
  const set = { asPathPrepend: 1 };
  const exportPolicy = [{ name: "longer", action: "accept" as const, set }];
  net.configure(b, { ...longer, peers: [{ ...peer!, exportPolicy }] });
  net.run(10_000);
  expect(used().find(([, best]) => best)?.[0]).toBe("a");
});

it("a configuration file says it all, but not a default route beside numbered paths", () => {
  const own = { prefix: "10.1.0.0/16", origin: "incomplete", med: 0 };
  const peer = { address: "10.0.0.2", asn: 65001, defaultOriginate: ["ipv4/unicast"] };
  const file = {
    ...{ localAsn: 65000, routerId: "1.1.1.1", keepsExternalBest: true },
    ...{ originate: ["10.2.0.0/16", own], peers: [peer] },
  };
  expect(parseSpeakerConfig(file, "host")).toMatchObject(file);
  const numbered = { ...file, peers: [{ ...peer, addPath: { send: 2 } }] };
  expect(parseSpeakerConfig(numbered, "host")).toMatchObject([
    { code: "BadValue", path: "peers[0].defaultOriginate" },
  ]);
});
