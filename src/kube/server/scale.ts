import type { KubeObject } from "../object.ts";
import { formatLabelSelector, type LabelSelector } from "../selector.ts";
import { badRequest } from "./api-error.ts";

/** autoscaling/v1 Scale. */
export type Scale = KubeObject & { spec: { replicas?: number } };

type Scaled = KubeObject & {
  spec: { replicas?: number; selector?: LabelSelector };
  status?: { replicas?: number };
};

/** The scale subresource of a Deployment or ReplicaSet. */
export function scaleOf(object: KubeObject): Scale {
  const { metadata, spec, status } = object as Scaled;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: { replicas: spec.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: formatLabelSelector(spec.selector) },
  };
}

/** A copy of the object with the replicas the scale asks for. */
export function withScale(object: KubeObject, scale: Scale): KubeObject {
  const replicas = scale.spec?.replicas ?? 0;
  if (!Number.isInteger(replicas) || replicas < 0) {
    throw badRequest(`spec.replicas must be a whole number of 0 or more, not ${String(replicas)}`);
  }
  const after = structuredClone(object) as Scaled;
  after.spec.replicas = replicas;
  if (scale.metadata.resourceVersion) {
    after.metadata.resourceVersion = scale.metadata.resourceVersion;
  } else delete after.metadata.resourceVersion;
  return after;
}
