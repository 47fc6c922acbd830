import { z } from "zod";
import { parseAddress } from "../../net/address.ts";
import { cidr } from "./fields.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

const egressIpRule = {
  rule: "self == '' || isIP(self)",
  message: "egressIP must be a valid IP address",
};

const gateway = z.strictObject({
  /** The node or nodes that the traffic leaves by; of several, the first by name. */
  nodeSelector: labelSelector,
  egressIP: z
    .string()
    .max(39)
    .refine((text) => text === "" || parseAddress(text) !== undefined, {
      error: egressIpRule.message,
    })
    .meta({ "x-kubernetes-validations": [egressIpRule] })
    .exactOptional(),
  /** In place of `egressIP`: the first IPv4 address of this interface. */
  interface: z.string().exactOptional(),
});

const spec = z.strictObject({
  destinationCIDRs: z.array(cidr),
  excludedCIDRs: z.array(cidr).exactOptional(),
  selectors: z.array(
    z.strictObject({
      namespaceSelector: labelSelector.exactOptional(),
      nodeSelector: labelSelector.exactOptional(),
      podSelector: labelSelector.exactOptional(),
    }),
  ),
  egressGateway: gateway,
  egressGateways: z.array(gateway).max(64).default([]),
});

export const egressGatewayPolicyV2 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumEgressGatewayPolicy"),
  metadata,
  spec: spec.exactOptional(),
});

/**
 * A version that Cilium never had but guides use, and without destinations: then every destination is
 * meant. Spinelab alone serves it.
 */
export const egressGatewayPolicyV2alpha1 = egressGatewayPolicyV2.extend({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  spec: spec
    .extend({ destinationCIDRs: z.array(cidr).default(["0.0.0.0/0", "::/0"]) })
    .exactOptional(),
});

export type CiliumEgressGatewayPolicy = z.output<typeof egressGatewayPolicyV2>;
export type EgressGateway = z.output<typeof gateway>;
