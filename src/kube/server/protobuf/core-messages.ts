import { bool, bytes, int, intOrString } from "./message.ts";
import { list, map, message, one, pointer, string, time } from "./message.ts";
import { Condition, ObjectMeta } from "./meta-messages.ts";

/** Of k8s.io/api/core/v1/generated.proto, without pods. */
const NamespaceSpec = message("NamespaceSpec", { 1: ["finalizers", list(string)] });

const NamespaceCondition = message("NamespaceCondition", {
  1: ["type", string],
  2: ["status", string],
  4: ["lastTransitionTime", time],
  5: ["reason", string],
  6: ["message", string],
});

const NamespaceStatus = message("NamespaceStatus", {
  1: ["phase", string],
  2: ["conditions", list(one(NamespaceCondition))],
});

export const Namespace = message("Namespace", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(NamespaceSpec)],
  3: ["status", one(NamespaceStatus)],
});

export const Secret = message("Secret", {
  1: ["metadata", one(ObjectMeta)],
  2: ["data", map(bytes)],
  3: ["type", string],
  4: ["stringData", map(string)],
  5: ["immutable", pointer(bool)],
});

export const ConfigMap = message("ConfigMap", {
  1: ["metadata", one(ObjectMeta)],
  2: ["data", map(string)],
  3: ["binaryData", map(bytes)],
  4: ["immutable", pointer(bool)],
});

const ObjectReference = message("ObjectReference", {
  1: ["kind", string],
  2: ["namespace", string],
  3: ["name", string],
  4: ["uid", string],
  5: ["apiVersion", string],
  6: ["resourceVersion", string],
  7: ["fieldPath", string],
});

export const LocalObjectReference = message("LocalObjectReference", { 1: ["name", string] });

export const ServiceAccount = message("ServiceAccount", {
  1: ["metadata", one(ObjectMeta)],
  2: ["secrets", list(one(ObjectReference))],
  3: ["imagePullSecrets", list(one(LocalObjectReference))],
  4: ["automountServiceAccountToken", pointer(bool)],
});

const ServicePort = message("ServicePort", {
  1: ["name", string],
  2: ["protocol", string],
  3: ["port", int],
  4: ["targetPort", intOrString],
  5: ["nodePort", int],
  6: ["appProtocol", pointer(string)],
});

const ClientIPConfig = message("ClientIPConfig", { 1: ["timeoutSeconds", pointer(int)] });

const SessionAffinityConfig = message("SessionAffinityConfig", {
  1: ["clientIP", one(ClientIPConfig)],
});

const ServiceSpec = message("ServiceSpec", {
  1: ["ports", list(one(ServicePort))],
  2: ["selector", map(string)],
  3: ["clusterIP", string],
  4: ["type", string],
  5: ["externalIPs", list(string)],
  7: ["sessionAffinity", string],
  8: ["loadBalancerIP", string],
  9: ["loadBalancerSourceRanges", list(string)],
  10: ["externalName", string],
  11: ["externalTrafficPolicy", string],
  12: ["healthCheckNodePort", int],
  13: ["publishNotReadyAddresses", bool],
  14: ["sessionAffinityConfig", one(SessionAffinityConfig)],
  17: ["ipFamilyPolicy", pointer(string)],
  18: ["clusterIPs", list(string)],
  19: ["ipFamilies", list(string)],
  20: ["allocateLoadBalancerNodePorts", pointer(bool)],
  21: ["loadBalancerClass", pointer(string)],
  22: ["internalTrafficPolicy", pointer(string)],
  23: ["trafficDistribution", pointer(string)],
});

const PortStatus = message("PortStatus", {
  1: ["port", int],
  2: ["protocol", string],
  3: ["error", pointer(string)],
});

const LoadBalancerIngress = message("LoadBalancerIngress", {
  1: ["ip", string],
  2: ["hostname", string],
  3: ["ipMode", pointer(string)],
  4: ["ports", list(one(PortStatus))],
});

const LoadBalancerStatus = message("LoadBalancerStatus", {
  1: ["ingress", list(one(LoadBalancerIngress))],
});

const ServiceStatus = message("ServiceStatus", {
  1: ["loadBalancer", one(LoadBalancerStatus)],
  2: ["conditions", list(one(Condition))],
});

export const Service = message("Service", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(ServiceSpec)],
  3: ["status", one(ServiceStatus)],
});
