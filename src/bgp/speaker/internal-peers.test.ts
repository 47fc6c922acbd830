import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { PeerConfig } from "./config.ts";
import {
  configA,
  peerConfig,
  speakerConfig,
  TestNet,
  type TestNode,
  twoSpeakers,
} from "./two-speakers.testkit.ts";

type PeerOf = Partial<Omit<PeerConfig, "address">>;

/** A hub at 10.0.0.1 in AS 65000 with a spoke for each entry, at 10.0.0.2 and up, named by its key. */
function star(spokes: Record<string, PeerOf & { localAsn?: number; originate?: string[] }>): {
  net: TestNet;
  hub: TestNode;
  of: (name: string) => TestNode;
} {
  const net = new TestNet();
  const at = (i: number) => `10.0.0.${i + 2}`;
  const entries = Object.entries(spokes);
  const peers = entries.map(([name, { localAsn: _, originate: __, ...peer }], i) =>
    peerConfig({ name, address: at(i), ...peer }),
  );
  const hub = net.add(
    speakerConfig({ localAsn: 65000, routerId: "1.1.1.1", clusterId: address("9.9.9.9"), peers }),
    "10.0.0.1",
  );
  const nodes = entries.map(([name, { localAsn = 65000, originate = [] }], i) => {
    const of = { localAsn, routerId: `${i + 2}.${i + 2}.${i + 2}.${i + 2}`, originate };
    const config = speakerConfig({
      ...of,
      peers: [peerConfig({ name: "hub", address: "10.0.0.1" })],
    });
    return [name, net.add(config, at(i))] as const;
  });
  net.settle();
  const byName = new Map(nodes);
  return { net, hub, of: (name) => byName.get(name)! };
}

const prefixes = (node: TestNode) =>
  node.speaker
    .routesReceived()
    .map((route) => route.prefix)
    .sort();

it("routes that overlap are all passed on (RFC 4271 §9.1.4)", () => {
  const { hub, of } = star({
    whole: { localAsn: 65001, originate: ["10.1.0.0/16"] },
    part: { localAsn: 65002, originate: ["10.1.0.0/24", "10.1.0.0/17"] },
    other: { localAsn: 65003 },
  });
  const all = ["10.1.0.0/16", "10.1.0.0/17", "10.1.0.0/24"];
  expect(prefixes(hub)).toEqual(all);
  expect(prefixes(of("other"))).toEqual(all);
  expect(prefixes(of("whole"))).toEqual(["10.1.0.0/17", "10.1.0.0/24"]);
});

describe("route reflection (RFC 4456)", () => {
  const client = { routeReflectorClient: true };

  it("§6: from a client to all, from others to clients only", () => {
    const { of } = star({
      c1: { ...client, originate: ["10.1.0.0/16"] },
      c2: client,
      n1: { originate: ["10.3.0.0/16"] },
      n2: {},
      ext: { localAsn: 65009, originate: ["10.9.0.0/16"] },
    });
    expect(prefixes(of("c1"))).toEqual(["10.3.0.0/16", "10.9.0.0/16"]);
    expect(prefixes(of("c2"))).toEqual(["10.1.0.0/16", "10.3.0.0/16", "10.9.0.0/16"]);
    expect(prefixes(of("n1"))).toEqual(["10.1.0.0/16", "10.9.0.0/16"]);
    expect(prefixes(of("n2"))).toEqual(["10.1.0.0/16", "10.9.0.0/16"]);
    expect(prefixes(of("ext"))).toEqual(["10.1.0.0/16", "10.3.0.0/16"]);
  });

  it("§8, §10: ORIGINATOR_ID and CLUSTER_LIST are written, the next hop stays, and nothing of it leaves the AS", () => {
    const { of } = star({
      c1: { ...client, originate: ["10.1.0.0/16"] },
      c2: client,
      ext: { localAsn: 65009 },
    });
    expect(of("c2").speaker.routesReceived()).toMatchObject([
      {
        nextHop: "10.0.0.2",
        attributes: { originatorId: "2.2.2.2", clusterList: ["9.9.9.9"], localPref: 100 },
        best: true,
      },
    ]);
    const [external] = of("ext").speaker.routesReceived();
    expect(external).toMatchObject({ nextHop: "10.0.0.1" });
    expect(external!.attributes).not.toHaveProperty("originatorId");
    expect(external!.attributes).not.toHaveProperty("clusterList");
  });

  it("§8: a route that has been through the cluster is kept out", () => {
    const { net, hub, of } = star({ n1: {}, c1: client });
    net.inject(of("n1"), {
      type: "UPDATE",
      withdrawn: [],
      attributes: {
        origin: "igp",
        asPath: [],
        localPref: 100,
        originatorId: address("7.7.7.7"),
        clusterList: [address("8.8.8.8"), address("9.9.9.9")],
      },
      announced: [
        {
          family: { afi: "ipv4", safi: "unicast" },
          nextHop: address("10.0.0.2"),
          prefixes: [prefix("10.1.0.0/16")],
        },
      ],
    });
    net.run(10);
    expect(hub.speaker.routesReceived()).toMatchObject([
      { best: false, notUsed: expect.stringMatching(/CLUSTER_LIST holds this speaker's cluster/) },
    ]);
    expect(prefixes(of("c1"))).toEqual([]);
  });
});

describe("next-hop-self", () => {
  const nextHops = (self: PeerConfig["nextHopSelf"]) => {
    const { of } = star({
      ext: { localAsn: 65009, originate: ["10.9.0.0/16"] },
      c1: { routeReflectorClient: true, originate: ["10.1.0.0/16"] },
      n1: self === undefined ? {} : { nextHopSelf: self },
    });
    return Object.fromEntries(
      of("n1")
        .speaker.routesReceived()
        .map((route) => [route.prefix, route.nextHop]),
    );
  };

  it("replaces that of external routes, and with force that of reflected ones too", () => {
    expect(nextHops(undefined)).toEqual({ "10.9.0.0/16": "10.0.0.2", "10.1.0.0/16": "10.0.0.3" });
    expect(nextHops(true)).toEqual({ "10.9.0.0/16": "10.0.0.1", "10.1.0.0/16": "10.0.0.3" });
    expect(nextHops("force")).toEqual({ "10.9.0.0/16": "10.0.0.1", "10.1.0.0/16": "10.0.0.1" });
  });
});

describe("multipath", () => {
  it("is seen in the table, of what was received and in what is explained", () => {
    const spoke = { localAsn: 65009, originate: ["10.9.0.0/16"] };
    const { net, hub } = star({ e1: spoke, e2: spoke, e3: spoke });
    expect(hub.speaker.routesAvailable().some(({ multipath }) => multipath)).toBe(false);
    net.configure(hub, { ...hub.speaker.config, maximumPaths: { external: 2 } });
    const expected = [
      { best: true, multipath: true },
      { best: false, multipath: true },
      { best: false },
    ];
    expect(hub.speaker.routesAvailable()).toMatchObject(expected);
    expect(hub.speaker.routesAvailable()[2]).not.toHaveProperty("multipath");
    expect(hub.speaker.routesReceived()).toMatchObject(expected);
    expect(hub.speaker.explain(prefix("10.9.0.0/16")).candidates).toMatchObject(expected);
    expect(hub.speaker.peers(0).map(({ state }) => state)).toEqual(Array(3).fill("Established"));
  });
});

describe("local-as", () => {
  const path = (node: TestNode, of: string) =>
    node.speaker.routesReceived().find((route) => route.prefix === of)?.attributes.asPath[0]?.asns;

  it.each([
    [{}, [65500, 65000], [65500, 65009]],
    [{ noPrepend: true }, [65500, 65000], [65009]],
    [{ noPrepend: true, replaceAs: true }, [65500], [65009]],
  ])("%j: out %j, in %j", (options, out, received) => {
    const localAs = { asn: 65500, ...options };
    const { hub, of } = star({
      ext: { localAsn: 65009, asn: 65009, localAs, originate: ["10.9.0.0/16"] },
      n1: { originate: ["10.1.0.0/16"] },
    });
    expect(hub.speaker.peers(0)[0]).toMatchObject({ localAsn: 65500, asn: 65009 });
    expect(of("ext").speaker.peers(0)[0]).toMatchObject({ asn: 65500 });
    expect(path(of("ext"), "10.1.0.0/16")).toEqual(out);
    expect(path(hub, "10.9.0.0/16")).toEqual(received);
    expect(hub.speaker.routesReceived()).toMatchObject([{ best: true }, { best: true }]);
  });
});

describe("remote-as", () => {
  it.each([
    ["external", 65009, "Established"],
    ["external", 65001, "other"],
    ["internal", 65001, "Established"],
    ["internal", 65009, "other"],
    [0, 65009, "Established"],
    [0, 65001, "Established"],
    [65008, 65009, "other"],
  ] as const)("%s and a peer in AS %i: %s", (asn, theirs, state) => {
    const { net, a, b } = twoSpeakers({ peer: { asn } }, { localAsn: theirs });
    net.run(5_000);
    expect(a.status().state === "Established").toBe(state === "Established");
    const errors = `${a.status().lastError} ${b.status().lastError}`;
    expect(/as number mismatch|Bad Peer AS/.test(errors)).toBe(state === "other");
  });
});

describe("allowas-in", () => {
  it("takes what went through our own AS, as often as said", () => {
    const { net, a, b } = twoSpeakers({ localAsn: 65001 }, { peer: { allowAsIn: 1 } });
    net.settle();
    const asPath = [{ kind: "sequence" as const, asns: [65001, 65002] }];
    const nextHop = address("10.0.0.1");
    const family = { afi: "ipv4", safi: "unicast" } as const;
    const announced = [{ family, nextHop, prefixes: [prefix("10.1.0.0/16")] }];
    const update = { type: "UPDATE", withdrawn: [], announced } as const;
    net.inject(a, { ...update, withdrawn: [], announced, attributes: { origin: "igp", asPath } });
    net.run(10);
    expect(b.speaker.routesReceived()).toMatchObject([{ best: true }]);
    const twice = [{ kind: "sequence" as const, asns: [65001, 65002, 65002] }];
    net.inject(a, {
      ...update,
      withdrawn: [],
      announced,
      attributes: { origin: "igp", asPath: twice },
    });
    net.run(10);
    expect(b.speaker.routesReceived()).toMatchObject([{ best: false }]);
  });
});

describe("policies on the way in", () => {
  const originate = ["10.1.0.0/16", "10.1.1.0/24"];

  it("without one an external peer's routes are kept and not used (RFC 8212)", () => {
    const { net, b } = twoSpeakers({ originate }, { peer: { importPolicy: [] } });
    net.settle();
    expect(b.status().families).toMatchObject([{ received: 2, accepted: 0 }]);
    expect(b.speaker.explain(prefix("10.1.0.0/16"))).toMatchObject({
      candidates: [],
      notUsed: [{ reason: "there is no import policy (RFC 8212)" }],
    });
  });

  it("change what is used, and are judged anew when they change", () => {
    const { net, a, b } = twoSpeakers();
    const importPolicy: PeerConfig["importPolicy"] = [
      {
        name: "longer",
        match: { prefixRanges: [{ prefix: prefix("10.0.0.0/8"), minLength: 24 }] },
        action: "reject",
      },
      { name: "rest", action: "accept", set: { localPref: 250, communities: [7] } },
    ];
    net.configure(a, configA({ originate, peer: { importPolicy } }));
    net.configure(b, { ...b.speaker.config, originate: originate.map(prefix) });
    net.settle();
    // Own ones win: look at what came from b.
    net.configure(a, configA({ peer: { importPolicy } }));
    net.run(10);
    expect(a.status().families).toMatchObject([{ received: 2, accepted: 1 }]);
    expect(a.speaker.routesAvailable()).toMatchObject([
      { prefix: "10.1.0.0/16", attributes: { localPref: 250, communities: [7] } },
    ]);
    expect(a.speaker.policies()).toMatchObject([{ peer: "b", importPolicy }]);
    // As received: without what the policy sets.
    expect(a.speaker.routesReceived()[0]!.attributes).not.toHaveProperty("localPref");
    expect(
      a.speaker
        .routesReceived()
        .map(({ best }) => best)
        .sort(),
    ).toEqual([false, true]);

    net.configure(a, configA({ peer: { importPolicy: "accept" } }));
    expect(a.status().families).toMatchObject([{ received: 2, accepted: 2 }]);
    expect(a.speaker.routesAvailable()[0]!.attributes).not.toHaveProperty("localPref");
  });
});
