import type { EndpointSlice, Service, ServicePort } from "./service.ts";
import { serviceNameLabel } from "./service.ts";
import {
  type Family,
  type ForwardingNode,
  ForwardingTable,
  type Target,
} from "./forwarding-table.ts";

/**
 * Addresses that share a traffic policy (spec.internalTrafficPolicy, spec.externalTrafficPolicy).
 * `inside`: for clients in the cluster, which are not led to a node by its routes.
 */
type Destination = {
  addresses: string[];
  nodePort?: number;
  local: boolean;
  inside: boolean;
};

/**
 * What kube-proxy does on one node, as the text for `nft -f -`; it replaces what an earlier one made.
 * `nodes`: all of the cluster, the node itself among them.
 */
export function forwardingRules(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodes: readonly ForwardingNode[],
  node: string,
): string {
  const slicesOf = Map.groupBy(
    slices,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`,
  );
  const table = new ForwardingTable(nodes.find(({ metadata }) => metadata.name === node));
  const ofNodes = new Set(
    nodes.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)),
  );
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const own = slicesOf.get(`${namespace}/${name}`) ?? [];
    // An address that a node has itself is the service's on the service's ports only.
    table.addVirtual(virtualAddresses(service).filter((each) => !ofNodes.has(each)));
    for (const port of service.spec.ports ?? []) {
      const targets = targetsOf(own, port);
      for (const destination of destinationsOf(service, port)) {
        addDestination(table, port, destination, targets, node);
      }
    }
  }
  return table.text();
}

function addDestination(
  table: ForwardingTable,
  { protocol = "TCP", port }: ServicePort,
  { addresses, nodePort, local, inside }: Destination,
  targets: readonly Target[],
  node: string,
): void {
  const kind = protocol.toLowerCase();
  for (const family of ["ipv4", "ipv6"] as const) {
    const keys = addresses
      .filter((address) => familyOf(address) === family)
      .map((each) => `${each} . ${kind} . ${port}`);
    const ports = nodePort === undefined ? [] : [`${kind} . ${nodePort}`];
    if (keys.length === 0 && ports.length === 0) continue;
    const all = targets.filter(({ address }) => familyOf(address) === family);
    const own = all.filter(({ nodeName }) => nodeName === node);
    // By a `Local` policy clients inside the cluster find any endpoint of an external address.
    if ((local && inside ? own : all).length === 0) {
      table.refuse(family, keys);
      continue;
    }
    const chain = inside
      ? table.fromInside(family, kind, local ? own : all)
      : local
        ? table.fromOutsideLocal(family, kind, own, all)
        : table.fromOutside(family, kind, all);
    table.lead(family, keys, ports, chain);
  }
}

function destinationsOf(service: Service, port: ServicePort): Destination[] {
  const { spec } = service;
  if (spec.type === "ExternalName") return [];
  return [
    {
      addresses: clusterIps(service),
      local: spec.internalTrafficPolicy === "Local",
      inside: true,
    },
    {
      addresses: [...(spec.externalIPs ?? []), ...ingressIps(service)],
      ...(port.nodePort !== undefined && { nodePort: port.nodePort }),
      local: spec.externalTrafficPolicy === "Local",
      inside: false,
    },
  ];
}

/** Addresses that are the service's alone: whatever is sent to them is for it, or for nobody. */
function virtualAddresses(service: Service): string[] {
  return service.spec.type === "ExternalName"
    ? []
    : [...clusterIps(service), ...ingressIps(service)];
}

function clusterIps({ spec }: Service): string[] {
  return (spec.clusterIPs ?? []).filter((each) => each !== "None");
}

function ingressIps({ spec, status }: Service): string[] {
  if (spec.type !== "LoadBalancer") return [];
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
}

/** Ready endpoints of the service port, of both families. */
function targetsOf(slices: readonly EndpointSlice[], { name = "" }: ServicePort): Target[] {
  return slices.flatMap(({ ports, endpoints }) => {
    const port = ports.find((each) => each.name === name)?.port;
    if (port === undefined) return [];
    return endpoints
      .filter(({ conditions }) => conditions.ready)
      .map(({ addresses: [address = ""], nodeName }) => ({
        address,
        port,
        ...(nodeName !== undefined && { nodeName }),
      }));
  });
}

function familyOf(address: string): Family {
  return address.includes(":") ? "ipv6" : "ipv4";
}
