import { z } from "zod";
import { listMap } from "./fields.ts";

/** A Kubernetes condition (metav1.Condition). */
const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(["True", "False", "Unknown"]),
  observedGeneration: z.int().min(0).exactOptional(),
  /** RFC 3339. */
  lastTransitionTime: z.string(),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32768),
});
export type Condition = z.output<typeof condition>;

/** At most one condition of each type. */
export const conditions = listMap("type", condition);

/** `status` of the resources that report conditions and nothing else. */
export const conditionsStatus = z.strictObject({ conditions: conditions.exactOptional() });
