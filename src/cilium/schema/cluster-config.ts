import { z } from "zod";
import { conditionsStatus } from "./condition.ts";
import {
  asn,
  autoDiscovery,
  instanceOrPeerName,
  ipAddress,
  listMap,
  peerAsn,
  peerConfigRef,
  peerConfigRefV2alpha1,
  port,
} from "./fields.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

const peer = z.strictObject({
  name: instanceOrPeerName,
  peerAddress: ipAddress.exactOptional(),
  /** 0 accepts any AS number. */
  peerASN: peerAsn.default(0),
  autoDiscovery: autoDiscovery.exactOptional(),
  peerConfigRef: peerConfigRef.exactOptional(),
});

const peerV2alpha1 = peer
  .omit({ autoDiscovery: true })
  .extend({ peerConfigRef: peerConfigRefV2alpha1.exactOptional() });

const instance = z.strictObject({
  name: instanceOrPeerName,
  localASN: asn.exactOptional(),
  localPort: port.exactOptional(),
  peers: listMap("name", peer).exactOptional(),
});

const spec = z.strictObject({
  /** Absent: every node. */
  nodeSelector: labelSelector.exactOptional(),
  bgpInstances: listMap("name", instance).min(1).max(16),
});

export const clusterConfigV2 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumBGPClusterConfig"),
  metadata,
  spec,
  status: conditionsStatus.exactOptional(),
});

export const clusterConfigV2alpha1 = clusterConfigV2.extend({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  spec: spec.extend({
    bgpInstances: listMap(
      "name",
      instance.extend({ peers: listMap("name", peerV2alpha1).exactOptional() }),
    )
      .min(1)
      .max(16),
  }),
});

export type CiliumBGPClusterConfig = z.output<typeof clusterConfigV2>;
