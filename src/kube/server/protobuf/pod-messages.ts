import { bool, inlined, int, list, map, message, one, unread } from "./message.ts";
import { pointer, quantity, string, time } from "./message.ts";
import {
  AppArmorProfile,
  Container,
  ObjectFieldSelector,
  ResourceRequirements,
  SeccompProfile,
  SELinuxOptions,
} from "./container-messages.ts";
import { LocalObjectReference } from "./core-messages.ts";
import { LabelSelector, ObjectMeta } from "./meta-messages.ts";

/** Of k8s.io/api/core/v1/generated.proto: pods. Read are the volumes that most have. */
const KeyToPath = message("KeyToPath", {
  1: ["key", string],
  2: ["path", string],
  3: ["mode", pointer(int)],
});

const HostPathVolumeSource = message("HostPathVolumeSource", {
  1: ["path", string],
  2: ["type", pointer(string)],
});

const EmptyDirVolumeSource = message("EmptyDirVolumeSource", {
  1: ["medium", string],
  2: ["sizeLimit", pointer(quantity)],
});

const SecretVolumeSource = message("SecretVolumeSource", {
  1: ["secretName", string],
  2: ["items", list(one(KeyToPath))],
  3: ["defaultMode", pointer(int)],
  4: ["optional", pointer(bool)],
});

const PersistentVolumeClaimVolumeSource = message("PersistentVolumeClaimVolumeSource", {
  1: ["claimName", string],
  2: ["readOnly", bool],
});

const DownwardAPIVolumeFile = message("DownwardAPIVolumeFile", {
  1: ["path", string],
  2: ["fieldRef", one(ObjectFieldSelector)],
  4: ["mode", pointer(int)],
  3: ["resourceFieldRef", unread],
});

const DownwardAPIVolumeSource = message("DownwardAPIVolumeSource", {
  1: ["items", list(one(DownwardAPIVolumeFile))],
  2: ["defaultMode", pointer(int)],
});

const ConfigMapVolumeSource = message("ConfigMapVolumeSource", {
  1: ["localObjectReference", inlined(LocalObjectReference)],
  2: ["items", list(one(KeyToPath))],
  3: ["defaultMode", pointer(int)],
  4: ["optional", pointer(bool)],
});

const VolumeSource = message("VolumeSource", {
  1: ["hostPath", one(HostPathVolumeSource)],
  2: ["emptyDir", one(EmptyDirVolumeSource)],
  6: ["secret", one(SecretVolumeSource)],
  10: ["persistentVolumeClaim", one(PersistentVolumeClaimVolumeSource)],
  16: ["downwardAPI", one(DownwardAPIVolumeSource)],
  19: ["configMap", one(ConfigMapVolumeSource)],
  3: ["gcePersistentDisk", unread],
  4: ["awsElasticBlockStore", unread],
  5: ["gitRepo", unread],
  7: ["nfs", unread],
  8: ["iscsi", unread],
  9: ["glusterfs", unread],
  11: ["rbd", unread],
  12: ["flexVolume", unread],
  13: ["cinder", unread],
  14: ["cephfs", unread],
  15: ["flocker", unread],
  17: ["fc", unread],
  18: ["azureFile", unread],
  20: ["vsphereVolume", unread],
  21: ["quobyte", unread],
  22: ["azureDisk", unread],
  23: ["photonPersistentDisk", unread],
  24: ["portworxVolume", unread],
  25: ["scaleIO", unread],
  26: ["projected", unread],
  27: ["storageos", unread],
  28: ["csi", unread],
  29: ["ephemeral", unread],
  30: ["image", unread],
});

const Volume = message("Volume", {
  1: ["name", string],
  2: ["volumeSource", inlined(VolumeSource)],
});

const Sysctl = message("Sysctl", { 1: ["name", string], 2: ["value", string] });

const PodSecurityContext = message("PodSecurityContext", {
  1: ["seLinuxOptions", one(SELinuxOptions)],
  2: ["runAsUser", pointer(int)],
  3: ["runAsNonRoot", pointer(bool)],
  4: ["supplementalGroups", list(int)],
  5: ["fsGroup", pointer(int)],
  6: ["runAsGroup", pointer(int)],
  7: ["sysctls", list(one(Sysctl))],
  9: ["fsGroupChangePolicy", pointer(string)],
  10: ["seccompProfile", one(SeccompProfile)],
  11: ["appArmorProfile", one(AppArmorProfile)],
  8: ["windowsOptions", unread],
  12: ["supplementalGroupsPolicy", unread],
  13: ["seLinuxChangePolicy", unread],
});

const NodeSelectorRequirement = message("NodeSelectorRequirement", {
  1: ["key", string],
  2: ["operator", string],
  3: ["values", list(string)],
});

const NodeSelectorTerm = message("NodeSelectorTerm", {
  1: ["matchExpressions", list(one(NodeSelectorRequirement))],
  2: ["matchFields", list(one(NodeSelectorRequirement))],
});

const NodeSelector = message("NodeSelector", {
  1: ["nodeSelectorTerms", list(one(NodeSelectorTerm))],
});

const PreferredSchedulingTerm = message("PreferredSchedulingTerm", {
  1: ["weight", int],
  2: ["preference", one(NodeSelectorTerm)],
});

const NodeAffinity = message("NodeAffinity", {
  1: ["requiredDuringSchedulingIgnoredDuringExecution", one(NodeSelector)],
  2: ["preferredDuringSchedulingIgnoredDuringExecution", list(one(PreferredSchedulingTerm))],
});

const PodAffinityTerm = message("PodAffinityTerm", {
  1: ["labelSelector", one(LabelSelector)],
  2: ["namespaces", list(string)],
  3: ["topologyKey", string],
  4: ["namespaceSelector", one(LabelSelector)],
  5: ["matchLabelKeys", list(string)],
  6: ["mismatchLabelKeys", list(string)],
});

const WeightedPodAffinityTerm = message("WeightedPodAffinityTerm", {
  1: ["weight", int],
  2: ["podAffinityTerm", one(PodAffinityTerm)],
});

const betweenPods = {
  1: ["requiredDuringSchedulingIgnoredDuringExecution", list(one(PodAffinityTerm))],
  2: ["preferredDuringSchedulingIgnoredDuringExecution", list(one(WeightedPodAffinityTerm))],
} as const;

const Affinity = message("Affinity", {
  1: ["nodeAffinity", one(NodeAffinity)],
  2: ["podAffinity", one(message("PodAffinity", betweenPods))],
  3: ["podAntiAffinity", one(message("PodAntiAffinity", betweenPods))],
});

const Toleration = message("Toleration", {
  1: ["key", string],
  2: ["operator", string],
  3: ["value", string],
  4: ["effect", string],
  5: ["tolerationSeconds", pointer(int)],
});

const HostAlias = message("HostAlias", { 1: ["ip", string], 2: ["hostnames", list(string)] });

const TopologySpreadConstraint = message("TopologySpreadConstraint", {
  1: ["maxSkew", int],
  2: ["topologyKey", string],
  3: ["whenUnsatisfiable", string],
  4: ["labelSelector", one(LabelSelector)],
  5: ["minDomains", pointer(int)],
  6: ["nodeAffinityPolicy", pointer(string)],
  7: ["nodeTaintsPolicy", pointer(string)],
  8: ["matchLabelKeys", list(string)],
});

const PodSpec = message("PodSpec", {
  1: ["volumes", list(one(Volume))],
  2: ["containers", list(one(Container))],
  3: ["restartPolicy", string],
  4: ["terminationGracePeriodSeconds", pointer(int)],
  5: ["activeDeadlineSeconds", pointer(int)],
  6: ["dnsPolicy", string],
  7: ["nodeSelector", map(string)],
  8: ["serviceAccountName", string],
  9: ["serviceAccount", string],
  10: ["nodeName", string],
  11: ["hostNetwork", bool],
  12: ["hostPID", bool],
  13: ["hostIPC", bool],
  14: ["securityContext", one(PodSecurityContext)],
  15: ["imagePullSecrets", list(one(LocalObjectReference))],
  16: ["hostname", string],
  17: ["subdomain", string],
  18: ["affinity", one(Affinity)],
  19: ["schedulerName", string],
  20: ["initContainers", list(one(Container))],
  21: ["automountServiceAccountToken", pointer(bool)],
  22: ["tolerations", list(one(Toleration))],
  23: ["hostAliases", list(one(HostAlias))],
  24: ["priorityClassName", string],
  25: ["priority", pointer(int)],
  27: ["shareProcessNamespace", pointer(bool)],
  29: ["runtimeClassName", pointer(string)],
  30: ["enableServiceLinks", pointer(bool)],
  31: ["preemptionPolicy", pointer(string)],
  33: ["topologySpreadConstraints", list(one(TopologySpreadConstraint))],
  35: ["setHostnameAsFQDN", pointer(bool)],
  37: ["hostUsers", pointer(bool)],
  40: ["resources", one(ResourceRequirements)],
  26: ["dnsConfig", unread],
  28: ["readinessGates", unread],
  32: ["overhead", unread],
  34: ["ephemeralContainers", unread],
  36: ["os", unread],
  38: ["schedulingGates", unread],
  39: ["resourceClaims", unread],
  41: ["hostnameOverride", unread],
});

/** What of it a client that makes a pod sends, all of it empty: a kubelet writes JSON here. */
const PodStatus = message("PodStatus", {
  1: ["phase", string],
  3: ["message", string],
  4: ["reason", string],
  5: ["hostIP", string],
  6: ["podIP", string],
  7: ["startTime", time],
  9: ["qosClass", string],
  11: ["nominatedNodeName", string],
  14: ["resize", string],
  17: ["observedGeneration", int],
  2: ["conditions", unread],
  8: ["containerStatuses", unread],
  10: ["initContainerStatuses", unread],
  12: ["podIPs", unread],
  13: ["ephemeralContainerStatuses", unread],
  15: ["resourceClaimStatuses", unread],
  16: ["hostIPs", unread],
  18: ["extendedResourceClaimStatus", unread],
});

export const PodTemplateSpec = message("PodTemplateSpec", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(PodSpec)],
});

export const Pod = message("Pod", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(PodSpec)],
  3: ["status", one(PodStatus)],
});
