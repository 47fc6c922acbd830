import type { Address } from "../net/address.ts";
import type { NetworkState } from "../net/network-state.ts";
import type { CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumBGPNodeConfig } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";
import type { CiliumPodIPPool } from "./schema/pod-ip-pool.ts";
import type { SelectedEntry } from "./selected-advertisements.ts";
import type { ServiceTable } from "./service/service-table.ts";

/** Cilium's `ipam` option: where the nodes' pod addresses come from. */
export const ipamModes = ["kubernetes", "cluster-pool", "multi-pool"] as const;
export type IpamMode = (typeof ipamModes)[number];

/** Everything that decides what the BGP speakers of one node do. */
export type NodeInput = {
  /** The CiliumBGPNodeConfig named after the node. */
  nodeConfig: CiliumBGPNodeConfig;
  peerConfigs: readonly CiliumBGPPeerConfig[];
  advertisements: readonly CiliumBGPAdvertisement[];
  /** Further entries by the name of their advertisement: what a legacy policy says beyond one. */
  poolEntries?: ReadonlyMap<string, readonly SelectedEntry[]>;
  services: ServiceTable;
  podIpPools: readonly CiliumPodIPPool[];
  /** Of CiliumEgressGatewayPolicies whose gateway this node is. */
  egressIps: readonly Address[];
  /** The node's own CiliumNode. */
  node: CiliumNode;
  ipam: IpamMode;
  network: NetworkState;
  /** Secrets of the BGP secrets namespace by name, each with its values decoded. */
  secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
  hostname: string;
};
