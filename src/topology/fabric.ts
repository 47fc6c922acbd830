import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/**
 * The one model of a fabric, made of a containerlab topology, kind cluster files and a lab file.
 * A sidecar (`network-mode: container:X`) and X are one node here: the sidecar's name is an alias,
 * its exec lines and links are X's.
 */
export type Fabric = {
  /** The lab's name: `rack-spine`. */
  name: string;
  /** Container and namespace names: `clab-<lab>` unless the topology's prefix says otherwise; empty: bare node names. */
  prefix: string;
  management: { network: string; ipv4Subnet: Prefix; ipv6Subnet?: Prefix; mtu?: number };
  nodes: FabricNode[];
  links: FabricLink[];
  clusters: Cluster[];
};

export type FabricNode = {
  name: string;
  aliases: string[];
  kind: "linux" | "kubernetes" | "bridge";
  image?: string;
  hostname: string;
  /** In file order; each already split into words as a shell would, without a shell. */
  exec: ExecLine[];
  env: Record<string, string>;
  sysctls: Record<string, string>;
  binds: { source: string; destination: string; readOnly: boolean }[];
  labels: Record<string, string>;
  /** Undefined with `network-mode: none`: no eth0. */
  managementAddress?: Address;
  /** Set where the node is a member of a Kubernetes cluster. */
  kubernetes?: KubernetesMember;
};

export type ExecLine = {
  /** As written. */
  command: string;
  argv: string[];
  /** file:line. */
  source: string;
  allowFailure: boolean;
};

export type KubernetesMember = {
  cluster: string;
  role: "control-plane" | "worker";
  /** Kubernetes labels: kind's defaults and `node-labels`. */
  labels: Record<string, string>;
  /** `node-ip` of kubeletExtraArgs, else the management address. */
  nodeAddresses: Address[];
  podCidrs: Prefix[];
  taints: { key: string; value?: string; effect: string }[];
};

export type FabricLink = {
  endpoints: [Endpoint, Endpoint];
  mtu: number;
  /** file:line. */
  source: string;
};

export type Endpoint = {
  /** FabricNode.name: never an alias. */
  node: string;
  interface: string;
  mac?: string;
};

export type Cluster = {
  name: string;
  podSubnets: Prefix[];
  serviceSubnets: Prefix[];
  /** FabricNode names, control plane first. */
  nodes: string[];
};

/** The node of that name or alias. */
export function findNode(fabric: Fabric, name: string): FabricNode | undefined {
  return fabric.nodes.find((node) => node.name === name || node.aliases.includes(name));
}
