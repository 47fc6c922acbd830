import { type Address, type Family, familyOf, parseAddress } from "../../net/address.ts";
import type { Labels } from "../labels.ts";
import type { EndpointSlice, Service } from "./service.ts";

export type AddressType = "LoadBalancerIP" | "ClusterIP" | "ExternalIP";

/** A Service as BGP sees it from one node: the addresses that this node may advertise now. */
export type ServiceView = {
  name: string;
  namespace: string;
  /** Its own, and those that Cilium adds: `io.kubernetes.service.name`, `io.kubernetes.service.namespace`. */
  labels: Labels;
  frontends: readonly Frontend[];
};

export type Frontend = {
  type: AddressType;
  address: Address;
  /** A traffic policy Local: every node has to be told of by itself, so nothing is aggregated. */
  isLocal: boolean;
};

export type FrontendOptions = {
  node: string;
  /** `enable-no-service-endpoints-routable`: whether a Service without any endpoint is advertised. */
  noEndpointsRoutable: boolean;
};

/** The class of Services that are Cilium's BGP control plane's. */
export const bgpLoadBalancerClass = "io.cilium/bgp-control-plane";

export function serviceView(
  service: Service,
  slices: Iterable<EndpointSlice>,
  options: FrontendOptions,
): ServiceView {
  const { name, namespace = "default", labels } = service.metadata;
  const backends = activeBackends(slices, options.node);
  const isAdvertised = ({ address, isLocal }: Frontend) => {
    const { here, anywhere } = backends[familyOf(address)];
    return isLocal ? here : anywhere || options.noEndpointsRoutable;
  };
  const frontends = frontendsOf(service);
  return {
    name,
    namespace,
    labels: {
      ...labels,
      "io.kubernetes.service.name": name,
      "io.kubernetes.service.namespace": namespace,
    },
    frontends: frontends.filter(
      (frontend) =>
        (frontend.type === "LoadBalancerIP" && isServedByProxy(labels)) || isAdvertised(frontend),
    ),
  };
}

/** Every address of the Service that traffic may be sent to, whatever its endpoints. */
function frontendsOf({ metadata, spec = {}, status }: Service): Frontend[] {
  if (spec.type === "ExternalName" || isForAnother(metadata.labels)) return [];
  const external = spec.externalTrafficPolicy === "Local";
  const internal = spec.internalTrafficPolicy === "Local";
  const of = (type: AddressType, isLocal: boolean, texts: readonly (string | undefined)[]) =>
    texts.flatMap((text) => {
      // `None` of a headless Service, and an empty text, are no address.
      const address = text === undefined ? undefined : parseAddress(text);
      return address === undefined ? [] : [{ type, address, isLocal }];
    });
  const { loadBalancerClass } = spec;
  const isOurs =
    spec.type === "LoadBalancer" &&
    (loadBalancerClass === undefined || loadBalancerClass === bgpLoadBalancerClass);
  // With ipMode Proxy the address is a proxy's: traffic to it is none of the node's business.
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== "Proxy");
  return [
    ...(isOurs
      ? of(
          "LoadBalancerIP",
          external,
          ingress.map(({ ip }) => ip),
        )
      : []),
    ...of("ClusterIP", internal, spec.clusterIPs ?? [spec.clusterIP]),
    ...of("ExternalIP", external, spec.externalIPs ?? []),
  ];
}

/** Labels by which a Service is left to another proxy, or to none: no frontend is built of it. */
function isForAnother(labels: Labels = {}): boolean {
  return (
    labels["service.kubernetes.io/service-proxy-name"] !== undefined ||
    labels["service.kubernetes.io/headless"] !== undefined
  );
}

/** Services that Cilium makes for Ingress and Gateway API: an Envoy on every node answers for them. */
function isServedByProxy(labels: Labels = {}): boolean {
  return (
    labels["cilium.io/ingress"] === "true" ||
    labels["io.cilium.gateway/owning-gateway"] !== undefined
  );
}

type Backends = Record<Family, { here: boolean; anywhere: boolean }>;

/** Where there are backends that take new connections: ready, and not on their way out. */
function activeBackends(slices: Iterable<EndpointSlice>, node: string): Backends {
  const found: Backends = {
    ipv4: { here: false, anywhere: false },
    ipv6: { here: false, anywhere: false },
  };
  for (const { addressType, endpoints } of slices) {
    if (addressType !== "IPv4" && addressType !== "IPv6") continue;
    const of = found[addressType === "IPv4" ? "ipv4" : "ipv6"];
    for (const { conditions, nodeName, topology } of endpoints ?? []) {
      if (conditions?.ready === false || conditions?.terminating === true) continue;
      of.anywhere = true;
      of.here ||= (nodeName ?? topology?.["kubernetes.io/hostname"]) === node;
    }
  }
  return found;
}
