import type { Diagnostic } from "../input/diagnostic.ts";
import {
  anyMapping,
  anything,
  boolean,
  diagnosticAt,
  integer,
  list,
  type Located,
  located,
  type Location,
  object,
  type Of,
  oneOf,
  optional,
  parsed,
  readShape,
  record,
  text,
} from "../input/shape.ts";
import { parseYaml, readTextFile } from "../input/yaml-file.ts";
import type { Address, Family } from "../net/address.ts";
import { parsePrefix, type Prefix, prefixFamily, prefixLength, subnet } from "../net/prefix.ts";
import type { KubernetesMember } from "./fabric.ts";
import {
  embeddedPatch,
  type KubeadmPatch,
  nodeMonitorGracePeriodOf,
  type NodeRegistration,
  nodeRegistrationOf,
} from "./kubeadm.ts";

/** A kind cluster (kind.x-k8s.io/v1alpha4) with what kind and kubeadm make of it. */
export type KindCluster = {
  file: string;
  name: Located<string>;
  podSubnets: Located<Prefix[]>;
  serviceSubnets: Located<Prefix[]>;
  /** Control plane first, else in file order. */
  nodes: KindNode[];
  /** The file's text. */
  config: string;
  disableDefaultCni: boolean;
  nodeMonitorGracePeriodMs?: number;
};

export type KindNode = {
  /** As kind names its containers: `kind-control-plane`, `kind-worker`, `kind-worker2`. */
  name: string;
  at: Location;
  role: KubernetesMember["role"];
  image?: string;
  labels: Record<string, string>;
  taints: KubernetesMember["taints"];
  /** `node-ip`; empty: the management address. */
  nodeAddresses: Located<Address>[];
  podCidrs: Prefix[];
};

/** kubeadm's node-cidr-mask-size: how long the podCIDR of one node is. */
const podCidrLength: Record<Family, number> = { ipv4: 24, ipv6: 64 };

/** kind's defaults (pkg/apis/config/v1alpha4/default.go). */
const defaultSubnets = {
  ipv4: { pod: "10.244.0.0/16", service: "10.96.0.0/16" },
  ipv6: { pod: "fd00:10:244::/56", service: "fd00:10:96::/112" },
  dual: {
    pod: "10.244.0.0/16,fd00:10:244::/56",
    service: "10.96.0.0/16,fd00:10:96::/112",
  },
} as const;

/** One subnet, or two of different families separated by a comma. */
const subnets = parsed(
  "a subnet such as 10.1.0.0/16, or an IPv4 and an IPv6 one separated by a comma",
  (written) => {
    const all = written.split(",").map((each) => parsePrefix(each.trim()));
    const complete = all.filter((each) => each !== undefined);
    const isOnePerFamily = new Set(complete.map(prefixFamily)).size === all.length;
    return complete.length === all.length && isOnePerFamily ? complete : undefined;
  },
);

const patches = optional(list(embeddedPatch, "a list of YAML texts"));

const nodeShape = object(
  {
    role: oneOf(["control-plane", "worker"]),
    image: optional(text()),
    labels: optional(record(text())),
    extraMounts: optional(anything),
    extraPortMappings: optional(anything),
    kubeadmConfigPatches: patches,
    kubeadmConfigPatchesJSON6902: optional(anything),
  },
  "a node of the cluster",
);

const clusterShape = object(
  {
    kind: oneOf(["Cluster"]),
    apiVersion: oneOf(["kind.x-k8s.io/v1alpha4"]),
    name: optional(
      located(
        parsed("a cluster's name: lower case letters, digits, '-' and '.'", (written) =>
          /^[a-z0-9.-]+$/.test(written) ? written : undefined,
        ),
      ),
    ),
    networking: optional(
      object(
        {
          ipFamily: optional(oneOf(["ipv4", "ipv6", "dual"])),
          apiServerPort: optional(integer(-1, 65_535, "a port")),
          apiServerAddress: optional(text("an address")),
          podSubnet: optional(located(subnets)),
          serviceSubnet: optional(located(subnets)),
          disableDefaultCNI: optional(boolean),
          kubeProxyMode: optional(oneOf(["iptables", "ipvs", "nftables", "none"])),
          dnsSearch: optional(list(text())),
        },
        "'networking'",
      ),
    ),
    nodes: optional(list(located(nodeShape), "a list of nodes")),
    featureGates: optional(anyMapping),
    runtimeConfig: optional(anyMapping),
    kubeadmConfigPatches: patches,
    kubeadmConfigPatchesJSON6902: optional(anything),
    containerdConfigPatches: optional(list(text())),
    containerdConfigPatchesJSON6902: optional(list(text())),
  },
  "a kind cluster",
);

type ClusterFile = Of<typeof clusterShape>;

/** `name`: what the cluster is called instead of what the file says (a containerlab k8s-kind node's name). */
export function readKindCluster(
  file: string,
  diagnostics: Diagnostic[],
  name?: Located<string>,
): KindCluster | undefined {
  const raw = readTextFile(file);
  if ("text" in raw) return parseKindCluster(raw.text, file, diagnostics, name);
  diagnostics.push(...raw.diagnostics);
  return undefined;
}

/** The same of a text that is in no file, or of one that was read. */
export function parseKindCluster(
  config: string,
  file: string,
  diagnostics: Diagnostic[],
  name?: Located<string>,
): KindCluster | undefined {
  const content = parseYaml(config, file);
  if ("diagnostics" in content) {
    diagnostics.push(...content.diagnostics);
    return undefined;
  }
  const read = readShape(clusterShape, content.documents[0]!, diagnostics);
  const top = { file, line: content.documents[0]!.root.line, path: "" };
  return read && clusterOf(read, config, top, diagnostics, name);
}

/** The cluster kind makes of no configuration at all: one control plane. */
export function defaultKindCluster(name: Located<string>, diagnostics: Diagnostic[]): KindCluster {
  const file = { kind: "Cluster", apiVersion: "kind.x-k8s.io/v1alpha4" } as const;
  return clusterOf(file, `${JSON.stringify(file)}\n`, name.at, diagnostics, name);
}

function clusterOf(
  read: ClusterFile,
  config: string,
  top: Location,
  diagnostics: Diagnostic[],
  givenName?: Located<string>,
): KindCluster {
  const name = givenName ?? read.name ?? { value: "kind", at: top };
  const family = read.networking?.ipFamily ?? "ipv4";
  const written = read.networking ?? {};
  const podSubnets = written.podSubnet ?? defaults(defaultSubnets[family].pod, top);
  const serviceSubnets = written.serviceSubnet ?? defaults(defaultSubnets[family].service, top);
  for (const each of [podSubnets, serviceSubnets]) checkFamilies(each, family, diagnostics);

  const inFile = read.nodes ?? [{ value: { role: "control-plane" as const }, at: top }];
  const named = inFile.map((node, index) => {
    const { role } = node.value;
    const before = inFile.slice(0, index).filter((other) => other.value.role === role).length;
    const suffix = before === 0 ? "" : String(before + 1);
    return { value: node.value, at: node.at, name: `${name.value}-${role}${suffix}` };
  });
  const ordered = [
    ...named.filter((node) => node.value.role === "control-plane"),
    ...named.filter((node) => node.value.role === "worker"),
  ];
  if (ordered[0]?.value.role !== "control-plane") {
    const hint = "add `- role: control-plane`";
    diagnostics.push(diagnosticAt(top, "BadValue", "a cluster needs a control-plane node", hint));
  }
  checkPodSubnets(podSubnets, ordered.length, diagnostics);

  const nodes = ordered.map((node, index): KindNode => {
    const { role, image, labels = {} } = node.value;
    const registration = registrationOf(read, node.value, index === 0, node.at, diagnostics);
    const made: KindNode = {
      name: node.name,
      at: node.at,
      role,
      labels: { ...defaultLabels(node.name, role), ...labels, ...registration.labels },
      taints: registration.taints ?? defaultTaints(role, ordered.length),
      nodeAddresses: registration.nodeAddresses,
      podCidrs: podSubnets.value.flatMap(
        (each) => subnet(each, podCidrLength[prefixFamily(each)], index) ?? [],
      ),
    };
    if (image !== undefined) made.image = image;
    return made;
  });
  const cluster = {
    ...{ file: top.file, name, podSubnets, serviceSubnets, nodes, config },
    disableDefaultCni: read.networking?.disableDefaultCNI ?? false,
  };
  const patchesOfAll = (read.kubeadmConfigPatches ?? []).flat();
  const nodeMonitorGracePeriodMs = nodeMonitorGracePeriodOf(patchesOfAll, diagnostics);
  return {
    ...cluster,
    ...(nodeMonitorGracePeriodMs !== undefined && { nodeMonitorGracePeriodMs }),
  };
}

function defaults(written: string, at: Location): Located<Prefix[]> {
  return { value: written.split(",").map((each) => parsePrefix(each)!), at };
}

function checkFamilies(
  { value, at }: Located<Prefix[]>,
  family: "ipv4" | "ipv6" | "dual",
  diagnostics: Diagnostic[],
): void {
  const has = value.map(prefixFamily).sort().join(" and ");
  const wanted = family === "dual" ? "ipv4 and ipv6" : family;
  if (has === wanted) return;
  const message = `${value.join(",")} is ${has}, but the cluster's ipFamily is ${family}`;
  diagnostics.push(diagnosticAt(at, "BadValue", message, "set networking.ipFamily to fit"));
}

function checkPodSubnets(
  { value, at }: Located<Prefix[]>,
  nodeCount: number,
  diagnostics: Diagnostic[],
): void {
  for (const podSubnet of value) {
    const length = podCidrLength[prefixFamily(podSubnet)];
    const room = prefixLength(podSubnet) > length ? 0 : 2 ** (length - prefixLength(podSubnet));
    if (room >= nodeCount) continue;
    const message = `podSubnet ${podSubnet} has room for ${room} nodes with a /${length} each, but the cluster has ${nodeCount}`;
    const enough = length - Math.ceil(Math.log2(nodeCount));
    diagnostics.push(
      diagnosticAt(at, "SubnetTooSmall", message, `a /${enough} or shorter is enough`),
    );
  }
}

/** What the patches of the cluster and of the node say about the node, the node's own winning. */
function registrationOf(
  cluster: ClusterFile,
  node: Of<typeof nodeShape>,
  isFirst: boolean,
  at: Location,
  diagnostics: Diagnostic[],
): NodeRegistration {
  // kubeadm init runs on the first control plane; every other node joins.
  const wanted = isFirst ? "InitConfiguration" : "JoinConfiguration";
  const own = (node.kubeadmConfigPatches ?? []).flat();
  for (const patch of own) {
    if (patch.kind !== "InitConfiguration" || node.role !== "worker") continue;
    const message =
      "InitConfiguration has no effect on a worker: kind applies it to the control plane only";
    diagnostics.push(
      diagnosticAt(
        patch.at,
        "NoEffect",
        message,
        "a worker joins: write `kind: JoinConfiguration`",
      ),
    );
  }
  const applicable: KubeadmPatch[] = [...(cluster.kubeadmConfigPatches ?? []).flat(), ...own];
  return nodeRegistrationOf(
    applicable.filter((patch) => patch.kind === wanted),
    at,
    diagnostics,
  );
}

/** Labels that kubelet and kubeadm give a node. */
function defaultLabels(name: string, role: KindNode["role"]): Record<string, string> {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    ...(role === "control-plane" && {
      "node-role.kubernetes.io/control-plane": "",
      "node.kubernetes.io/exclude-from-external-load-balancers": "",
    }),
  };
}

/** kubeadm taints the control plane; kind takes the taint away where it is the only node. */
function defaultTaints(role: KindNode["role"], nodeCount: number): KubernetesMember["taints"] {
  if (role !== "control-plane" || nodeCount === 1) return [];
  return [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }];
}
