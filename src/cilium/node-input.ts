import type { CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumBGPNodeConfig } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";

/** Everything that decides what the BGP speakers of one node do. */
export type NodeInput = {
  /** The CiliumBGPNodeConfig named after the node. */
  nodeConfig: CiliumBGPNodeConfig;
  peerConfigs: readonly CiliumBGPPeerConfig[];
  advertisements: readonly CiliumBGPAdvertisement[];
  /** The node's own CiliumNode. */
  node: CiliumNode;
  /** Secrets of the BGP secrets namespace by name, each with its values decoded. */
  secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
  hostname: string;
  /** MAC address of cilium_host, or of what stands for it: the router ID of a node without IPv4 address. */
  mac?: string;
};
