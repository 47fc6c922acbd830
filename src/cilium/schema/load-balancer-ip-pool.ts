import { z } from "zod";
import { conditionsStatus } from "./condition.ts";
import { cidr } from "./fields.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

const block = z.strictObject({
  cidr: cidr.exactOptional(),
  /** In place of `cidr`: from here to `stop`, both included; without `stop` one address. */
  start: z.string().exactOptional(),
  stop: z.string().exactOptional(),
});

const spec = z.strictObject({
  /** No: the first and the last address of a `cidr` are not given out. Absent: they are. */
  allowFirstLastIPs: z.enum(["Yes", "No"]).exactOptional(),
  blocks: z.array(block).exactOptional(),
  /** Nothing new is allocated; what is allocated stays. */
  disabled: z.boolean().default(false),
  /** Absent: every Service. */
  serviceSelector: labelSelector.exactOptional(),
});

export const loadBalancerIpPoolV2 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumLoadBalancerIPPool"),
  metadata,
  spec,
  status: conditionsStatus.exactOptional(),
});

export const loadBalancerIpPoolV2alpha1 = loadBalancerIpPoolV2.extend({
  apiVersion: z.literal("cilium.io/v2alpha1"),
});

export type CiliumLoadBalancerIPPool = z.output<typeof loadBalancerIpPoolV2>;
export type IpPoolBlock = z.output<typeof block>;
