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
          exportPolicy: [{ name: "originated", prefixes: ["10.1.0.0/16"], action: "accept" }],
          importPolicy: "accept",
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
    [withPeer({ asn: "65001" }), "WrongType peers[0].asn"],
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
