/** Kinds of Kubernetes itself that labs use, and the apiVersions they are of. */
export const builtInKinds: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    v1: [
      "ConfigMap",
      "Endpoints",
      "Event",
      "LimitRange",
      "Namespace",
      "Node",
      "PersistentVolume",
      "PersistentVolumeClaim",
      "Pod",
      "ReplicationController",
      "ResourceQuota",
      "Secret",
      "Service",
      "ServiceAccount",
    ],
    "apps/v1": ["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    "batch/v1": ["CronJob", "Job"],
    "discovery.k8s.io/v1": ["EndpointSlice"],
    "networking.k8s.io/v1": ["Ingress", "IngressClass", "NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "rbac.authorization.k8s.io/v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    "scheduling.k8s.io/v1": ["PriorityClass"],
    "storage.k8s.io/v1": ["StorageClass"],
    "coordination.k8s.io/v1": ["Lease"],
    "apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
  }).flatMap(([apiVersion, kinds]) => kinds.map((kind) => [kind, [apiVersion]] as const)),
);

/** Kinds of group cilium.io that a lab's manifests and scenarios are likely to name. */
const ciliumKinds = [
  "CiliumBGPAdvertisement",
  "CiliumBGPClusterConfig",
  "CiliumBGPNodeConfig",
  "CiliumBGPNodeConfigOverride",
  "CiliumBGPPeerConfig",
  "CiliumBGPPeeringPolicy",
  "CiliumCIDRGroup",
  "CiliumClusterwideEnvoyConfig",
  "CiliumClusterwideNetworkPolicy",
  "CiliumEgressGatewayPolicy",
  "CiliumEndpoint",
  "CiliumEndpointSlice",
  "CiliumEnvoyConfig",
  "CiliumExternalWorkload",
  "CiliumIdentity",
  "CiliumL2AnnouncementPolicy",
  "CiliumLoadBalancerIPPool",
  "CiliumLocalRedirectPolicy",
  "CiliumNetworkPolicy",
  "CiliumNode",
  "CiliumNodeConfig",
  "CiliumPodIPPool",
];

export function knownKinds(): string[] {
  return [...builtInKinds.keys(), ...ciliumKinds];
}

const namespacedCiliumKinds = new Set([
  "CiliumEndpoint",
  "CiliumEnvoyConfig",
  "CiliumLocalRedirectPolicy",
  "CiliumNetworkPolicy",
  "CiliumNodeConfig",
]);

const clusterScoped = new Set([
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "IngressClass",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "StorageClass",
  ...ciliumKinds.filter((kind) => !namespacedCiliumKinds.has(kind)),
]);

/** Whether objects of the kind have no namespace. A kind that is not known has one. */
export function isClusterScoped(kind: string): boolean {
  return clusterScoped.has(kind);
}
