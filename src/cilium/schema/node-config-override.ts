import { z } from "zod";
import { asn, instanceOrPeerName, ipAddress, ipv4Address, listMap } from "./fields.ts";
import { metadata } from "./metadata.ts";

const peer = z.strictObject({
  name: instanceOrPeerName,
  localAddress: ipAddress.exactOptional(),
  /** In the CRD, but Cilium's operator never applies it. */
  localPort: z.int32().exactOptional(),
});

const instance = z.strictObject({
  name: instanceOrPeerName,
  routerID: ipv4Address.exactOptional(),
  localASN: asn.exactOptional(),
  localPort: z.int32().exactOptional(),
  peers: listMap("name", peer).exactOptional(),
});

/** Named after the node whose CiliumBGPNodeConfig it changes. */
export const nodeConfigOverrideV2 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumBGPNodeConfigOverride"),
  metadata,
  spec: z.strictObject({ bgpInstances: listMap("name", instance).min(1) }),
});

export const nodeConfigOverrideV2alpha1 = nodeConfigOverrideV2.extend({
  apiVersion: z.literal("cilium.io/v2alpha1"),
});

export type CiliumBGPNodeConfigOverride = z.output<typeof nodeConfigOverrideV2>;
