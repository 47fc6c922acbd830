import { bool, int, intOrString, list, message, one, pointer, string, time } from "./message.ts";
import { LabelSelector, ObjectMeta } from "./meta-messages.ts";
import { PodTemplateSpec } from "./pod-messages.ts";

/** Of k8s.io/api/apps/v1/generated.proto. */
const RollingUpdateDeployment = message("RollingUpdateDeployment", {
  1: ["maxUnavailable", pointer(intOrString)],
  2: ["maxSurge", pointer(intOrString)],
});

const DeploymentStrategy = message("DeploymentStrategy", {
  1: ["type", string],
  2: ["rollingUpdate", one(RollingUpdateDeployment)],
});

const DeploymentSpec = message("DeploymentSpec", {
  1: ["replicas", pointer(int)],
  2: ["selector", one(LabelSelector)],
  3: ["template", one(PodTemplateSpec)],
  4: ["strategy", one(DeploymentStrategy)],
  5: ["minReadySeconds", int],
  6: ["revisionHistoryLimit", pointer(int)],
  7: ["paused", bool],
  9: ["progressDeadlineSeconds", pointer(int)],
});

const DeploymentCondition = message("DeploymentCondition", {
  1: ["type", string],
  2: ["status", string],
  4: ["reason", string],
  5: ["message", string],
  6: ["lastUpdateTime", time],
  7: ["lastTransitionTime", time],
});

const DeploymentStatus = message("DeploymentStatus", {
  1: ["observedGeneration", int],
  2: ["replicas", int],
  3: ["updatedReplicas", int],
  4: ["availableReplicas", int],
  5: ["unavailableReplicas", int],
  6: ["conditions", list(one(DeploymentCondition))],
  7: ["readyReplicas", int],
  8: ["collisionCount", pointer(int)],
  9: ["terminatingReplicas", pointer(int)],
});

export const Deployment = message("Deployment", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(DeploymentSpec)],
  3: ["status", one(DeploymentStatus)],
});

const condition = {
  1: ["type", string],
  2: ["status", string],
  3: ["lastTransitionTime", time],
  4: ["reason", string],
  5: ["message", string],
} as const;

const RollingUpdateDaemonSet = message("RollingUpdateDaemonSet", {
  1: ["maxUnavailable", pointer(intOrString)],
  2: ["maxSurge", pointer(intOrString)],
});

const DaemonSetUpdateStrategy = message("DaemonSetUpdateStrategy", {
  1: ["type", string],
  2: ["rollingUpdate", one(RollingUpdateDaemonSet)],
});

const DaemonSetSpec = message("DaemonSetSpec", {
  1: ["selector", one(LabelSelector)],
  2: ["template", one(PodTemplateSpec)],
  3: ["updateStrategy", one(DaemonSetUpdateStrategy)],
  4: ["minReadySeconds", int],
  6: ["revisionHistoryLimit", pointer(int)],
});

const DaemonSetStatus = message("DaemonSetStatus", {
  1: ["currentNumberScheduled", int],
  2: ["numberMisscheduled", int],
  3: ["desiredNumberScheduled", int],
  4: ["numberReady", int],
  5: ["observedGeneration", int],
  6: ["updatedNumberScheduled", int],
  7: ["numberAvailable", int],
  8: ["numberUnavailable", int],
  9: ["collisionCount", pointer(int)],
  10: ["conditions", list(one(message("DaemonSetCondition", condition)))],
});

export const DaemonSet = message("DaemonSet", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(DaemonSetSpec)],
  3: ["status", one(DaemonSetStatus)],
});

const ReplicaSetSpec = message("ReplicaSetSpec", {
  1: ["replicas", pointer(int)],
  2: ["selector", one(LabelSelector)],
  3: ["template", one(PodTemplateSpec)],
  4: ["minReadySeconds", int],
});

const ReplicaSetStatus = message("ReplicaSetStatus", {
  1: ["replicas", int],
  2: ["fullyLabeledReplicas", int],
  3: ["observedGeneration", int],
  4: ["readyReplicas", int],
  5: ["availableReplicas", int],
  6: ["conditions", list(one(message("ReplicaSetCondition", condition)))],
  7: ["terminatingReplicas", pointer(int)],
});

export const ReplicaSet = message("ReplicaSet", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(ReplicaSetSpec)],
  3: ["status", one(ReplicaSetStatus)],
});
