/** What Cilium's BGP control plane and LB-IPAM read of a Service (v1). */
export type Service = {
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
    generation?: number;
  };
  spec?: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    externalIPs?: string[];
    loadBalancerIP?: string;
    loadBalancerClass?: string;
    externalTrafficPolicy?: string;
    internalTrafficPolicy?: string;
    ipFamilies?: string[];
    ipFamilyPolicy?: string;
    ports?: { port: number; protocol?: string }[];
    selector?: Record<string, string>;
  };
  status?: {
    loadBalancer?: { ingress?: LoadBalancerIngress[] };
    conditions?: ServiceCondition[];
  };
};

export type LoadBalancerIngress = { ip?: string; hostname?: string; ipMode?: string };

export type ServiceCondition = {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
};

/** An EndpointSlice of discovery.k8s.io/v1 or v1beta1. */
export type EndpointSlice = {
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  /** IPv4, IPv6 or FQDN. */
  addressType: string;
  endpoints?: Endpoint[] | null;
};

type Endpoint = {
  addresses: string[];
  /** Unknown (absent or null) counts as ready. */
  conditions?: { ready?: boolean | null; serving?: boolean | null; terminating?: boolean | null };
  nodeName?: string;
  /** Where v1beta1 says the node, under `kubernetes.io/hostname`. */
  topology?: Record<string, string>;
};

/** The label by which an EndpointSlice says whose it is. */
const serviceNameLabel = "kubernetes.io/service-name";

/** `namespace/name` */
export type ServiceKey = string;

export function serviceKey({ metadata }: { metadata: Service["metadata"] }): ServiceKey {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}

/** Undefined where the slice belongs to no Service. */
export function sliceServiceKey({ metadata }: EndpointSlice): ServiceKey | undefined {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${metadata.namespace ?? "default"}/${name}`;
}
