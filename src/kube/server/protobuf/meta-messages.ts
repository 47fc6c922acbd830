import { bool, int, list, map, message, one, pointer, string, time, unread } from "./message.ts";

/** Of k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto. */
const OwnerReference = message("OwnerReference", {
  1: ["kind", string],
  3: ["name", string],
  4: ["uid", string],
  5: ["apiVersion", string],
  6: ["controller", pointer(bool)],
  7: ["blockOwnerDeletion", pointer(bool)],
});

/** managedFields are not read: this server keeps none. */
export const ObjectMeta = message("ObjectMeta", {
  1: ["name", string],
  2: ["generateName", string],
  3: ["namespace", string],
  4: ["selfLink", string],
  5: ["uid", string],
  6: ["resourceVersion", string],
  7: ["generation", int],
  8: ["creationTimestamp", time],
  9: ["deletionTimestamp", time],
  10: ["deletionGracePeriodSeconds", pointer(int)],
  11: ["labels", map(string)],
  12: ["annotations", map(string)],
  13: ["ownerReferences", list(one(OwnerReference))],
  14: ["finalizers", list(string)],
  17: ["managedFields", unread],
});

const LabelSelectorRequirement = message("LabelSelectorRequirement", {
  1: ["key", string],
  2: ["operator", string],
  3: ["values", list(string)],
});

export const LabelSelector = message("LabelSelector", {
  1: ["matchLabels", map(string)],
  2: ["matchExpressions", list(one(LabelSelectorRequirement))],
});

export const Condition = message("Condition", {
  1: ["type", string],
  2: ["status", string],
  3: ["observedGeneration", int],
  4: ["lastTransitionTime", time],
  5: ["reason", string],
  6: ["message", string],
});

const Preconditions = message("Preconditions", {
  1: ["uid", pointer(string)],
  2: ["resourceVersion", pointer(string)],
});

export const DeleteOptions = message("DeleteOptions", {
  1: ["gracePeriodSeconds", pointer(int)],
  2: ["preconditions", one(Preconditions)],
  3: ["orphanDependents", pointer(bool)],
  4: ["propagationPolicy", pointer(string)],
  5: ["dryRun", list(string)],
  6: ["ignoreStoreReadErrorWithClusterBreakingPotential", unread],
});
