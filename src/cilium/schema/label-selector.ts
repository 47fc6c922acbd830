import { z } from "zod";
import { labelValue } from "./metadata.ts";

const atomicList = { "x-kubernetes-list-type": "atomic" };

/** A Kubernetes LabelSelector (metav1), as every selector field of Cilium's resources holds it. */
export const labelSelector = z
  .strictObject({
    matchLabels: z.record(z.string(), labelValue).exactOptional(),
    matchExpressions: z
      .array(
        z.strictObject({
          key: z.string(),
          operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
          values: z.array(z.string()).meta(atomicList).exactOptional(),
        }),
      )
      .meta(atomicList)
      .exactOptional(),
  })
  .meta({ "x-kubernetes-map-type": "atomic" });
export type LabelSelector = z.output<typeof labelSelector>;
