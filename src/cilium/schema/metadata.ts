import { z } from "zod";

/** RFC 1123 subdomain: what Kubernetes allows as the name of a custom resource. */
const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelKeyPattern =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const labelValuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

export const labelValue = z.string().max(63).regex(labelValuePattern, {
  error:
    "a label value is letters, digits, '-', '_' and '.', and begins and ends with a letter or digit",
});

const labelKey = z.string().regex(labelKeyPattern, {
  error:
    "a label key is an optional DNS prefix with '/', then up to 63 letters, digits, '-', '_' and '.'",
});

const ownerReference = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().exactOptional(),
  blockOwnerDeletion: z.boolean().exactOptional(),
});
export type OwnerReference = z.output<typeof ownerReference>;

/** ObjectMeta of a cluster-scoped resource, with every field the API server writes into it. */
export const metadata = z.strictObject({
  name: z.string().max(253).regex(namePattern, {
    error:
      "a name is lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit",
  }),
  generateName: z.string().exactOptional(),
  uid: z.string().exactOptional(),
  resourceVersion: z.string().exactOptional(),
  generation: z.int().exactOptional(),
  creationTimestamp: z.string().exactOptional(),
  deletionTimestamp: z.string().exactOptional(),
  deletionGracePeriodSeconds: z.int().exactOptional(),
  labels: z.record(labelKey, labelValue).exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
  finalizers: z.array(z.string()).exactOptional(),
  ownerReferences: z.array(ownerReference).exactOptional(),
  managedFields: z.array(z.unknown()).exactOptional(),
});
