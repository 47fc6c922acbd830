import { describe, expect, test } from "vitest";
import {
  advertisement,
  compiled,
  errors,
  input,
  ipv4,
  ipv6,
  peer,
  peerConfig,
  podCidr,
  tor,
} from "./compile.fixture.ts";
import type { Advertisement } from "./schema/advertisement.ts";
import { compileNode } from "./compile.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";

describe("which advertisements a family takes", () => {
  const both = [advertisement("pod-cidr", podCidr), advertisement("other", podCidr)];
  const policy = (family: Partial<NonNullable<CiliumBGPPeerConfig["spec"]["families"]>[number]>) =>
    compileNode(
      input({
        advertisements: both,
        peerConfigs: [peerConfig({ families: [{ ...ipv4, ...family }] })],
      }),
    ).instances[0]!.config.peers[0]!.exportPolicy.map(({ name }) => name);
  test("no selector: none", () => {
    expect(policy({})).toEqual([]);
  });
  test("the empty selector: all", () => {
    expect(policy({ advertisements: {} })).toEqual(["PodCIDR-ipv4"]);
  });
  test("by label", () => {
    expect(policy({ advertisements: { matchLabels: { advertise: "other" } } })).toHaveLength(1);
    expect(policy({ advertisements: { matchLabels: { advertise: "no" } } })).toEqual([]);
  });
  test("a selector that cannot be used is an error", () => {
    const advertisements = { matchExpressions: [{ key: "a", operator: "In" as const }] };
    expect(
      errors({ peerConfigs: [peerConfig({ families: [{ ...ipv4, advertisements }] })] }),
    ).toEqual(['families[].advertisements: In of label "a" needs values']);
  });
});

function withPref(localPreference: number): Advertisement {
  return { ...podCidr, attributes: { localPreference } };
}

describe("PodCIDR", () => {
  const dualStack = [
    peerConfig({
      families: [
        { ...ipv6, advertisements: {} },
        { ...ipv4, advertisements: {} },
      ],
    }),
  ];
  test("one statement for each family, in order of priority and name", () => {
    const config = compiled({
      podCIDRs: ["fd00:1::/64", "10.1.4.0/24", "10.1.3.0/24"],
      peerConfigs: dualStack,
    });
    expect(config.originate.toSorted()).toEqual(["10.1.3.0/24", "10.1.4.0/24", "fd00:1::/64"]);
    expect(config.peers[0]!.exportPolicy).toEqual([
      { name: "PodCIDR-ipv4", prefixes: ["10.1.3.0/24", "10.1.4.0/24"], action: "accept" },
      { name: "PodCIDR-ipv6", prefixes: ["fd00:1::/64"], action: "accept" },
    ]);
    expect(config.peers[0]!.families).toEqual([ipv6, ipv4]);
  });
  test("only what the peer's families can carry is in the loc-rib", () => {
    expect(compiled({ podCIDRs: ["10.1.3.0/24", "fd00:1::/64"] }).originate).toEqual([
      "10.1.3.0/24",
    ]);
    expect(compiled({ podCIDRs: ["fd00:1::/64"] }).peers[0]!.exportPolicy).toEqual([]);
  });
  test("a node without podCIDR has nothing to advertise, which is no error", () => {
    const config = compiled({ podCIDRs: [] });
    expect([config.originate, config.peers[0]!.exportPolicy]).toEqual([[], []]);
    expect(config.peers).toHaveLength(1);
  });
  test("the loc-rib is the union over peers; what each gets is in its own policy", () => {
    const config = compiled({
      peers: [
        tor,
        { ...tor, name: "silent", peerAddress: "10.0.0.9", peerConfigRef: { name: "none" } },
      ],
      peerConfigs: [
        peerConfig({ families: [{ ...ipv4, advertisements: {} }] }),
        peerConfig({ families: [ipv4] }, "none"),
      ],
    });
    expect(config.originate).toEqual(["10.1.3.0/24"]);
    expect(config.peers.map(({ exportPolicy }) => exportPolicy.length)).toEqual([1, 0]);
  });
  test("a podCIDR that is none is an error", () => {
    expect(errors({ podCIDRs: ["10.1.3.0"] })).toEqual(["failed to parse prefix 10.1.3.0"]);
  });
  test("communities and localPreference", () => {
    const attributes: Advertisement["attributes"] = {
      communities: {
        standard: ["65010:100", "4260495460", "65535:65281"],
        wellKnown: ["no-export", "blackhole"],
        large: ["64512:1:2", "64512:1:3", "64512:1:2"],
      },
      localPreference: 200,
    };
    const advertisements = [advertisement("a", { ...podCidr, attributes })];
    expect(peer({ advertisements }).exportPolicy[0]!.set).toEqual({
      localPref: 200,
      // 4260495460 is 65010:100 again, and 65535:65281 is no-export: each value once.
      communities: [0xfdf20064, 0xffffff01, 0xffff029a],
      largeCommunities: [
        [64512, 1, 2],
        [64512, 1, 3],
      ],
    });
  });
  test("of a localPreference that needs more than 32 bits, the low ones", () => {
    for (const [localPreference, localPref] of [
      [4294967296 + 7, 7],
      [-1, 4294967295],
      [0, 0],
    ] as const) {
      const advertisements = [advertisement("a", withPref(localPreference))];
      expect(peer({ advertisements }).exportPolicy[0]!.set).toEqual({ localPref });
    }
  });
  test("a community that is none is an error", () => {
    const attributes = { communities: { standard: ["x"] } };
    expect(errors({ advertisements: [advertisement("a", { ...podCidr, attributes })] })).toEqual([
      "failed to parse BGP community x",
    ]);
  });
  test("two for one peer are not merged: the last writer wins", () => {
    const advertisements = [
      advertisement("b", withPref(300), withPref(50)),
      advertisement("a", { ...podCidr, attributes: { communities: { standard: ["1:1"] } } }),
    ];
    const config = peer({ advertisements }, [
      "instance-65010: peer tor0: 3 PodCIDR advertisements are selected for ipv4 (in a, b, b): they are not merged, the last one in b counts",
    ]);
    expect(config.exportPolicy.map(({ set }) => set)).toEqual([{ localPref: 50 }]);
  });
});

describe("families", () => {
  test("families other than IPv4 and IPv6 unicast, by name of the field", () => {
    const peerConfigs = [peerConfig({ families: [ipv4, { afi: "l2vpn", safi: "evpn" }] })];
    expect(
      peer({ peerConfigs }, [
        "instance-65010: peer tor0: families[1] l2vpn/evpn is not supported: it is left out",
      ]).families,
    ).toEqual([ipv4]);
  });
  test("a family written twice counts once, with the later selector", () => {
    const peerConfigs = [peerConfig({ families: [{ ...ipv4, advertisements: {} }, ipv4] })];
    expect(peer({ peerConfigs })).toMatchObject({ families: [ipv4], exportPolicy: [] });
  });
});
