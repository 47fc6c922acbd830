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
