import type { Diagnostic } from "../input/diagnostic.ts";
import { hintAtNames } from "../input/nearest.ts";
import { diagnosticAt, type Location, sourceOf } from "../input/shape.ts";
import type { ContainerlabTopology } from "./containerlab.ts";
import {
  type ContainerlabEndpoint,
  type ContainerlabLink,
  interfaceNameProblem,
} from "./containerlab-links.ts";
import type { Endpoint, FabricLink } from "./fabric.ts";
import type { Drafts } from "./fabric-nodes.ts";
import type { KindCluster } from "./kind.ts";

/** The links between the fabric's nodes; aliases become the nodes' own names. */
export function buildLinks(
  topology: ContainerlabTopology,
  clusters: readonly KindCluster[],
  drafts: Drafts,
  diagnostics: Diagnostic[],
): FabricLink[] {
  const used = new Map<string, Location>();
  const endpointOf = (written: ContainerlabEndpoint): Endpoint | undefined => {
    const draft = drafts.byName.get(written.node);
    const name = written.interface;
    const problem = interfaceNameProblem(name);
    if (problem) {
      const code = problem.message.includes("too long") ? "NameTooLong" : "BadValue";
      diagnostics.push(diagnosticAt(written.at, code, problem.message, problem.hint));
    }
    if (draft === undefined) {
      diagnostics.push(unknownNode(written, topology, clusters, drafts));
      return undefined;
    }
    if (name === "lo" || (name === "eth0" && draft.hasManagement)) {
      const what = name === "lo" ? "the loopback" : "the management network's";
      const hint = name === "lo" ? undefined : "begin with eth1, or set `network-mode: none`";
      const message = `interface ${name} of '${written.node}' is ${what} already`;
      diagnostics.push(diagnosticAt(written.at, "InterfaceUsedTwice", message, hint));
    }
    const key = `${draft.node.name}:${name}`;
    const before = used.get(key);
    if (before) {
      const message = `interface ${key} is used by another link: ${sourceOf(before)}`;
      diagnostics.push(
        diagnosticAt(
          written.at,
          "InterfaceUsedTwice",
          message,
          "each link has interfaces of its own",
        ),
      );
    } else used.set(key, written.at);
    const endpoint: Endpoint = { node: draft.node.name, interface: name };
    if (written.mac !== undefined) endpoint.mac = written.mac;
    return endpoint;
  };

  return topology.links.flatMap((link: ContainerlabLink) => {
    const a = endpointOf(link.endpoints[0]);
    const b = endpointOf(link.endpoints[1]);
    if (a === undefined || b === undefined) return [];
    return [{ endpoints: [a, b], mtu: link.mtu, source: sourceOf(link.at) }];
  });
}

function unknownNode(
  { node, at }: ContainerlabEndpoint,
  topology: ContainerlabTopology,
  clusters: readonly KindCluster[],
  drafts: Drafts,
): Diagnostic {
  const cluster = clusters.find((each) => each.name.value === node);
  if (cluster) {
    const members = cluster.nodes.map((each) => each.name).join(", ");
    const message = `'${node}' is a cluster, not one node`;
    return diagnosticAt(at, "UnknownNode", message, `its nodes: ${members}`);
  }
  const names = [...drafts.byName.keys(), ...topology.nodes.map((each) => each.name)];
  return diagnosticAt(at, "UnknownNode", `no node '${node}'`, hintAtNames(node, names));
}
