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
  /** One bridge each: containerlab's own network, and kind's where the fabric has Kubernetes nodes. */
  management: ManagementNetwork[];
  nodes: FabricNode[];
  links: FabricLink[];
  clusters: Cluster[];
  /** Routers that are there already, and are only looked at. */
  observed?: ObservedRouter[];
};

/** A router that Spinelab did not start: commands run there over SSH. Paths are absolute. */
export type ObservedRouter = {
  name: string;
  /** `[USER@]HOST[:PORT]`, or the same after `ssh://`; HOST may be one of ~/.ssh/config. */
  ssh: string;
  /** A host to go through, written the same way. */
  jump?: string;
  /** A private key; else the agent's keys and the usual files. */
  identity?: string;
  /** Else ~/.ssh/known_hosts. An unknown key is refused. */
  knownHosts?: string;
  /** Words before every command: `sudo`. */
  become?: string[];
};

/** The fabric with observed routers as nodes among the others: what checks look at. */
export function withObservedNodes(fabric: Fabric): Fabric {
  const nodes = (fabric.observed ?? []).map((router): FabricNode => ({
    name: router.name,
    aliases: [],
    kind: "linux",
    hostname: router.name,
    exec: [],
    env: {},
    sysctls: {},
    binds: [],
    labels: {},
  }));
  return nodes.length === 0 ? fabric : { ...fabric, nodes: [...fabric.nodes, ...nodes] };
}

/** A network for reaching the nodes, apart from the fabric's links: every node's eth0 is on one. */
export type ManagementNetwork = {
  /** `clab` unless the topology's `mgmt.network` says otherwise; `kind` for nodes of clusters. */
  name: string;
  ipv4Subnet: Prefix;
  /** The bridge's own address, and the nodes' default route: the first of the subnet unless said. */
  ipv4Gateway: Address;
  /** Only where the topology's `mgmt.ipv6-subnet` asks for it. */
  ipv6Subnet?: Prefix;
  ipv6Gateway?: Address;
  mtu?: number;
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
  /** ManagementNetwork.name. Undefined with `network-mode: none` and for bridges: no eth0. */
  managementNetwork?: string;
  /** IPv4 address of eth0; set where managementNetwork is. */
  managementAddress?: Address;
  /** IPv6 address of eth0; set where the management network has an ipv6Subnet. */
  managementIpv6Address?: Address;
  /** Set where the node is a member of a Kubernetes cluster. */
  kubernetes?: KubernetesMember;
  /** What only a container engine can do; other runtimes take no notice of it. */
  container?: ContainerSettings;
};

export type ContainerSettings = {
  /** `cmd` and `entrypoint`, split into words; the image's own where absent. */
  command?: string[];
  entrypoint?: string[];
  user?: string;
  /** As `docker run -p` has them: `8080:80`, `127.0.0.1:2211:22/tcp`. */
  ports: string[];
  /** Beyond what a node is given anyway: `SYS_TIME`. */
  capabilities: string[];
  health?: HealthCheck;
};

/** containerlab's `healthcheck`. */
export type HealthCheck = {
  /** `["CMD", …]` or `["CMD-SHELL", "…"]`. */
  test: string[];
  intervalSeconds: number;
  timeoutSeconds: number;
  retries: number;
  startPeriodSeconds: number;
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
  /** The kind cluster file as written, for the kind command; its name is `name`, whatever the text says. */
  config?: string;
  /** The file sets `disableDefaultCNI`: pod networking is the lab's to bring. */
  disableDefaultCni?: boolean;
  /** How long a node may be silent before it counts as lost; undefined: as Kubernetes sets it. */
  nodeMonitorGracePeriodMs?: number;
};

/** The node of that name or alias. */
export function findNode(fabric: Fabric, name: string): FabricNode | undefined {
  return fabric.nodes.find((node) => node.name === name || node.aliases.includes(name));
}
