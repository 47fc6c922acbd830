import { describe, expect, test } from "vitest";
import { validateResource } from "./validate.ts";

const of = (kind: string, spec: object, version = "v2") => ({
  apiVersion: `cilium.io/${version}`,
  kind,
  metadata: { name: "one" },
  spec,
});
const told = (object: object) =>
  validateResource(object).problems.map(({ path, message }) => `${path}: ${message}`);

describe("CiliumLoadBalancerIPPool", () => {
  test.each(["v2", "v2alpha1"])("%s, with blocks of both forms", (version) => {
    const spec = {
      blocks: [{ cidr: "20.0.10.0/24" }, { start: "20.0.20.100", stop: "20.0.20.200" }],
      serviceSelector: { matchExpressions: [{ key: "color", operator: "In", values: ["blue"] }] },
    };
    const { problems, defaulted } = validateResource(of("CiliumLoadBalancerIPPool", spec, version));
    expect(problems).toEqual([]);
    expect(defaulted).toMatchObject({ spec: { ...spec, disabled: false } });
  });
  test("a cidr that is none, and a word that is neither Yes nor No", () => {
    const spec = { allowFirstLastIPs: "no", blocks: [{ cidr: "10.0.0.0/33" }] };
    expect(told(of("CiliumLoadBalancerIPPool", spec))).toEqual([
      'spec.allowFirstLastIPs: "no" is not one of: Yes, No',
      "spec.blocks[0].cidr: must be an address and a prefix length: 10.0.0.0/8",
    ]);
  });
});

describe("CiliumPodIPPool", () => {
  test("bounds of mask sizes, and at least one CIDR", () => {
    const spec = {
      ipv4: { cidrs: [], maskSize: 33 },
      ipv6: { cidrs: ["fd00::/104"], maskSize: 0 },
    };
    expect(told(of("CiliumPodIPPool", spec, "v2alpha1"))).toEqual([
      "spec.ipv4.cidrs: must have at least 1 item",
      "spec.ipv4.maskSize: must be at most 32",
      "spec.ipv6.maskSize: must be at least 1",
    ]);
  });
  test("v2 is defined but not served", () => {
    const spec = { ipv4: { cidrs: ["10.0.0.0/16"], maskSize: 24 } };
    expect(told(of("CiliumPodIPPool", spec))).toEqual([
      'apiVersion: no version "cilium.io/v2" of CiliumPodIPPool; served: cilium.io/v2alpha1',
    ]);
  });
});

describe("CiliumEgressGatewayPolicy", () => {
  const egressGateway = { nodeSelector: { matchLabels: { egress: "yes" } }, egressIP: "10.1.1.1" };
  const destinationCIDRs = ["0.0.0.0/0"];
  const selectors = [{ podSelector: { matchLabels: { app: "a" } } }];
  test("egressIP must be an address; a gateway needs its nodeSelector", () => {
    const spec = {
      destinationCIDRs,
      selectors,
      egressGateway: { egressIP: "10.1.1" },
      egressGateways: [egressGateway],
    };
    expect(told(of("CiliumEgressGatewayPolicy", spec))).toEqual([
      "spec.egressGateway.nodeSelector: is required",
      "spec.egressGateway.egressIP: egressIP must be a valid IP address",
    ]);
  });
  test("v2alpha1, which guides use, means every destination where it names none", () => {
    const { problems, defaulted } = validateResource(
      of("CiliumEgressGatewayPolicy", { selectors, egressGateway }, "v2alpha1"),
    );
    expect(problems).toEqual([]);
    expect(defaulted).toMatchObject({ spec: { destinationCIDRs: ["0.0.0.0/0", "::/0"] } });
    expect(told(of("CiliumEgressGatewayPolicy", { selectors, egressGateway }))).toEqual([
      "spec.destinationCIDRs: is required",
    ]);
  });
});

describe("CiliumBGPPeeringPolicy", () => {
  test("defaults", () => {
    const neighbors = [{ peerAddress: "10.0.0.1/32", peerASN: 65100 }];
    const { problems, defaulted } = validateResource(
      of(
        "CiliumBGPPeeringPolicy",
        { virtualRouters: [{ localASN: 65001, neighbors }] },
        "v2alpha1",
      ),
    );
    expect(problems).toEqual([]);
    expect(defaulted).toMatchObject({
      spec: {
        virtualRouters: [
          {
            exportPodCIDR: false,
            serviceAdvertisements: ["LoadBalancerIP"],
            neighbors: [
              {
                peerPort: 179,
                eBGPMultihopTTL: 1,
                connectRetryTimeSeconds: 120,
                holdTimeSeconds: 90,
                keepAliveTimeSeconds: 30,
              },
            ],
          },
        ],
      },
    });
  });
  test("a peer address needs its length, and a neighbour its AS number", () => {
    const neighbors = [{ peerAddress: "10.0.0.1" }];
    const spec = { virtualRouters: [{ localASN: 65001, neighbors }] };
    expect(told(of("CiliumBGPPeeringPolicy", spec, "v2alpha1"))).toEqual([
      "spec.virtualRouters[0].neighbors[0].peerAddress: must be an address and a prefix length: 10.0.0.0/8",
      "spec.virtualRouters[0].neighbors[0].peerASN: is required",
    ]);
  });
});
