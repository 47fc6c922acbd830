/**
 * What a client may ask of itself: `kubectl auth can-i`, with `--list`, and `kubectl auth whoami`. Whoever bears this
 * server's token is who kubeadm's first kubeconfig is for, and may do everything.
 */
const reviews: Readonly<Record<string, { kind: string; status: object }>> = {
  "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": {
    kind: "SelfSubjectAccessReview",
    status: { allowed: true, reason: "whoever reaches this server may do everything" },
  },
  "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews": {
    kind: "SelfSubjectRulesReview",
    status: {
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      incomplete: false,
    },
  },
  "/apis/authentication.k8s.io/v1/selfsubjectreviews": {
    kind: "SelfSubjectReview",
    status: {
      userInfo: {
        username: "kubernetes-admin",
        groups: ["system:masters", "system:authenticated"],
      },
    },
  },
};

/** The review of a POST to that path, with what was asked; undefined where the path is of none. */
export function selfReview(path: string): ((asked: unknown) => object) | undefined {
  const [, group, version] = path.split("/").slice(1);
  const review = Object.hasOwn(reviews, path) ? reviews[path]! : undefined;
  if (review === undefined) return undefined;
  const { kind, status } = review;
  return (asked) => ({ ...(asked as object), kind, apiVersion: `${group}/${version}`, status });
}
