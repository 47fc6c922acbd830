import { describe, expect, test } from "vitest";
import { ciliumResources } from "./resources.ts";
import { type Problem, validateResource } from "./validate.ts";

type Fields = Record<string, unknown>;

function resource(kind: string, spec: unknown, version = "v2"): Fields {
  return { apiVersion: `cilium.io/${version}`, kind, metadata: { name: "one" }, spec };
}

function clusterConfig(instance: Fields, version?: string): Fields {
  const spec = { bgpInstances: [{ name: "instance-65010", ...instance }] };
  return resource("CiliumBGPClusterConfig", spec, version);
}

function override(instance: Fields): Fields {
  const spec = { bgpInstances: [{ name: "instance-65010", ...instance }] };
  return resource("CiliumBGPNodeConfigOverride", spec);
}

function advertisement(entry: Fields, version?: string): Fields {
  return resource("CiliumBGPAdvertisement", { advertisements: [entry] }, version);
}

function problems(object: object): Problem[] {
  return validateResource(object).problems;
}

function named(metadata: Fields): Problem[] {
  return problems({ ...clusterConfig({}), metadata });
}

/** Problems of a CiliumBGPPeerConfig with those timers. */
function timers(fields: Fields, version?: string): Problem[] {
  return problems(resource("CiliumBGPPeerConfig", { timers: fields }, version));
}

/** The one problem of a CiliumBGPAdvertisement whose entry breaks a rule. */
function rule(message: string): Problem[] {
  return [{ path: "spec.advertisements[0]", message, code: "RuleBroken" }];
}

function defaultedSpec(object: object): Fields {
  const { problems: found, defaulted } = validateResource(object);
  expect(found).toEqual([]);
  return (defaulted as { spec: Fields }).spec;
}

describe("kind and version", () => {
  test("an unknown kind, with the one it may have meant", () => {
    expect(problems(resource("CiliumBGPPeersConfig", {}))).toEqual([
      {
        path: "kind",
        message: 'no kind "CiliumBGPPeersConfig" in group cilium.io',
        code: "UnknownKind",
        hint: "did you mean 'CiliumBGPPeerConfig'?",
      },
    ]);
    expect(problems({})[0]!.code).toBe("UnknownKind");
  });
  test("a version that the kind does not have", () => {
    expect(problems(resource("CiliumNode", {}, "v2alpha1"))).toEqual([
      {
        path: "apiVersion",
        message: 'no version "cilium.io/v2alpha1" of CiliumNode; served: cilium.io/v2',
        code: "UnknownVersion",
      },
    ]);
    expect(problems(resource("CiliumBGPPeerConfig", {}, "v3"))[0]!.code).toBe("UnknownVersion");
  });
  test("v2 of every kind is stored, and nothing else, but for kinds that have none", () => {
    const onlyAlpha = new Set(["CiliumPodIPPool", "CiliumBGPPeeringPolicy", "CiliumBGPPeerPolicy"]);
    for (const { kind, versions } of ciliumResources) {
      const stored = onlyAlpha.has(kind) ? "v2alpha1" : "v2";
      expect(versions.filter(({ storage }) => storage).map(({ name }) => name)).toEqual([stored]);
    }
  });
});

describe("mistakes in fields", () => {
  test("an unknown field, at any depth, with the nearest known one", () => {
    const object = clusterConfig({
      peers: [{ name: "tor", peerAdress: "10.0.0.1", xyz: 1 }],
      localAS: 65010,
    });
    expect(problems(object)).toEqual([
      {
        path: "spec.bgpInstances[0].peers[0].peerAdress",
        message: "no such field",
        code: "UnknownField",
        hint: "did you mean 'peerAddress'?",
      },
      {
        path: "spec.bgpInstances[0].peers[0].xyz",
        message: "no such field",
        code: "UnknownField",
      },
      {
        path: "spec.bgpInstances[0].localAS",
        message: "no such field",
        code: "UnknownField",
        hint: "did you mean 'localASN'?",
      },
    ]);
  });
  test("an unknown field beside spec and in metadata", () => {
    const object = { ...clusterConfig({}), spce: {}, metadata: { name: "one", label: {} } };
    expect(problems(object).map(({ path, hint }) => [path, hint])).toEqual([
      ["metadata.label", "did you mean 'labels'?"],
      ["spce", "did you mean 'spec'?"],
    ]);
  });
  test("status where the kind has none", () => {
    const object = { ...advertisement({ advertisementType: "PodCIDR" }), status: {} };
    expect(problems(object)).toMatchObject([{ path: "status", code: "UnknownField" }]);
  });
  test("a wrong type, with what was found", () => {
    expect(problems(clusterConfig({ localASN: "65010" }))).toEqual([
      {
        path: "spec.bgpInstances[0].localASN",
        message: 'must be of type integer, not "65010"',
        code: "WrongType",
      },
    ]);
    expect(problems(clusterConfig({ localASN: 1.5 }))).toMatchObject([{ code: "WrongType" }]);
    expect(problems(clusterConfig({ peers: {} }))).toMatchObject([
      { message: "must be of type array, not {}", code: "WrongType" },
    ]);
  });
  test("a missing field", () => {
    const missing = { message: "is required", code: "MissingField" };
    expect(problems(resource("CiliumBGPClusterConfig", {}))).toEqual([
      { path: "spec.bgpInstances", ...missing },
    ]);
    const { spec: _, ...withoutSpec } = clusterConfig({});
    expect(problems(withoutSpec)).toEqual([{ path: "spec", ...missing }]);
    expect(problems(advertisement({}))).toEqual([
      { path: "spec.advertisements[0].advertisementType", ...missing },
    ]);
  });
  test("null counts as missing, as the API server drops it", () => {
    expect(problems({ ...clusterConfig({}), spec: null })).toMatchObject([
      { code: "MissingField" },
    ]);
    const { metadata } = validateResource({
      ...clusterConfig({}),
      metadata: { name: "one", creationTimestamp: null },
    }).defaulted as { metadata: Fields };
    expect(metadata).toEqual({ name: "one" });
  });
  test.each([
    [{ localASN: 0 }, "localASN", "must be at least 1"],
    [{ localASN: 4294967296 }, "localASN", "must be at most 4294967295"],
    [{ localPort: 0 }, "localPort", "must be at least 1"],
    [{ localPort: 65536 }, "localPort", "must be at most 65535"],
    [{ name: "" }, "name", "must have at least 1 character"],
    [{ name: "x".repeat(256) }, "name", "must have at most 255 characters"],
    [{ peers: [{ name: "a", peerASN: -1 }] }, "peers[0].peerASN", "must be at least 0"],
  ])("out of bounds: %j", (instance, path, message) => {
    expect(problems(clusterConfig(instance))).toEqual([
      { path: `spec.bgpInstances[0].${path}`, message, code: "OutOfRange" },
    ]);
  });
  test("between 1 and 16 instances", () => {
    const all = Array.from({ length: 17 }, (_, i) => ({ name: `instance-${i}` }));
    const kind = "CiliumBGPClusterConfig";
    expect(problems(resource(kind, { bgpInstances: all.slice(1) }))).toEqual([]);
    expect(problems(resource(kind, { bgpInstances: all }))).toMatchObject([
      { path: "spec.bgpInstances", message: "must have at most 16 items", code: "OutOfRange" },
    ]);
    expect(problems(resource(kind, { bgpInstances: [] }))).toMatchObject([
      { path: "spec.bgpInstances", message: "must have at least 1 item", code: "OutOfRange" },
    ]);
  });
  test("not one of an enum's values", () => {
    expect(problems(advertisement({ advertisementType: "PodCidrs" }))).toEqual([
      {
        path: "spec.advertisements[0].advertisementType",
        message: '"PodCidrs" is not one of: PodCIDR, CiliumPodIPPool, Service, Interface',
        code: "UnknownValue",
        hint: "did you mean 'PodCIDR'?",
      },
    ]);
  });
  test.each([
    [{ name: "p", peerAddress: "10.0.0.256" }, "must be an IPv4 or IPv6 address"],
    [{ name: "p", peerAddress: "10.0.0.1/32" }, "must be an IPv4 or IPv6 address"],
    [{ name: "p", peerAddress: "fe80::1%" }, "must be an IPv4 or IPv6 address"],
    [{ name: "p", peerAddress: "tor0" }, "must be an IPv4 or IPv6 address"],
  ])("not an address: %j", (peer, message) => {
    expect(problems(clusterConfig({ peers: [peer] }))).toEqual([
      { path: "spec.bgpInstances[0].peers[0].peerAddress", message, code: "InvalidFormat" },
    ]);
  });
  test.each(["10.0.0.1", " fd00::1 ", "fe80::1%eth0"])(
    "an address as the CRD's pattern has it: %j",
    (peerAddress) => {
      expect(problems(clusterConfig({ peers: [{ name: "p", peerAddress }] }))).toEqual([]);
    },
  );
  test("routerID is IPv4", () => {
    expect(problems(override({ routerID: "10.0.0.1" }))).toEqual([]);
    expect(problems(override({ routerID: "fd00::1" }))).toMatchObject([{ code: "InvalidFormat" }]);
  });
  test("communities that are none", () => {
    const communities = { standard: ["65536:1"], large: ["1:2"], wellKnown: ["no-exports"] };
    const object = advertisement({ advertisementType: "PodCIDR", attributes: { communities } });
    expect(problems(object).map(({ path, code }) => [path.split(".").at(-1), code])).toEqual([
      ["standard[0]", "InvalidFormat"],
      ["wellKnown[0]", "UnknownValue"],
      ["large[0]", "InvalidFormat"],
    ]);
  });
  test("names and labels that Kubernetes refuses", () => {
    expect(named({ name: "Rack_0" })).toMatchObject([
      { path: "metadata.name", code: "InvalidFormat" },
    ]);
    expect(named({ name: "a", labels: { "-x": "y" } })).toMatchObject([{ code: "InvalidFormat" }]);
    expect(named({ name: "a", labels: { x: "a b" } })).toMatchObject([
      { path: "metadata.labels.x", code: "InvalidFormat" },
    ]);
    expect(named({ name: "a", labels: { "example.com/rack": "rack0" } })).toEqual([]);
  });
  test("two mistakes are both found, and the object is handed back as it was", () => {
    const object = clusterConfig({ localASN: 0, peers: [{ name: "a", peerASN: "x" }] });
    expect(problems(object).map(({ code }) => code)).toEqual(["OutOfRange", "WrongType"]);
    expect(validateResource(object).defaulted).toBe(object);
  });
});

describe("list-maps: names are unique", () => {
  test("of instances", () => {
    const object = resource("CiliumBGPClusterConfig", {
      bgpInstances: [{ name: "a" }, { name: "b" }, { name: "a" }],
    });
    expect(problems(object)).toEqual([
      {
        path: "spec.bgpInstances[2].name",
        message: 'another element already has the name "a"',
        code: "Duplicate",
      },
    ]);
  });
  test("of peers, but only within an instance", () => {
    const peers = [{ name: "tor" }];
    expect(problems(clusterConfig({ peers: [...peers, ...peers] }))).toMatchObject([
      { path: "spec.bgpInstances[0].peers[1].name", code: "Duplicate" },
    ]);
    const object = resource("CiliumBGPClusterConfig", {
      bgpInstances: [
        { name: "a", peers },
        { name: "b", peers },
      ],
    });
    expect(problems(object)).toEqual([]);
  });
  test("of condition types", () => {
    const condition = {
      type: "cilium.io/NoMatchingNode",
      status: "False",
      lastTransitionTime: "2026-08-08T00:00:00Z",
      reason: "MatchingNodeSelected",
      message: "",
    };
    const object = { ...clusterConfig({}), status: { conditions: [condition, condition] } };
    expect(problems(object)).toMatchObject([
      { path: "status.conditions[1].type", code: "Duplicate" },
    ]);
  });
});

describe("CEL rules", () => {
  const service = { addresses: ["LoadBalancerIP"] };
  test("service field is required for the 'Service' advertisementType", () => {
    expect(problems(advertisement({ advertisementType: "Service", service }))).toEqual([]);
    expect(problems(advertisement({ advertisementType: "Service" }))).toEqual(
      rule("service field is required for the 'Service' advertisementType"),
    );
    expect(problems(advertisement({ advertisementType: "Service" }, "v2alpha1"))).toEqual(
      rule("service field is required for the 'Service' advertisementType"),
    );
  });
  test("service field is not allowed for non-'Service' advertisementType", () => {
    const object = { advertisementType: "CiliumPodIPPool" };
    expect(problems(advertisement(object))).toEqual([]);
    expect(problems(advertisement({ ...object, service }))).toEqual(
      rule("service field is not allowed for non-'Service' advertisementType"),
    );
    expect(problems(advertisement({ ...object, service }, "v2alpha1"))).toEqual([]);
  });
  test("interface field is required for the 'Interface' advertisementType", () => {
    const object = { advertisementType: "Interface" };
    expect(problems(advertisement({ ...object, interface: { name: "lo" } }))).toEqual([]);
    expect(problems(advertisement(object))).toEqual(
      rule("interface field is required for the 'Interface' advertisementType"),
    );
  });
  test("interface field is not allowed for non-'Interface' advertisementType", () => {
    const object = { advertisementType: "PodCIDR" };
    expect(problems(advertisement(object))).toEqual([]);
    expect(problems(advertisement({ ...object, interface: { name: "lo" } }))).toEqual(
      rule("interface field is not allowed for non-'Interface' advertisementType"),
    );
  });
  test("selector field is not allowed for the 'PodCIDR' advertisementType", () => {
    const selector = { matchLabels: { a: "b" } };
    const pool = advertisement({ advertisementType: "CiliumPodIPPool", selector });
    expect(problems(pool)).toEqual([]);
    const message = "selector field is not allowed for the 'PodCIDR' advertisementType";
    const podCidr = { advertisementType: "PodCIDR", selector };
    expect(problems(advertisement(podCidr))).toEqual(rule(message));
    expect(problems(advertisement(podCidr, "v2alpha1"))).toEqual(rule(message));
  });
  test("keepAliveTimeSeconds can not be larger than holdTimeSeconds, defaults included", () => {
    const broken = [
      {
        path: "spec.timers",
        message: "keepAliveTimeSeconds can not be larger than holdTimeSeconds",
        code: "RuleBroken",
      },
    ];
    expect(timers({ keepAliveTimeSeconds: 9, holdTimeSeconds: 9 })).toEqual([]);
    expect(timers({ keepAliveTimeSeconds: 10, holdTimeSeconds: 9 })).toEqual(broken);
    expect(timers({ holdTimeSeconds: 9 })).toEqual(broken);
    expect(timers({ holdTimeSeconds: 9 }, "v2alpha1")).toEqual(broken);
  });
});

describe("defaults", () => {
  test("of CiliumBGPPeerConfig: inside an object only where the object is there", () => {
    expect(defaultedSpec(resource("CiliumBGPPeerConfig", {}))).toEqual({ ebgpMultihop: 1 });
    const spec = { timers: {}, transport: {}, gracefulRestart: { enabled: true } };
    expect(defaultedSpec(resource("CiliumBGPPeerConfig", spec))).toEqual({
      ebgpMultihop: 1,
      timers: { connectRetryTimeSeconds: 120, holdTimeSeconds: 90, keepAliveTimeSeconds: 30 },
      transport: { peerPort: 179 },
      gracefulRestart: { enabled: true, restartTimeSeconds: 120 },
    });
  });
  test("peerASN of a CiliumBGPClusterConfig is 0, of a CiliumBGPNodeConfig nothing", () => {
    const instance = { name: "a", peers: [{ name: "tor" }] };
    const spec = { bgpInstances: [instance] };
    expect(defaultedSpec(resource("CiliumBGPClusterConfig", spec))).toEqual({
      bgpInstances: [{ name: "a", peers: [{ name: "tor", peerASN: 0 }] }],
    });
    expect(defaultedSpec(resource("CiliumBGPNodeConfig", spec))).toEqual(spec);
  });
  test("peerConfigRef has group and kind in v2alpha1 only", () => {
    const peers = [{ name: "tor", peerConfigRef: { name: "generic" } }];
    expect(defaultedSpec(clusterConfig({ peers }, "v2alpha1"))).toMatchObject({
      bgpInstances: [
        { peers: [{ peerConfigRef: { group: "cilium.io", kind: "CiliumBGPPeerConfig" } }] },
      ],
    });
    const withKind = [{ name: "tor", peerConfigRef: { name: "generic", kind: "X" } }];
    expect(problems(clusterConfig({ peers: withKind }))).toMatchObject([{ code: "UnknownField" }]);
  });
});

describe("what differs between v2 and v2alpha1", () => {
  test.each([
    ["transport.sourceInterface", { transport: { sourceInterface: "lo" } }, "v2alpha1"],
    ["transport.localPort", { transport: { localPort: 1790 } }, "v2"],
  ])("%s", (path, spec, without) => {
    const other = without === "v2" ? "v2alpha1" : "v2";
    expect(problems(resource("CiliumBGPPeerConfig", spec, other))).toEqual([]);
    expect(problems(resource("CiliumBGPPeerConfig", spec, without))).toMatchObject([
      { path: `spec.${path}`, code: "UnknownField" },
    ]);
  });
  test("autoDiscovery is v2's", () => {
    const autoDiscovery = { mode: "DefaultGateway", defaultGateway: { addressFamily: "ipv4" } };
    const instance = { peers: [{ name: "tor", autoDiscovery }] };
    expect(problems(clusterConfig(instance))).toEqual([]);
    expect(problems(clusterConfig(instance, "v2alpha1"))).toMatchObject([{ code: "UnknownField" }]);
  });
  test("advertisementType Interface is v2's", () => {
    const entry = { advertisementType: "Interface", interface: { name: "lo" } };
    expect(problems(advertisement(entry, "v2alpha1")).map(({ code }) => code)).toEqual([
      "UnknownValue",
      "UnknownField",
    ]);
  });
});

test("CiliumNode keeps what it does not know", () => {
  const node = resource("CiliumNode", {
    addresses: [{ type: "InternalIP", ip: "10.0.2.2", extra: 1 }],
    ipam: { podCIDRs: ["10.1.3.0/24"], pool: {} },
    health: { ipv4: "10.1.3.9" },
  });
  expect(validateResource(node)).toEqual({ problems: [], defaulted: node });
});
