import { z } from "zod";
import { metadata } from "./metadata.ts";

const allocatedPool = z.looseObject({
  pool: z.string(),
  cidrs: z.array(z.string()).exactOptional(),
});

const requestedPool = z.looseObject({
  pool: z.string(),
  /** How many addresses the node needs. */
  needed: z
    .looseObject({
      "ipv4-addrs": z.int().exactOptional(),
      "ipv6-addrs": z.int().exactOptional(),
    })
    .exactOptional(),
});

/**
 * What the BGP control plane reads of a node. Cilium keeps much more in it, for other parts: fields
 * not named here are kept as they are.
 */
export const ciliumNodeV2 = z.looseObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumNode"),
  metadata,
  spec: z.looseObject({
    addresses: z
      .array(
        z.looseObject({
          /** Hostname, InternalIP, ExternalIP, CiliumInternalIP, … */
          type: z.string().exactOptional(),
          ip: z.string().exactOptional(),
        }),
      )
      .exactOptional(),
    ipam: z
      .looseObject({
        podCIDRs: z.array(z.string()).exactOptional(),
        pools: z
          .looseObject({
            allocated: z.array(allocatedPool).exactOptional(),
            requested: z.array(requestedPool).exactOptional(),
          })
          .exactOptional(),
      })
      .exactOptional(),
  }),
  status: z.looseObject({}).exactOptional(),
});

export type CiliumNode = z.output<typeof ciliumNodeV2>;
