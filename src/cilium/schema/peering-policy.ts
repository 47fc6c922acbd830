import { z } from "zod";
import { parseAddress } from "../../net/address.ts";
import { peerDefaults } from "../peer-defaults.ts";
import { communities } from "./community-fields.ts";
import { afi, cidr, ipAddress, peerAsn, port, safi } from "./fields.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

/** Path attributes of one neighbour for the routes of one kind. */
const pathAttributes = z.strictObject({
  selectorType: z.enum(["PodCIDR", "CiliumLoadBalancerIPPool", "CiliumPodIPPool"]),
  /** Of the pool's labels; absent or empty: every pool. */
  selector: labelSelector.exactOptional(),
  communities: communities.exactOptional(),
  localPreference: z.int().min(0).max(4294967295).exactOptional(),
});

const neighbor = z.strictObject({
  /** With a length: `10.0.0.1/32`. */
  peerAddress: cidr,
  peerPort: port.default(peerDefaults.peerPort),
  peerASN: peerAsn,
  authSecretRef: z.string().exactOptional(),
  eBGPMultihopTTL: z.int().min(1).max(255).default(peerDefaults.ebgpMultihop),
  connectRetryTimeSeconds: z
    .int()
    .min(1)
    .max(2147483647)
    .default(peerDefaults.connectRetryTimeSeconds),
  holdTimeSeconds: z.int().min(3).max(65535).default(peerDefaults.holdTimeSeconds),
  keepAliveTimeSeconds: z.int().min(1).max(65535).default(peerDefaults.keepAliveTimeSeconds),
  gracefulRestart: z
    .strictObject({
      enabled: z.boolean(),
      restartTimeSeconds: z.int().min(1).max(4095).default(peerDefaults.restartTimeSeconds),
    })
    .exactOptional(),
  families: z.array(z.strictObject({ afi, safi })).exactOptional(),
  advertisedPathAttributes: z.array(pathAttributes).exactOptional(),
  /** What guides write for `advertisedPathAttributes`; Cilium has no such field. */
  pathAttributes: z.array(pathAttributes).exactOptional(),
});

const virtualRouter = z.strictObject({
  /** One virtual router for each: it is the instance's key. */
  localASN: peerAsn,
  exportPodCIDR: z.boolean().default(false),
  neighbors: z.array(neighbor).min(1),
  /** Absent: no pool. */
  podIPPoolSelector: labelSelector.exactOptional(),
  /** Absent: no Service; empty: all. */
  serviceSelector: labelSelector.exactOptional(),
  serviceAdvertisements: z
    .array(z.enum(["LoadBalancerIP", "ClusterIP", "ExternalIP"]))
    .default(["LoadBalancerIP"]),
});

export const peeringPolicy = z.strictObject({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  kind: z.literal("CiliumBGPPeeringPolicy"),
  metadata,
  spec: z
    .strictObject({
      /** Absent: every node. */
      nodeSelector: labelSelector.exactOptional(),
      virtualRouters: z.array(virtualRouter).min(1),
    })
    .exactOptional(),
});

/** A spelling of guides that Cilium never had, read as a CiliumBGPPeeringPolicy (peer-policy.ts). */
export const peerPolicy = z.strictObject({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  kind: z.literal("CiliumBGPPeerPolicy"),
  metadata,
  spec: z.strictObject({
    nodeSelector: labelSelector.exactOptional(),
    peers: z
      .array(
        z.strictObject({
          peerAddress: ipAddress.refine((text) => parseAddress(text.trim()) !== undefined, {
            error: "must be an address without a zone",
          }),
          peerASN: peerAsn,
          localASN: peerAsn,
          /** Of the namespace of BGP secrets, whatever `namespace` says. */
          authSecret: z
            .strictObject({ name: z.string(), namespace: z.string().exactOptional() })
            .exactOptional(),
        }),
      )
      .min(1),
    families: z
      .array(
        z.strictObject({
          ipv4unicast: z
            .strictObject({ prefixLimit: z.int().min(1).exactOptional() })
            .exactOptional(),
          ipv6unicast: z
            .strictObject({ prefixLimit: z.int().min(1).exactOptional() })
            .exactOptional(),
        }),
      )
      .exactOptional(),
  }),
});

export type CiliumBGPPeeringPolicy = z.output<typeof peeringPolicy>;
export type VirtualRouter = z.output<typeof virtualRouter>;
export type LegacyNeighbor = z.output<typeof neighbor>;
export type LegacyPathAttributes = z.output<typeof pathAttributes>;
export type CiliumBGPPeerPolicy = z.output<typeof peerPolicy>;
