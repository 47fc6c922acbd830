/** One node with one instance and one peer, and what is compiled from it, for the tests of compileNode. */
import { expect } from "vitest";
import { address } from "../net/address.ts";
import type { NetworkState } from "../net/network-state.ts";
import type { PeerConfig, SpeakerConfig } from "../bgp/speaker/config.ts";
import { compileNode } from "./compile.ts";
import type { NodeInput } from "./node-input.ts";
import type { Advertisement, CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { NodeInstance, NodePeer } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";
import type { CiliumPodIPPool } from "./schema/pod-ip-pool.ts";
import type { EndpointSlice, Service } from "./service/service.ts";
import { ServiceTable } from "./service/service-table.ts";

const apiVersion = "cilium.io/v2";

export const tor: NodePeer = {
  name: "tor0",
  peerASN: 65010,
  peerAddress: "10.0.0.1",
  peerConfigRef: { name: "generic" },
};

export function peerConfig(
  spec: Partial<CiliumBGPPeerConfig["spec"]>,
  name = "generic",
): CiliumBGPPeerConfig {
  return {
    apiVersion,
    kind: "CiliumBGPPeerConfig",
    metadata: { name },
    spec: { ebgpMultihop: 1, ...spec },
  };
}

export function advertisement(
  name: string,
  ...advertisements: Advertisement[]
): CiliumBGPAdvertisement {
  const metadata = { name, labels: { advertise: name } };
  return { apiVersion, kind: "CiliumBGPAdvertisement", metadata, spec: { advertisements } };
}

export const podCidr: Advertisement = { advertisementType: "PodCIDR" };
export const ipv4 = { afi: "ipv4", safi: "unicast" } as const;
export const ipv6 = { afi: "ipv6", safi: "unicast" } as const;

export function input(of: {
  instance?: Partial<NodeInstance>;
  instances?: NodeInstance[];
  peers?: NodePeer[];
  peerConfigs?: CiliumBGPPeerConfig[];
  advertisements?: CiliumBGPAdvertisement[];
  podCIDRs?: string[];
  secrets?: [string, Record<string, string>][];
  services?: Service[];
  slices?: EndpointSlice[];
  noEndpointsRoutable?: boolean;
  podIpPools?: CiliumPodIPPool[];
  egressIps?: string[];
  ipam?: NodeInput["ipam"];
  network?: Partial<NetworkState>;
  /** Of the CiliumBGPNodeConfig. */
  annotations?: Record<string, string>;
}): NodeInput {
  const { instance, peers = [tor], podCIDRs = ["10.1.3.0/24"], noEndpointsRoutable = true } = of;
  const services = new ServiceTable({ node: "kind-worker", noEndpointsRoutable });
  for (const service of of.services ?? []) services.putService(service);
  for (const slice of of.slices ?? []) services.putSlice(slice);
  const one: NodeInstance = { name: "instance-65010", localASN: 65010, peers, ...instance };
  return {
    nodeConfig: {
      apiVersion,
      kind: "CiliumBGPNodeConfig",
      metadata: { name: "kind-worker", ...(of.annotations && { annotations: of.annotations }) },
      spec: { bgpInstances: of.instances ?? [one] },
    },
    peerConfigs: of.peerConfigs ?? [peerConfig({ families: [{ ...ipv4, advertisements: {} }] })],
    advertisements: of.advertisements ?? [advertisement("pod-cidr", podCidr)],
    node: {
      apiVersion,
      kind: "CiliumNode",
      metadata: { name: "kind-worker" },
      spec: { addresses: [{ type: "InternalIP", ip: "10.0.2.2" }], ipam: { podCIDRs } },
    },
    services,
    podIpPools: of.podIpPools ?? [],
    egressIps: (of.egressIps ?? []).map(address),
    ipam: of.ipam ?? "kubernetes",
    network: { interfaces: [], defaultRoutes: [], ...of.network },
    secrets: new Map(of.secrets ?? []),
    hostname: "kind-worker",
  };
}

/** The only instance, which must have come without errors and, unless asked, without warnings. */
export function compiled(of: Parameters<typeof input>[0], warnings: string[] = []): SpeakerConfig {
  const result = compileNode(input(of));
  expect(result.errors).toEqual([]);
  expect(result.warnings).toEqual(warnings);
  expect(result.instances.map(({ name }) => name)).toEqual(["instance-65010"]);
  return result.instances[0]!.config;
}

export function peer(of: Parameters<typeof input>[0], warnings?: string[]): PeerConfig {
  const { peers } = compiled(of, warnings);
  expect(peers).toHaveLength(1);
  return peers[0]!;
}

export function errors(of: Parameters<typeof input>[0]): string[] {
  const result = compileNode(input(of));
  expect(result.errors.map(({ instance }) => instance)).toEqual(
    result.errors.map(() => "instance-65010"),
  );
  return result.errors.map(({ message }) => message);
}
