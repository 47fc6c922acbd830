/** One node with one instance and one peer, and what is compiled from it, for the tests of compileNode. */
import { expect } from "vitest";
import type { PeerConfig, SpeakerConfig } from "../bgp/speaker/config.ts";
import { compileNode } from "./compile.ts";
import type { NodeInput } from "./node-input.ts";
import type { Advertisement, CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { NodeInstance, NodePeer } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";

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
}): NodeInput {
  const { instance, peers = [tor], podCIDRs = ["10.1.3.0/24"] } = of;
  const one: NodeInstance = { name: "instance-65010", localASN: 65010, peers, ...instance };
  return {
    nodeConfig: {
      apiVersion,
      kind: "CiliumBGPNodeConfig",
      metadata: { name: "kind-worker" },
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
