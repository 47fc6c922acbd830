import type { KubeObject } from "../object.ts";

/** The fields of Service (core/v1) and EndpointSlice (discovery.k8s.io/v1) that a cluster acts on. */
export type Service = KubeObject & { spec: ServiceSpec; status?: ServiceStatus };

export type ServiceSpec = {
  type?: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  selector?: Record<string, string>;
  ports?: ServicePort[];
  clusterIP?: string;
  clusterIPs?: string[];
  externalIPs?: string[];
  ipFamilies?: IpFamily[];
  ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  externalTrafficPolicy?: TrafficPolicy;
  internalTrafficPolicy?: TrafficPolicy;
  allocateLoadBalancerNodePorts?: boolean;
  publishNotReadyAddresses?: boolean;
};

export type ServiceStatus = { loadBalancer?: { ingress?: { ip?: string }[] } };

export type IpFamily = "IPv4" | "IPv6";
export type TrafficPolicy = "Cluster" | "Local";

export type ServicePort = {
  name?: string;
  protocol?: "TCP" | "UDP" | "SCTP";
  port: number;
  targetPort?: number | string;
  nodePort?: number;
  appProtocol?: string;
};

export type EndpointSlice = KubeObject & {
  addressType: IpFamily;
  endpoints: Endpoint[];
  ports: { name: string; protocol: string; port: number; appProtocol?: string }[];
};

export type Endpoint = {
  addresses: string[];
  conditions: { ready: boolean; serving: boolean; terminating: boolean };
  nodeName?: string;
  targetRef?: { kind: string; namespace?: string; name: string; uid?: string };
};

/** Of an EndpointSlice: the service that it belongs to. */
export const serviceNameLabel = "kubernetes.io/service-name";
