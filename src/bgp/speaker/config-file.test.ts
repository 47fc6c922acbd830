import { describe, expect, it } from "vitest";
import { parseSpeakerConfig } from "./config-file.ts";

const minimal = {
  localAsn: 65000,
  routerId: "10.0.0.1",
  originate: ["10.1.0.0/16"],
  peers: [{ address: "10.0.0.2", asn: 65001 }],
};

/** A minimal file with one thing else in its peer. */
function withPeer(peer: object) {
  return { ...minimal, peers: [{ ...minimal.peers[0], ...peer }] };
}

function problems(value: unknown) {
  const result = parseSpeakerConfig(value, "host");
  return Array.isArray(result) ? result.map(({ code, path }) => `${code} ${path}`) : [];
}

describe("parseSpeakerConfig", () => {
  it("fills in the defaults", () => {
    expect(parseSpeakerConfig(minimal, "host")).toEqual({
      localAsn: 65000,
      routerId: "10.0.0.1",
      hostname: "host",
      originate: ["10.1.0.0/16"],
      peers: [
        {
          name: "10.0.0.2",
          address: "10.0.0.2",
          asn: 65001,
          port: 179,
          passive: false,
          holdTimeSeconds: 90,
          keepaliveTimeSeconds: 30,
          connectRetryTimeSeconds: 120,
          families: [{ afi: "ipv4", safi: "unicast" }],
          // RFC 8212: nothing in, nothing out.
          exportPolicy: [],
          importPolicy: [],
        },
      ],
    });
  });

  it("takes everything that can be said", () => {
    const file = withPeer({
      name: "tor",
      address: "FD00:0::2",
      localAddress: "fd00::1",
      ttl: 1,
      password: "secret",
      gracefulRestart: {},
      holdTimeSeconds: 9,
      families: ["ipv4/unicast", "ipv6/unicast"],
      exportPolicy: [
        {
          name: "s",
          prefixes: ["10.1.0.0/16"],
          set: {
            localPref: 200,
            communities: ["65000:1", "no-export", 7],
            largeCommunities: ["65000:1:2"],
            asPathPrepend: 2,
          },
        },
        { name: "rest", action: "reject" },
      ],
      importPolicy: "reject",
    });
    expect(parseSpeakerConfig({ ...file, hostname: "n1", listenPort: 1179 }, "host")).toMatchObject(
      {
        hostname: "n1",
        listenPort: 1179,
        peers: [
          {
            name: "tor",
            address: "fd00::2",
            keepaliveTimeSeconds: 3,
            gracefulRestart: { restartTimeSeconds: 120 },
            exportPolicy: [
              {
                name: "s",
                action: "accept",
                set: {
                  localPref: 200,
                  communities: [4259840001, 0xffffff01, 7],
                  largeCommunities: [[65000, 1, 2]],
                  asPathPrepend: 2,
                },
              },
              { name: "rest", action: "reject" },
            ],
          },
        ],
      },
    );
  });

  it.each([
    [undefined, "MissingField "],
    [[], "WrongType "],
    [{ ...minimal, localAsn: 0 }, "BadValue localAsn"],
    [{ ...minimal, localAsn: undefined }, "MissingField localAsn"],
    [{ ...minimal, routerId: "fd00::1" }, "BadValue routerId"],
    [{ ...minimal, routerId: "0.0.0.0" }, "BadValue routerId"],
    [{ ...minimal, listenPort: 70000 }, "BadValue listenPort"],
    [{ ...minimal, originate: ["10.1.0.1/16"] }, "BadValue originate[0]"],
    [{ ...minimal, originate: ["10.1.0.0"] }, "BadValue originate[0]"],
    [withPeer({ address: undefined }), "MissingField peers[0].address"],
    [withPeer({ address: "10.0.0.256" }), "BadValue peers[0].address"],
    [withPeer({ asn: "65001" }), "BadValue peers[0].asn"],
    [withPeer({ asn: undefined }), "MissingField peers[0].asn"],
    [withPeer({ holdTimeSeconds: 2 }), "BadValue peers[0].holdTimeSeconds"],
    [
      withPeer({ holdTimeSeconds: 9, keepaliveTimeSeconds: 10 }),
      "BadValue peers[0].keepaliveTimeSeconds",
    ],
    [withPeer({ families: [] }), "BadValue peers[0].families"],
    [withPeer({ families: ["ipv4"] }), "BadValue peers[0].families[0]"],
    [withPeer({ localAddress: "fd00::1" }), "BadValue peers[0].localAddress"],
    [
      withPeer({ gracefulRestart: { restartTimeSeconds: 4096 } }),
      "BadValue peers[0].gracefulRestart.restartTimeSeconds",
    ],
    [
      withPeer({ exportPolicy: [{ name: "s", set: { communities: ["65536:1"] } }] }),
      "BadValue peers[0].exportPolicy[0].set.communities[0]",
    ],
    [
      withPeer({ exportPolicy: [{ name: "s", set: { largeCommunities: ["1:2"] } }] }),
      "BadValue peers[0].exportPolicy[0].set.largeCommunities[0]",
    ],
    [
      withPeer({ exportPolicy: [{ name: "s", set: { prepend: 1 } }] }),
      "UnknownField peers[0].exportPolicy[0].set.prepend",
    ],
    [
      { ...minimal, peers: [minimal.peers[0], { ...minimal.peers[0], name: "x" }] },
      "Duplicate peers[1].address",
    ],
    [
      {
        ...minimal,
        peers: [
          { ...minimal.peers[0], name: "10.0.0.3" },
          { address: "10.0.0.3", asn: 1 },
        ],
      },
      "Duplicate peers[1].name",
    ],
  ])("refuses %j", (value, problem) => {
    expect(problems(value)).toEqual([problem]);
  });

  it("reports every problem at once, with hints at misspelt fields and host bits", () => {
    const value = {
      localASN: 65000,
      routerId: "1.1.1.1",
      originate: ["10.1.0.1/16"],
      peers: [{ adress: "10.0.0.2", asn: 1 }],
    };
    const found = parseSpeakerConfig(value, "host");
    expect(found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: "localASN", hint: "did you mean 'localAsn'?" }),
        expect.objectContaining({ path: "localAsn", code: "MissingField" }),
        expect.objectContaining({ path: "peers[0].adress", hint: "did you mean 'address'?" }),
        expect.objectContaining({ path: "peers[0].address", code: "MissingField" }),
        expect.objectContaining({ path: "originate[0]", hint: "did you mean '10.1.0.0/16'?" }),
      ]),
    );
    expect(found).toHaveLength(5);
  });
});

it.each([
  [withPeer({ ttl: 1, ttlSecurityHops: 1 }), "BadValue peers[0].ttl"],
  [withPeer({ routeReflectorClient: true }), "BadValue peers[0].routeReflectorClient"],
  [withPeer({ longLivedPartialDeployment: true }), "BadValue peers[0].longLivedPartialDeployment"],
  [withPeer({ asn: 65000, role: { name: "peer" } }), "BadValue peers[0].role"],
  [withPeer({ asn: "internal", localAs: { asn: 7 } }), "BadValue peers[0].localAs"],
  [withPeer({ role: { name: "transit" } }), "BadValue peers[0].role.name"],
  [withPeer({ addPath: { send: 1 } }), "BadValue peers[0].addPath.send"],
  [
    { ...minimal, listenRanges: [{ prefix: "10.0.0.0/8", peer: { asn: "any" } }] },
    "MissingField listenPort",
  ],
  [
    {
      ...minimal,
      listenPort: 179,
      listenRanges: [{ prefix: "10.0.0.0/8", peer: { asn: 1, address: "10.0.0.1" } }],
    },
    "UnknownField listenRanges[0].peer.address",
  ],
])("refuses %j", (value, problem) => {
  expect(problems(value)).toEqual([problem]);
});

it("listen ranges have a template with the defaults of a peer", () => {
  const listenRanges = [{ prefix: "10.0.0.0/8", peer: { asn: "internal", holdTimeSeconds: 9 } }];
  const file = { ...minimal, listenPort: 179, listenRanges };
  expect(parseSpeakerConfig(file, "host")).toMatchObject({
    listenRanges: [
      {
        prefix: "10.0.0.0/8",
        limit: 100,
        peer: { asn: "internal", keepaliveTimeSeconds: 3, importPolicy: "accept" },
      },
    ],
  });
});

describe("policies where none is written (RFC 8212)", () => {
  const open = {
    importPolicy: "accept",
    exportPolicy: [{ name: "all", action: "accept" }],
  };
  const none = { importPolicy: [], exportPolicy: [] };

  it.each([
    [65001, {}, none],
    ["external", {}, none],
    // Whatever may be external needs a policy.
    ["any", {}, none],
    [0, {}, none],
    [65000, {}, open],
    ["internal", {}, open],
    [65001, { ebgpRequiresPolicy: false }, open],
  ])("peer asn %s, %j", (asn, more, expected) => {
    const file = { ...withPeer({ asn }), ...more };
    expect(parseSpeakerConfig(file, "host")).toMatchObject({ peers: [expected] });
  });

  it("one that is written counts, the other is still needed", () => {
    const file = withPeer({ importPolicy: "accept" });
    expect(parseSpeakerConfig(file, "host")).toMatchObject({
      peers: [{ importPolicy: "accept", exportPolicy: [] }],
    });
  });
});

describe("policies", () => {
  it("take every condition and every action", () => {
    const statement = {
      name: "s",
      match: {
        prefixRanges: ["10.0.0.0/8", { prefix: "10.1.0.0/16", minLength: 24, maxLength: 28 }],
        neighbors: ["tor0"],
        originated: false,
        origin: ["igp"],
        communities: { any: ["65000:1"], none: ["no-export"] },
        largeCommunities: { all: ["65000:1:2"] },
        extendedCommunities: { any: ["rt:65000:100", "soo:10.0.0.1:7", "rt:4200000000:1"] },
        asPath: {
          contains: [65003],
          beginsWith: 65001,
          endsWith: 65009,
          maxLength: 5,
          regex: "_65003_",
        },
      },
      set: {
        nextHop: "10.0.0.9",
        extendedCommunities: ["0x030b000000000064"],
        remove: { communities: ["65000:7"] },
        replace: { largeCommunities: [] },
      },
    };
    const file = withPeer({ importPolicy: [statement], exportPolicy: [statement] });
    const bytes = (...of: number[]) => Uint8Array.of(...of);
    const expected = {
      match: {
        prefixRanges: [
          { prefix: "10.0.0.0/8" },
          { prefix: "10.1.0.0/16", minLength: 24, maxLength: 28 },
        ],
        communities: { any: [4259840001], none: [0xffffff01] },
        extendedCommunities: {
          any: [
            bytes(0, 2, 0xfd, 0xe8, 0, 0, 0, 100),
            bytes(1, 3, 10, 0, 0, 1, 0, 7),
            bytes(2, 2, 0xfa, 0x56, 0xea, 0, 0, 1),
          ],
        },
        asPath: { beginsWith: 65001, regex: "_65003_" },
      },
      set: { nextHop: "10.0.0.9", extendedCommunities: [bytes(3, 11, 0, 0, 0, 0, 0, 100)] },
    };
    expect(parseSpeakerConfig(file, "host")).toMatchObject({
      peers: [{ importPolicy: [expected], exportPolicy: [expected] }],
    });
  });

  it.each([
    [{ match: { asPath: { regex: "(" } } }, "match.asPath.regex", /expected a regular expression/],
    [
      { match: { communities: { any: ["x"] } } },
      "match.communities.any[0]",
      /65010:100 or no-export/,
    ],
    [{ match: { community: {} } }, "match.community", /no field 'community'/, "communities"],
    [
      { match: { prefixRanges: [{ prefix: "10.0.0.0/16", minLength: 8 }] } },
      "match.prefixRanges[0]",
      /16 <= minLength <= maxLength <= 32/,
    ],
    [{ match: { prefixRanges: ["10.0.0.1/16"] } }, "match.prefixRanges[0]", /host bits/],
    [{ set: { nextHop: "self" } }, "set.nextHop", /for export policies/],
    [{ set: { extendedCommunities: ["rt:1"] } }, "set.extendedCommunities[0]", /rt:65000:100/],
    [{ action: "permit" }, "action", /accept/],
  ])("refuse %j in an import policy", (part, path, message, meant?: string) => {
    const found = parseSpeakerConfig(withPeer({ importPolicy: [{ name: "s", ...part }] }), "host");
    expect(found).toMatchObject([
      {
        path: `peers[0].importPolicy[0].${path}`,
        message: expect.stringMatching(message),
        ...(meant !== undefined && { hint: `did you mean '${meant}'?` }),
      },
    ]);
  });

  it("refuse a name twice", () => {
    const exportPolicy = [{ name: "s" }, { name: "s", action: "reject" }];
    expect(problems(withPeer({ exportPolicy }))).toEqual([
      "BadValue peers[0].exportPolicy[1].name",
    ]);
  });
});

it("limits, shutdown and the rest of a peer", () => {
  const file = withPeer({
    maximumPrefix: { "ipv4/unicast": { count: 10, restartTimeSeconds: 60 } },
    shutdown: "back at noon",
    localAs: { asn: 65009, replaceAs: true },
    ...{ delayOpenTimeSeconds: 5, allowAsIn: 2 },
    nextHopSelf: "force",
    ttlSecurityHops: 1,
    addPath: { receive: true, send: 2 },
    role: { name: "customer", strict: true },
    gracefulRestart: { longLivedStaleTimeSeconds: 3600 },
  });
  expect(parseSpeakerConfig({ ...file, clusterId: "9.9.9.9" }, "host")).toMatchObject({
    clusterId: "9.9.9.9",
    peers: [
      {
        maximumPrefix: {
          "ipv4/unicast": {
            count: 10,
            warningThresholdPercent: 75,
            action: "teardown",
            restartTimeSeconds: 60,
          },
        },
        shutdown: { communication: "back at noon" },
        localAs: { asn: 65009, replaceAs: true },
        ...{ delayOpenTimeSeconds: 5, allowAsIn: 2 },
        nextHopSelf: "force",
        ttlSecurityHops: 1,
        addPath: { receive: true, send: 2 },
        role: { name: "customer", strict: true },
        gracefulRestart: { restartTimeSeconds: 120, longLivedStaleTimeSeconds: 3600 },
      },
    ],
  });
  const off = parseSpeakerConfig(withPeer({ shutdown: false }), "host");
  expect(off).not.toHaveProperty(["peers", 0, "shutdown"]);
  expect(problems(withPeer({ maximumPrefix: { "ipv4/unicast": {} } }))).toEqual([
    "MissingField peers[0].maximumPrefix.ipv4/unicast.count",
  ]);
});

describe("bfd", () => {
  const bfdOf = (bfd: object) => {
    const config = parseSpeakerConfig(withPeer({ bfd }), "host");
    return Array.isArray(config) ? config : config.peers[0]!.bfd;
  };

  it("has FRR's times where none are given", () => {
    const times = { transmitIntervalMs: 300, receiveIntervalMs: 300, detectMultiplier: 3 };
    expect(bfdOf({})).toEqual(times);
    expect(bfdOf({ receiveIntervalMs: 50, checkControlPlaneFailure: true })).toEqual({
      ...times,
      receiveIntervalMs: 50,
      checkControlPlaneFailure: true,
    });
  });

  it("says what is wrong with it", () => {
    const wrong = { transmitIntervalMs: 9, detectMultiplier: 0, minRxMs: 300 };
    expect(problems(withPeer({ bfd: wrong })).toSorted()).toEqual([
      "BadValue peers[0].bfd.detectMultiplier",
      "BadValue peers[0].bfd.transmitIntervalMs",
      "UnknownField peers[0].bfd.minRxMs",
    ]);
    expect(problems(withPeer({ bfd: {}, ttlSecurityHops: 2 }))).toEqual(["BadValue peers[0].bfd"]);
  });
});
