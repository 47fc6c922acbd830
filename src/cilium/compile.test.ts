import { describe, expect, test } from "vitest";
import type { NetworkInterface } from "../net/network-state.ts";
import { compiled, errors, input, ipv4, ipv6, peer, peerConfig, tor } from "./compile.fixture.ts";
import { compileNode } from "./compile.ts";

const ciliumHost: NetworkInterface = {
  index: 7,
  name: "cilium_host",
  isUp: true,
  hasCarrier: true,
  operState: "up",
  mac: "02:42:0a:01:03:01",
  addresses: [],
};

test("everything by default", () => {
  expect(compiled({})).toEqual({
    localAsn: 65010,
    routerId: "10.0.2.2",
    hostname: "kind-worker",
    originate: ["10.1.3.0/24"],
    peers: [
      {
        name: "tor0",
        address: "10.0.0.1",
        asn: 65010,
        port: 179,
        passive: false,
        linkLocalNextHop: false,
        holdTimeSeconds: 90,
        keepaliveTimeSeconds: 30,
        connectRetryTimeSeconds: 120,
        families: [ipv4],
        exportPolicy: [{ name: "PodCIDR-ipv4", prefixes: ["10.1.3.0/24"], action: "accept" }],
        importPolicy: "reject",
      },
    ],
  });
});

describe("instance", () => {
  test("listens only where localPort is set", () => {
    expect(compiled({})).not.toHaveProperty("listenPort");
    expect(compiled({ instance: { localPort: 1790 } }).listenPort).toBe(1790);
  });
  test("routerID of the NodeConfig, else the node's; without either an error", () => {
    expect(compiled({ instance: { routerID: "10.9.9.9" } }).routerId).toBe("10.9.9.9");
    const of = input({});
    of.node.spec.addresses = [{ type: "InternalIP", ip: "fd00::2" }];
    expect(compileNode(of)).toEqual({
      instances: [],
      errors: [
        {
          instance: "instance-65010",
          message: "failed to get router ID: the node has no IPv4 address",
        },
      ],
      warnings: [],
    });
    const [first] = compileNode({
      ...of,
      network: { interfaces: [ciliumHost], defaultRoutes: [] },
    }).instances;
    expect(first!.config.routerId).toBe("10.1.3.1");
  });
  test("without localASN is an error", () => {
    const of = input({});
    delete of.nodeConfig.spec.bgpInstances[0]!.localASN;
    expect(compileNode(of).errors).toEqual([
      { instance: "instance-65010", message: "instance instance-65010 does not have a LocalASN" },
    ]);
  });
  test("one that fails does not hold up another", () => {
    const instances = [{ name: "bad" }, { name: "good", localASN: 65010 }];
    const result = compileNode(input({ instances }));
    expect(result.instances.map(({ name }) => name)).toEqual(["good"]);
    expect(result.errors.map(({ instance }) => instance)).toEqual(["bad"]);
  });
});

describe("peers", () => {
  test("peerASN is required", () => {
    const { peerASN: _, ...without } = tor;
    expect(errors({ peers: [without] })).toEqual(["peer tor0 does not have a PeerASN"]);
  });
  test("without peerAddress a peer is skipped, but its paths are in the loc-rib", () => {
    const { peerAddress: _, ...without } = tor;
    const config = compiled({ peers: [without] });
    expect(config.peers).toEqual([]);
    expect(config.originate).toEqual(["10.1.3.0/24"]);
  });
  test("a peerConfigRef to nothing: the peer is skipped", () => {
    expect(compiled({ peerConfigs: [] })).toMatchObject({ peers: [], originate: [] });
  });
  test("no peerConfigRef: ipv6 and ipv4 unicast, and nothing advertised", () => {
    const { peerConfigRef: _, ...without } = tor;
    const config = compiled({ peers: [without] });
    expect(config.originate).toEqual([]);
    expect(config.peers[0]).toMatchObject({ families: [ipv6, ipv4], exportPolicy: [] });
    expect(compiled({ peers: [{ ...tor, peerConfigRef: { name: "" } }] })).toEqual(config);
    for (const spec of [{}, { families: [] }]) {
      expect(compiled({ peerConfigs: [peerConfig(spec)] })).toEqual(config);
    }
  });
  test("timers and transport", () => {
    const spec = {
      timers: { connectRetryTimeSeconds: 5, holdTimeSeconds: 9, keepAliveTimeSeconds: 3 },
      transport: { peerPort: 1790 },
    };
    expect(peer({ peerConfigs: [peerConfig(spec)] })).toMatchObject({
      connectRetryTimeSeconds: 5,
      holdTimeSeconds: 9,
      keepaliveTimeSeconds: 3,
      port: 1790,
    });
  });
  test("localAddress of the override", () => {
    expect(peer({ peers: [{ ...tor, localAddress: "10.0.2.2" }] }).localAddress).toBe("10.0.2.2");
    expect(peer({})).not.toHaveProperty("localAddress");
  });
  test.each([
    [65010, 1, undefined],
    [65010, 5, undefined],
    [65000, 1, 1],
    [65000, 5, 5],
    [0, 1, 1],
  ])("peerASN %d, ebgpMultihop %d: TTL %s", (peerASN, ebgpMultihop, ttl) => {
    const config = peer({
      peers: [{ ...tor, peerASN }],
      peerConfigs: [peerConfig({ ebgpMultihop })],
    });
    expect(config.asn).toBe(peerASN);
    expect(config.ttl).toBe(ttl);
    expect("ttl" in config).toBe(ttl !== undefined);
  });
  test("gracefulRestart only where enabled", () => {
    const on = peerConfig({ gracefulRestart: { enabled: true, restartTimeSeconds: 15 } });
    const off = peerConfig({ gracefulRestart: { enabled: false, restartTimeSeconds: 15 } });
    expect(peer({ peerConfigs: [on] }).gracefulRestart).toEqual({ restartTimeSeconds: 15 });
    expect(peer({ peerConfigs: [off] })).not.toHaveProperty("gracefulRestart");
  });
  test("an address that is none is an error", () => {
    expect(errors({ peers: [{ ...tor, peerAddress: " 10.0.0.1" }] })).toEqual([
      "failed to parse peer address  10.0.0.1",
    ]);
    expect(errors({ peers: [{ ...tor, localAddress: "fe80::1%eth0" }] })).toEqual([
      "failed to parse local address fe80::1%eth0",
    ]);
  });
  test("of two peers with one address the first is kept", () => {
    const result = compileNode(input({ peers: [tor, { ...tor, name: "again" }] }));
    expect(result.instances[0]!.config.peers.map(({ name }) => name)).toEqual(["tor0"]);
    expect(result.errors).toEqual([
      {
        instance: "instance-65010",
        message: "failed to add neighbor again: 10.0.0.1 is already neighbor tor0",
      },
    ]);
  });
});

describe("authSecretRef", () => {
  const peerConfigs = [peerConfig({ authSecretRef: "bgp-auth" })];
  test("key `password` of the secret", () => {
    const secrets: [string, Record<string, string>][] = [["bgp-auth", { password: "s3cret" }]];
    expect(peer({ peerConfigs, secrets }).password).toBe("s3cret");
  });
  test("no such secret: an empty password, silently", () => {
    expect(peer({ peerConfigs })).not.toHaveProperty("password");
  });
  test("a secret without the key: an error, and the instance is left as it runs", () => {
    for (const secret of [{ other: "x" }, { password: "" }]) {
      const of = { peerConfigs, secrets: [["bgp-auth", secret]] as [string, typeof secret][] };
      const result = compileNode(input(of as Parameters<typeof input>[0]));
      expect(result.instances).toEqual([]);
      expect(result.errors).toEqual([
        {
          instance: "instance-65010",
          message: 'failed to fetch secret "bgp-auth": missing password key',
        },
      ]);
    }
  });
});
