import { expect, test } from "vitest";
import { validateResource } from "../schema/validate.ts";
import { convertedMetallb } from "./convert.ts";
import { secondsOf } from "./schema.ts";

const pool = {
  apiVersion: "metallb.io/v1beta1",
  kind: "IPAddressPool",
  metadata: { name: "production-pool", namespace: "metallb-system" },
  spec: { addresses: ["10.100.0.0/24", "10.100.1.10-10.100.1.20"] },
};
const peer = {
  apiVersion: "metallb.io/v1beta2",
  kind: "BGPPeer",
  metadata: { name: "tor-switch-1", namespace: "metallb-system" },
  spec: { myASN: 65001, peerASN: 65100, peerAddress: "10.0.0.1", holdTime: "9s" },
};
const advertisement = {
  apiVersion: "metallb.io/v1beta1",
  kind: "BGPAdvertisement",
  metadata: { name: "all", namespace: "metallb-system" },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { type: "LoadBalancer" },
};

function converted(...objects: Parameters<typeof convertedMetallb>[0]) {
  expect(problems(objects)).toEqual([]);
  const { resources, notes } = convertedMetallb(objects);
  expect(problems(resources)).toEqual([]);
  const of = (kind: string) => resources.filter((each) => each.kind === kind);
  return { notes, of, kinds: resources.map(({ kind, metadata }) => [kind, nameOf(metadata)]) };
}

const problems = (objects: readonly { kind: string }[]) =>
  objects
    .filter(({ kind }) => kind !== "Service")
    .flatMap((each) => validateResource(each).problems);

const nameOf = (metadata: object) => (metadata as { name: string }).name;

test("a pool, a peer and what it is told become Cilium's resources, which Cilium takes", () => {
  const { kinds, notes, of } = converted(pool, peer, advertisement);
  expect(notes).toEqual([]);
  expect(kinds).toEqual([
    ["CiliumLoadBalancerIPPool", "production-pool"],
    ["CiliumBGPClusterConfig", "metallb"],
    ["CiliumBGPPeerConfig", "tor-switch-1"],
    ["CiliumBGPAdvertisement", "all"],
  ]);
  expect(of("CiliumLoadBalancerIPPool")[0]!.spec).toEqual({
    blocks: [{ cidr: "10.100.0.0/24" }, { start: "10.100.1.10", stop: "10.100.1.20" }],
  });
  const { name } = peer.metadata;
  expect(of("CiliumBGPClusterConfig")[0]!.spec).toEqual({
    bgpInstances: [
      {
        name: "instance-65001",
        localASN: 65001,
        peers: [{ name, peerASN: 65100, peerAddress: "10.0.0.1", peerConfigRef: { name } }],
      },
    ],
  });
  // A keepalive of a third where MetalLB had none: Cilium's 30 s would be over the hold time.
  expect(of("CiliumBGPPeerConfig")[0]!.spec).toEqual({
    timers: { holdTimeSeconds: 9, keepAliveTimeSeconds: 3 },
    families: [
      {
        afi: "ipv4",
        safi: "unicast",
        advertisements: {
          matchExpressions: [
            { key: "bgp.spinelab.io/advertisement", operator: "In", values: ["all"] },
          ],
        },
      },
    ],
  });
  expect(of("CiliumBGPAdvertisement")[0]).toMatchObject({
    metadata: { labels: { "bgp.spinelab.io/advertisement": "all" } },
    spec: {
      advertisements: [
        { advertisementType: "Service", service: { addresses: ["LoadBalancerIP"] }, selector: {} },
      ],
    },
  });
});

test("all that a session can have is carried over, or told; a password is in neither", () => {
  const { notes, of } = converted(advertisement, {
    ...peer,
    spec: {
      myASN: 65001,
      dynamicASN: "internal",
      peerAddress: "fd00::1",
      peerPort: 1790,
      keepaliveTime: "1m",
      holdTime: "3m",
      connectTime: "5s",
      password: "not-to-be-seen",
      enableGracefulRestart: true,
      ebgpMultiHop: true,
      dualStackAddressFamily: true,
      routerID: "10.0.0.9",
      sourceAddress: "fd00::9",
      bfdProfile: "fast",
      vrf: "red",
    },
  });
  expect(of("CiliumBGPPeerConfig")[0]!.spec).toMatchObject({
    transport: { peerPort: 1790 },
    timers: { holdTimeSeconds: 180, keepAliveTimeSeconds: 60, connectRetryTimeSeconds: 5 },
    authSecretRef: "tor-switch-1-password",
    ebgpMultihop: 255,
    gracefulRestart: { enabled: true },
    families: [{ afi: "ipv4" }, { afi: "ipv6" }],
  });
  expect(of("CiliumBGPClusterConfig")[0]!.spec).toMatchObject({
    bgpInstances: [{ peers: [{ peerASN: 65001 }] }],
  });
  const told = notes.join("\n");
  for (const word of ["sourceAddress fd00::9", "routerID 10.0.0.9", "no vrf", "no bfdProfile"]) {
    expect(told).toContain(word);
  }
  expect(told).toContain("create secret generic tor-switch-1-password");
  expect(told + JSON.stringify(of("CiliumBGPPeerConfig"))).not.toContain("not-to-be-seen");
});

test("peers of other nodes get a cluster configuration of their own, and one for each selector", () => {
  const rack = (name: string) => ({ matchLabels: { rack: name } });
  const { of, notes } = converted(
    advertisement,
    { ...peer, spec: { ...peer.spec, nodeSelectors: [rack("a"), rack("b")] } },
    {
      ...peer,
      metadata: { name: "tor-switch-2" },
      spec: { ...peer.spec, peerAddress: "10.0.0.2", nodeSelectors: [rack("c")] },
    },
  );
  expect(of("CiliumBGPClusterConfig")).toMatchObject([
    { metadata: { name: "metallb-tor-switch-1-1" }, spec: { nodeSelector: rack("a") } },
    { metadata: { name: "metallb-tor-switch-1-2" }, spec: { nodeSelector: rack("b") } },
    { metadata: { name: "metallb-tor-switch-2" }, spec: { nodeSelector: rack("c") } },
  ]);
  expect(notes).toEqual([expect.stringContaining("no node may be selected by two")]);
});

test("an advertisement keeps its attributes, its peers, and the Services of its pools", () => {
  const aliases = {
    apiVersion: "metallb.io/v1beta1",
    kind: "Community",
    metadata: { name: "names" },
    spec: { communities: [{ name: "vpn-only", value: "1234:1" }] },
  };
  const premium = {
    ...pool,
    metadata: { name: "premium" },
    spec: {
      addresses: ["10.101.0.0/24"],
      serviceAllocation: { namespaces: ["shop"], serviceSelectors: [{ matchLabels: { a: "b" } }] },
    },
  };
  const some = {
    ...advertisement,
    metadata: { name: "some" },
    spec: {
      aggregationLength: 24,
      localPref: 200,
      communities: ["vpn-only", "65001:7", "large:65001:1:2", "unknown"],
      ipAddressPools: ["premium"],
      peers: ["tor-switch-1", "nobody"],
    },
  };
  const other = { ...peer, metadata: { name: "tor-switch-2" } };
  const { of, notes } = converted(pool, premium, peer, other, aliases, some);
  const selector = {
    matchLabels: { a: "b" },
    matchExpressions: [
      { key: "io.kubernetes.service.namespace", operator: "In", values: ["shop"] },
    ],
  };
  expect(of("CiliumLoadBalancerIPPool")[1]!.spec).toMatchObject({ serviceSelector: selector });
  expect(of("CiliumBGPAdvertisement")[0]!.spec).toEqual({
    advertisements: [
      {
        advertisementType: "Service",
        service: { addresses: ["LoadBalancerIP"], aggregationLengthIPv4: 24 },
        selector,
        attributes: {
          communities: { standard: ["1234:1", "65001:7"], large: ["65001:1:2"] },
          localPreference: 200,
        },
      },
    ],
  });
  expect(notes).toEqual([
    expect.stringContaining("no BGPPeer nobody"),
    "BGPPeer tor-switch-2: nothing is announced to it",
    expect.stringContaining("what 'unknown' is"),
  ]);
});

test("an advertisement of a pool that no label tells apart says that it is for all Services now", () => {
  const other = { ...pool, metadata: { name: "other" } };
  const one = { ...advertisement, spec: { ipAddressPools: ["other"] } };
  const { of, notes } = converted(pool, other, peer, one);
  expect(of("CiliumBGPAdvertisement")[0]!.spec).toMatchObject({
    advertisements: [{ selector: {} }],
  });
  expect(notes).toEqual([expect.stringContaining("now it is for all")]);
});

test.each(["metallb.universe.tf", "metallb.io"])("Services' annotations of %s", (prefix) => {
  const reserved = {
    ...pool,
    metadata: { name: "reserved" },
    spec: { ...pool.spec, autoAssign: false },
  };
  const annotations = {
    [`${prefix}/loadBalancerIPs`]: "10.100.0.50",
    [`${prefix}/allow-shared-ip`]: "key",
    [`${prefix}/address-pool`]: "reserved",
    kept: "yes",
  };
  const { of, notes } = converted(reserved, service, {
    ...service,
    metadata: { ...service.metadata, annotations },
  });
  expect(of("Service")).toEqual([
    {
      ...service,
      metadata: {
        ...service.metadata,
        labels: { "lbipam.spinelab.io/pool": "reserved" },
        annotations: {
          "lbipam.cilium.io/ips": "10.100.0.50",
          "lbipam.cilium.io/sharing-key": "key",
          kept: "yes",
        },
      },
    },
  ]);
  expect(of("CiliumLoadBalancerIPPool")[0]!.spec).toMatchObject({
    serviceSelector: { matchLabels: { "lbipam.spinelab.io/pool": "reserved" } },
  });
  expect(notes).toEqual([expect.stringContaining("autoAssign is false")]);
});

test("every mistake in MetalLB's resources is found, with what was expected", () => {
  const wrong = {
    ...peer,
    spec: { myASN: 0, peerAddress: "10.0.0.1", holdTime: "soon", hodlTime: "9s" },
  };
  const messages = validateResource(wrong).problems.map(({ path, message }) => [path, message]);
  expect(messages).toEqual([
    ["spec.myASN", "must be at least 1"],
    ["spec.holdTime", "must be a duration of whole seconds: 90s, 1m30s"],
    ["spec.hodlTime", "no such field"],
    ["spec", "one of peerASN and dynamicASN is required, and not both"],
  ]);
  expect(validateResource({ ...peer, kind: "BGPPear" }).problems).toMatchObject([
    { message: 'no kind "BGPPear" in group metallb.io', hint: expect.stringContaining("BGPPeer") },
  ]);
});

test.each([
  ["90s", 90],
  ["1m30s", 90],
  ["2h", 7200],
  ["", undefined],
  ["90", undefined],
  ["1.5s", undefined],
])("duration %s", (text, seconds) => expect(secondsOf(text)).toBe(seconds));
