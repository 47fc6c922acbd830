import { dirname, resolve } from "node:path";
import { type Diagnostic, inFileOrder } from "../input/diagnostic.ts";
import { hintAtNames } from "../input/nearest.ts";
import { diagnosticAt, type Located, type Location } from "../input/shape.ts";
import { type ContainerlabTopology, readContainerlab } from "./containerlab.ts";
import type { Environment } from "./environment.ts";
import type { Fabric } from "./fabric.ts";
import {
  checkClusterNames,
  checkDuplicateAddresses,
  checkNameLengths,
  checkOverlaps,
} from "./fabric-checks.ts";
import { buildLinks } from "./fabric-links.ts";
import { type Draft, draftNodes, type Drafts, namePrefix } from "./fabric-nodes.ts";
import { defaultKindCluster, type KindCluster, parseKindCluster, readKindCluster } from "./kind.ts";
import { type AddressPlan, containerlabPlan, giveAddresses, kindPlan } from "./management.ts";

export type FabricInput = {
  /** Path of the containerlab topology file. */
  topology: string;
  /** Paths of kind cluster files. */
  clusters: readonly string[];
  /** The lab's name, where it is not to be the topology's. */
  name?: string;
  /** Exec lines that may fail. */
  allowFailure?: readonly AllowFailure[];
  /** What `${VAR}` in the topology file stands for. */
  environment: Environment;
};

/** Exec lines of a node that may fail. */
export type AllowFailure = {
  at: Location;
  /** Name or alias. */
  node: string;
  /** The command as written, or a pattern with `*` (any text) and `?` (any character). */
  exec: string;
};

/** `notes`: what the input says that has no effect here. */
export type FabricResult = { fabric: Fabric; notes: Diagnostic[] } | { diagnostics: Diagnostic[] };

/** Reads the files and makes the one model of them, or says everything that is wrong with them. */
export function buildFabric(input: FabricInput): FabricResult {
  const diagnostics: Diagnostic[] = [];
  const notes: Diagnostic[] = [];
  const topology = readContainerlab(input.topology, input.environment, diagnostics, notes);
  const clusters = input.clusters.flatMap((file) => readKindCluster(file, diagnostics) ?? []);
  if (topology === undefined) return { diagnostics: inFileOrder(diagnostics) };
  clusters.push(...clustersOf(topology, diagnostics));
  if (topology.generatedCluster !== undefined) {
    const text = topology.generatedCluster;
    clusters.push(...[parseKindCluster(text, topology.file, diagnostics) ?? []].flat());
  }
  checkClusterNames(clusters, diagnostics);

  const name = labName(input, topology, diagnostics);
  const drafts = draftNodes(topology, clusters, input.environment, diagnostics);
  const links = buildLinks(topology, clusters, drafts, diagnostics);
  const plans = giveManagement(topology, drafts.all, diagnostics);
  const prefix = namePrefix(topology.prefix, name);
  checkNameLengths(drafts.all, prefix, diagnostics);
  checkDuplicateAddresses(drafts.all, plans, diagnostics);
  checkOverlaps(clusters, plans, diagnostics);
  for (const allowed of input.allowFailure ?? []) allowToFail(allowed, drafts, diagnostics);
  if (diagnostics.length > 0) return { diagnostics: inFileOrder(diagnostics) };

  const fabric: Fabric = {
    name,
    prefix,
    management: plans.map((plan) => plan.network),
    nodes: drafts.all.map((draft) => draft.node),
    links,
    clusters: clusters.map((cluster) => ({
      name: cluster.name.value,
      podSubnets: cluster.podSubnets.value,
      serviceSubnets: cluster.serviceSubnets.value,
      nodes: cluster.nodes.map((node) => node.name),
      config: cluster.config,
      disableDefaultCni: cluster.disableDefaultCni,
      ...(cluster.nodeMonitorGracePeriodMs !== undefined && {
        nodeMonitorGracePeriodMs: cluster.nodeMonitorGracePeriodMs,
      }),
    })),
  };
  return { fabric, notes: inFileOrder(notes) };
}

/** Clusters that the topology itself holds, as nodes of kind k8s-kind. */
function clustersOf(topology: ContainerlabTopology, diagnostics: Diagnostic[]): KindCluster[] {
  return topology.nodes
    .filter((node) => node.kind === "k8s-kind")
    .flatMap((node) => {
      const name: Located<string> = { value: node.name, at: node.at };
      const file = node.fields["startup-config"]?.value;
      if (file === undefined) return [defaultKindCluster(name, diagnostics)];
      return readKindCluster(resolve(dirname(topology.file), file), diagnostics, name) ?? [];
    });
}

function labName(
  { name }: FabricInput,
  topology: ContainerlabTopology,
  diagnostics: Diagnostic[],
): string {
  if (name === undefined) return topology.name.value;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(name)) {
    const at = { file: topology.file, line: 0, path: "" };
    const hint = "letters, digits, '-', '_' and '.', the first a letter or digit";
    diagnostics.push(diagnosticAt(at, "BadValue", `'${name}' is no name for a lab`, hint));
  }
  return name;
}

/** Puts every node on its management network; returns the networks that have nodes. */
function giveManagement(
  topology: ContainerlabTopology,
  drafts: readonly Draft[],
  diagnostics: Diagnostic[],
): AddressPlan[] {
  const main = containerlabPlan(topology);
  const ofKind = main.network.name === "kind" ? main : kindPlan(topology.name.at);
  const plans = [...new Set([main, ofKind])];
  return plans.filter((plan) => {
    const members = drafts.filter(
      (draft) => draft.hasManagement && (draft.kind ? ofKind : main) === plan,
    );
    const { network, ipv4, ipv6 } = plan;
    const wantIpv4 = members.map(({ node, written }) => ({
      node: node.name,
      wanted: written?.fields["mgmt-ipv4"],
    }));
    const ipv4Addresses = giveAddresses(ipv4, wantIpv4, diagnostics);
    const wantIpv6 = members.map(({ node, written }) => ({
      node: node.name,
      wanted: written?.fields["mgmt-ipv6"],
    }));
    const ipv6Addresses = ipv6 && giveAddresses(ipv6, wantIpv6, diagnostics);
    for (const { node } of members) {
      const address = ipv4Addresses.get(node.name);
      if (address === undefined) continue;
      node.managementNetwork = network.name;
      node.managementAddress = address;
      const ipv6Address = ipv6Addresses?.get(node.name);
      if (ipv6Address !== undefined) node.managementIpv6Address = ipv6Address;
      const kubernetes = node.kubernetes;
      if (kubernetes?.nodeAddresses.length === 0) kubernetes.nodeAddresses.push(address);
    }
    return members.length > 0;
  });
}

function allowToFail(
  { node, exec, at }: AllowFailure,
  drafts: Drafts,
  diagnostics: Diagnostic[],
): void {
  const draft = drafts.byName.get(node);
  if (draft === undefined) {
    const hint = hintAtNames(node, drafts.byName.keys());
    diagnostics.push(diagnosticAt(at, "UnknownNode", `no node '${node}'`, hint));
    return;
  }
  const pattern = globPattern(exec);
  const matching = draft.node.exec.filter((line) => pattern.test(line.command.trim()));
  for (const line of matching) line.allowFailure = true;
  if (matching.length > 0) return;
  const message = `no exec line of '${node}' matches '${exec}'`;
  const hint = draft.node.exec.length === 0 ? "it has none" : "`*` stands for any text";
  diagnostics.push(diagnosticAt(at, "NoMatch", message, hint));
}

function globPattern(glob: string): RegExp {
  const source = glob.trim().replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${source.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}
