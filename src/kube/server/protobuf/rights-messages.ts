import { bool, list, message, one, string, unread } from "./message.ts";
import { LabelSelector, ObjectMeta } from "./meta-messages.ts";

/** Of generated.proto in k8s.io/api: rbac/v1, authorization/v1 and authentication/v1. */
const PolicyRule = message("PolicyRule", {
  1: ["verbs", list(string)],
  2: ["apiGroups", list(string)],
  3: ["resources", list(string)],
  4: ["resourceNames", list(string)],
  5: ["nonResourceURLs", list(string)],
});

export const Role = message("Role", {
  1: ["metadata", one(ObjectMeta)],
  2: ["rules", list(one(PolicyRule))],
});

const AggregationRule = message("AggregationRule", {
  1: ["clusterRoleSelectors", list(one(LabelSelector))],
});

export const ClusterRole = message("ClusterRole", {
  1: ["metadata", one(ObjectMeta)],
  2: ["rules", list(one(PolicyRule))],
  3: ["aggregationRule", one(AggregationRule)],
});

const Subject = message("Subject", {
  1: ["kind", string],
  2: ["apiGroup", string],
  3: ["name", string],
  4: ["namespace", string],
});

const RoleRef = message("RoleRef", {
  1: ["apiGroup", string],
  2: ["kind", string],
  3: ["name", string],
});

const binding = {
  1: ["metadata", one(ObjectMeta)],
  2: ["subjects", list(one(Subject))],
  3: ["roleRef", one(RoleRef)],
} as const;

export const RoleBinding = message("RoleBinding", binding);
export const ClusterRoleBinding = message("ClusterRoleBinding", binding);

const ResourceAttributes = message("ResourceAttributes", {
  1: ["namespace", string],
  2: ["verb", string],
  3: ["group", string],
  4: ["version", string],
  5: ["resource", string],
  6: ["subresource", string],
  7: ["name", string],
  8: ["fieldSelector", unread],
  9: ["labelSelector", unread],
});

const NonResourceAttributes = message("NonResourceAttributes", {
  1: ["path", string],
  2: ["verb", string],
});

const SelfSubjectAccessReviewSpec = message("SelfSubjectAccessReviewSpec", {
  1: ["resourceAttributes", one(ResourceAttributes)],
  2: ["nonResourceAttributes", one(NonResourceAttributes)],
});

const SubjectAccessReviewStatus = message("SubjectAccessReviewStatus", {
  1: ["allowed", bool],
  2: ["reason", string],
  3: ["evaluationError", string],
  4: ["denied", bool],
});

export const SelfSubjectAccessReview = message("SelfSubjectAccessReview", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(SelfSubjectAccessReviewSpec)],
  3: ["status", one(SubjectAccessReviewStatus)],
});

const SelfSubjectRulesReviewSpec = message("SelfSubjectRulesReviewSpec", {
  1: ["namespace", string],
});

/** What of its status a client sends: nothing but that it is not there. */
const SubjectRulesReviewStatus = message("SubjectRulesReviewStatus", {
  3: ["incomplete", bool],
  4: ["evaluationError", string],
  1: ["resourceRules", unread],
  2: ["nonResourceRules", unread],
});

export const SelfSubjectRulesReview = message("SelfSubjectRulesReview", {
  1: ["metadata", one(ObjectMeta)],
  2: ["spec", one(SelfSubjectRulesReviewSpec)],
  3: ["status", one(SubjectRulesReviewStatus)],
});

const UserInfo = message("UserInfo", {
  1: ["username", string],
  2: ["uid", string],
  3: ["groups", unread],
  4: ["extra", unread],
});

const SelfSubjectReviewStatus = message("SelfSubjectReviewStatus", {
  1: ["userInfo", one(UserInfo)],
});

export const SelfSubjectReview = message("SelfSubjectReview", {
  1: ["metadata", one(ObjectMeta)],
  2: ["status", one(SelfSubjectReviewStatus)],
});
