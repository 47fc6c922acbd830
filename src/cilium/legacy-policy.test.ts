import { describe, expect, test } from "vitest";
import { address } from "../net/address.ts";
import { input } from "./compile.fixture.ts";
import { compileNode } from "./compile.ts";
import { legacyPolicy, type PoolRanges } from "./legacy-policy.ts";
import { peeringPolicyOf } from "./peer-policy.ts";
import type { CiliumBGPPeeringPolicy, CiliumBGPPeerPolicy } from "./schema/peering-policy.ts";
import { validateResource } from "./schema/validate.ts";
import type { Service } from "./service/service.ts";

function policy(
  spec: { nodeSelector?: object; router?: object; neighbor?: object },
  name = "rack01",
): CiliumBGPPeeringPolicy {
  const { nodeSelector, router, neighbor } = spec;
  const neighbors = [{ peerAddress: "10.0.0.1/32", peerASN: 65100, ...neighbor }];
  const { problems, defaulted } = validateResource({
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumBGPPeeringPolicy",
    metadata: { name },
    spec: {
      ...(nodeSelector && { nodeSelector }),
      virtualRouters: [{ localASN: 65001, neighbors, ...router }],
    },
  });
  expect(problems).toEqual([]);
  return defaulted as CiliumBGPPeeringPolicy;
}

const service = (name: string, ip: string): Service => ({
  metadata: { name, namespace: "default", labels: { announce: "true" } },
  spec: { type: "LoadBalancer", clusterIPs: ["10.96.0.1"], externalIPs: ["198.51.100.1"] },
  status: { loadBalancer: { ingress: [{ ip }] } },
});

function compiledOf(
  policies: CiliumBGPPeeringPolicy[],
  pools: PoolRanges[] = [],
  annotations?: Record<string, string>,
) {
  const of = input({ services: [service("web", "10.100.0.1")] });
  if (annotations) of.node.metadata.annotations = annotations;
  const choice = legacyPolicy(policies, of.node, pools);
  if (choice.found !== "policy") throw new Error(JSON.stringify(choice));
  const { instances, errors } = compileNode({ ...of, ...choice.resources });
  expect(errors).toEqual([]);
  return instances[0]!.config;
}

const statements = (policies: CiliumBGPPeeringPolicy[], pools?: PoolRanges[]) =>
  compiledOf(policies, pools).peers[0]!.exportPolicy.map(({ name, prefixes, set }) => ({
    name,
    prefixes,
    ...(set && { set }),
  }));

describe("CiliumBGPPeeringPolicy", () => {
  const { node } = input({});
  test("the peer address is in CIDR form; exportPodCIDR is off unless asked for", () => {
    expect(compiledOf([policy({})])).toMatchObject({
      localAsn: 65001,
      routerId: "10.0.2.2",
      originate: [],
      peers: [{ name: "10.0.0.1", address: "10.0.0.1", asn: 65100, ttl: 1, exportPolicy: [] }],
    });
    expect(statements([policy({ router: { exportPodCIDR: true } })])).toEqual([
      { name: "PodCIDR-ipv4", prefixes: ["10.1.3.0/24"] },
    ]);
  });
  test("default serviceAdvertisements: LoadBalancerIP; without serviceSelector no Service", () => {
    const serviceSelector = { matchLabels: { announce: "true" } };
    expect(statements([policy({ router: { serviceSelector } })])).toEqual([
      { name: "Service-web-default-LoadBalancerIP-ipv4", prefixes: ["10.100.0.1/32"] },
    ]);
    const serviceAdvertisements = ["ClusterIP", "ExternalIP"];
    const router = { serviceSelector, serviceAdvertisements };
    expect(statements([policy({ router })]).map(({ prefixes }) => prefixes)).toEqual([
      ["10.96.0.1/32"],
      ["198.51.100.1/32"],
    ]);
  });
  test("more than one policy that selects the node is an error", () => {
    const two = [policy({}, "a"), policy({ nodeSelector: {} }, "b")];
    expect(legacyPolicy(two, node, [])).toEqual({
      found: "error",
      message:
        "more then one CiliumBGPPeeringPolicy applies to this node, please ensure only a single Policy matches this node's labels: a, b",
    });
    const other = policy({ nodeSelector: { matchLabels: { rack: "9" } } }, "b");
    expect(legacyPolicy([policy({}, "a"), other], node, []).found).toBe("policy");
    expect(legacyPolicy([other], node, [])).toEqual({ found: "none" });
  });
  test("annotation cilium.io/bgp-virtual-router.ASN: router-id and local-port", () => {
    const key = "cilium.io/bgp-virtual-router.65001";
    expect(
      compiledOf([policy({})], [], { [key]: "router-id=10.9.9.9,local-port=1790" }),
    ).toMatchObject({
      routerId: "10.9.9.9",
      listenPort: 1790,
    });
    const wrong = {
      ...node,
      metadata: { ...node.metadata, annotations: { [key]: "router-id=x" } },
    };
    expect(legacyPolicy([policy({})], wrong, [])).toEqual({
      found: "error",
      message: `annotation ${key}: "router-id=x" is neither router-id=IPV4 nor local-port=PORT`,
    });
  });
  test.each(["advertisedPathAttributes", "pathAttributes"])("%s by kind of route", (field) => {
    const pools: PoolRanges[] = [
      {
        name: "premium",
        labels: { pool: "premium" },
        ranges: [{ first: address("10.100.0.0"), last: address("10.100.0.255") }],
      },
    ];
    const neighbor = {
      [field]: [
        { selectorType: "PodCIDR", communities: { wellKnown: ["no-export"] } },
        {
          selectorType: "CiliumLoadBalancerIPPool",
          selector: { matchLabels: { pool: "premium" } },
          communities: { standard: ["65001:200"] },
          localPreference: 200,
        },
      ],
    };
    const router = { exportPodCIDR: true, serviceSelector: {} };
    const of = policy({ router });
    const { problems, defaulted } = validateResource({
      ...of,
      spec: {
        virtualRouters: [
          {
            ...of.spec!.virtualRouters[0],
            neighbors: [{ peerAddress: "10.0.0.1/32", peerASN: 65100, ...neighbor }],
          },
        ],
      },
    });
    expect(problems).toEqual([]);
    expect(statements([defaulted as CiliumBGPPeeringPolicy], pools)).toEqual([
      { name: "PodCIDR-ipv4", prefixes: ["10.1.3.0/24"], set: { communities: [0xffffff01] } },
      {
        name: "Service-web-default-LoadBalancerIP-ipv4-premium",
        prefixes: ["10.100.0.1/32"],
        set: { localPref: 200, communities: [65001 * 65536 + 200] },
      },
      { name: "Service-web-default-LoadBalancerIP-ipv4", prefixes: ["10.100.0.1/32"] },
    ]);
  });
});

test("a CiliumBGPPeerPolicy is a virtual router for each local AS, Services and egress IPs advertised", () => {
  const { problems, defaulted } = validateResource({
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumBGPPeerPolicy",
    metadata: { name: "bgp-policy-to-router1" },
    spec: {
      peers: [
        { peerAddress: "192.168.1.1", peerASN: 65001, localASN: 64512 },
        {
          peerAddress: "192.168.1.2",
          peerASN: 65002,
          localASN: 64512,
          authSecret: { name: "bgp-auth-secret", namespace: "kube-system" },
        },
      ],
    },
  });
  expect(problems).toEqual([]);
  const of = input({ services: [service("web", "192.168.1.100")], egressIps: ["192.168.1.200"] });
  of.secrets = new Map([["bgp-auth-secret", { password: "x" }]]);
  const choice = legacyPolicy([peeringPolicyOf(defaulted as CiliumBGPPeerPolicy)], of.node, []);
  if (choice.found !== "policy") throw new Error(JSON.stringify(choice));
  const { instances } = compileNode({ ...of, ...choice.resources });
  expect(instances.map(({ name }) => name)).toEqual(["64512"]);
  const { peers, originate } = instances[0]!.config;
  expect(peers.map((peer) => [peer.address, peer.asn, peer.password])).toEqual([
    ["192.168.1.1", 65001, undefined],
    ["192.168.1.2", 65002, "x"],
  ]);
  expect(originate.toSorted()).toEqual(["192.168.1.100/32", "192.168.1.200/32", "198.51.100.1/32"]);
});
