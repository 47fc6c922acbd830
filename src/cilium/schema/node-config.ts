import { z } from "zod";
import { conditions } from "./condition.ts";
import {
  afi,
  asn,
  autoDiscovery,
  instanceOrPeerName,
  ipAddress,
  ipv4Address,
  listMap,
  peerAsn,
  peerConfigRef,
  peerConfigRefV2alpha1,
  port,
  safi,
} from "./fields.ts";
import { metadata } from "./metadata.ts";

const peer = z.strictObject({
  name: z.string(),
  peerAddress: ipAddress.exactOptional(),
  peerASN: peerAsn.exactOptional(),
  autoDiscovery: autoDiscovery.exactOptional(),
  peerConfigRef: peerConfigRef.exactOptional(),
  localAddress: ipAddress.exactOptional(),
});

const peerV2alpha1 = peer
  .omit({ autoDiscovery: true })
  .extend({ peerConfigRef: peerConfigRefV2alpha1.exactOptional() });

const instance = z.strictObject({
  name: instanceOrPeerName,
  localASN: asn.exactOptional(),
  localPort: port.exactOptional(),
  routerID: ipv4Address.exactOptional(),
  peers: listMap("name", peer).exactOptional(),
});

const routeCount = z.strictObject({
  afi,
  safi,
  advertised: z.int32().exactOptional(),
  received: z.int32().exactOptional(),
});

const peerStatus = z.strictObject({
  name: z.string(),
  peerAddress: z.string(),
  peerASN: z.int().exactOptional(),
  peeringState: z.string().exactOptional(),
  /** RFC 3339. */
  establishedTime: z.string().exactOptional(),
  timers: z
    .strictObject({
      appliedHoldTimeSeconds: z.int32().exactOptional(),
      appliedKeepaliveSeconds: z.int32().exactOptional(),
    })
    .exactOptional(),
  routeCount: z.array(routeCount).exactOptional(),
});

const status = z.strictObject({
  bgpInstances: listMap(
    "name",
    z.strictObject({
      name: z.string(),
      localASN: z.int().exactOptional(),
      peers: listMap("name", peerStatus).exactOptional(),
    }),
  ).exactOptional(),
  conditions: conditions.exactOptional(),
});

const spec = z.strictObject({ bgpInstances: listMap("name", instance).min(1).max(16) });

export const nodeConfigV2 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumBGPNodeConfig"),
  metadata,
  spec,
  status: status.exactOptional(),
});

export const nodeConfigV2alpha1 = nodeConfigV2.extend({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  spec: z.strictObject({
    bgpInstances: listMap(
      "name",
      instance.extend({ peers: listMap("name", peerV2alpha1).exactOptional() }),
    )
      .min(1)
      .max(16),
  }),
});

export type CiliumBGPNodeConfig = z.output<typeof nodeConfigV2>;
export type NodeInstance = z.output<typeof instance>;
export type NodePeer = z.output<typeof peer>;
export type NodeConfigStatus = z.output<typeof status>;
export type NodePeerStatus = z.output<typeof peerStatus>;
