import type { NodeObject } from "../kinds.ts";
import type { EndpointSlice, Service, ServicePort } from "./service.ts";
import { serviceNameLabel } from "./service.ts";

/**
 * What one node does with packets to services, as kube-proxy does it. Carried out by the kernel
 * (forwarding-rules.ts) or by a simulated node.
 */
export type ForwardingPlan = {
  destinations: ForwardedDestination[];
  /** Addresses that are a service's alone: what is sent to them and led nowhere is refused, not sent on and on. */
  virtual: string[];
  /** The node's InternalIPs: the source of what it passes on for others. */
  nodeAddresses: string[];
};

/** A port of a service on its addresses of one family. */
export type ForwardedDestination = {
  family: Family;
  protocol: "tcp" | "udp" | "sctp";
  addresses: string[];
  port: number;
  /** On every address that the node has. */
  nodePort?: number;
  /** Cluster IPs: for clients in the cluster, which are not led to a node by its routes. */
  inside: boolean;
  /** One is drawn by chance for each connection; sessions do not stick (`sessionAffinity`). None: refused. */
  targets: Target[];
  /** By externalTrafficPolicy `Local` clients outside the cluster are led to these instead, or to nobody. */
  targetsForOutside?: Target[];
};

export type Family = "ipv4" | "ipv6";
/** As whom a node forwards. */
export type ForwardingNode = Pick<NodeObject, "metadata" | "status">;
export type Target = { address: string; port: number; nodeName?: string };

/** Addresses that share a traffic policy (spec.internalTrafficPolicy, spec.externalTrafficPolicy). */
type Destination = Pick<ForwardedDestination, "addresses" | "nodePort" | "inside"> & {
  local: boolean;
};

/** `nodes`: all of the cluster, the node itself among them. */
export function forwardingPlan(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodes: readonly ForwardingNode[],
  node: string,
): ForwardingPlan {
  const slicesOf = Map.groupBy(
    slices,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`,
  );
  const ofNodes = new Set(
    nodes.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)),
  );
  const self = nodes.find(({ metadata }) => metadata.name === node);
  const plan: ForwardingPlan = {
    destinations: [],
    virtual: [],
    nodeAddresses: (self?.status?.addresses ?? [])
      .filter(({ type }) => type === "InternalIP")
      .map(({ address }) => address),
  };
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const own = slicesOf.get(`${namespace}/${name}`) ?? [];
    // An address that a node has itself is the service's on the service's ports only.
    plan.virtual.push(...virtualAddresses(service).filter((each) => !ofNodes.has(each)));
    for (const port of service.spec.ports ?? []) {
      const targets = targetsOf(own, port);
      for (const destination of destinationsOf(service, port)) {
        plan.destinations.push(...ofFamilies(destination, port, targets, node));
      }
    }
  }
  return plan;
}

function ofFamilies(
  { addresses, local, inside, nodePort }: Destination,
  { protocol = "TCP", port }: ServicePort,
  targets: readonly Target[],
  node: string,
): ForwardedDestination[] {
  return (["ipv4", "ipv6"] as const).flatMap((family) => {
    const ofFamily = addresses.filter((address) => familyOf(address) === family);
    if (ofFamily.length === 0 && nodePort === undefined) return [];
    const all = targets.filter(({ address }) => familyOf(address) === family);
    const own = all.filter(({ nodeName }) => nodeName === node);
    return [
      {
        ...{ family, port, inside, addresses: ofFamily },
        protocol: protocol.toLowerCase() as ForwardedDestination["protocol"],
        ...(nodePort !== undefined && { nodePort }),
        // By a `Local` policy clients inside the cluster find any endpoint of an external address.
        targets: local && inside ? own : all,
        ...(local && !inside && { targetsForOutside: own }),
      },
    ];
  });
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
