import { z } from "zod";
import { peerDefaults } from "../peer-defaults.ts";
import { conditionsStatus } from "./condition.ts";
import { afi, port, safi } from "./fields.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

const keepAliveRule = {
  rule: "self.keepAliveTimeSeconds <= self.holdTimeSeconds",
  message: "keepAliveTimeSeconds can not be larger than holdTimeSeconds",
};

const timers = z
  .strictObject({
    connectRetryTimeSeconds: z
      .int()
      .min(1)
      .max(2147483647)
      .default(peerDefaults.connectRetryTimeSeconds),
    holdTimeSeconds: z.int().min(3).max(65535).default(peerDefaults.holdTimeSeconds),
    keepAliveTimeSeconds: z.int().min(1).max(65535).default(peerDefaults.keepAliveTimeSeconds),
  })
  .refine((self) => self.keepAliveTimeSeconds <= self.holdTimeSeconds, {
    error: keepAliveRule.message,
  })
  .meta({ "x-kubernetes-validations": [keepAliveRule] });

const transport = z.strictObject({
  peerPort: port.default(peerDefaults.peerPort),
  sourceInterface: z.string().exactOptional(),
});

const family = z.strictObject({
  afi,
  safi,
  /** Absent: nothing is advertised; empty: every CiliumBGPAdvertisement. */
  advertisements: labelSelector.exactOptional(),
});

const spec = z.strictObject({
  authSecretRef: z.string().exactOptional(),
  ebgpMultihop: z.int().min(1).max(255).default(peerDefaults.ebgpMultihop),
  families: z.array(family).exactOptional(),
  gracefulRestart: z
    .strictObject({
      enabled: z.boolean(),
      restartTimeSeconds: z.int().min(1).max(4095).default(peerDefaults.restartTimeSeconds),
    })
    .exactOptional(),
  timers: timers.exactOptional(),
  transport: transport.exactOptional(),
});

export const peerConfigV2 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumBGPPeerConfig"),
  metadata,
  spec,
  status: conditionsStatus.exactOptional(),
});

export const peerConfigV2alpha1 = peerConfigV2.extend({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  spec: spec.extend({
    transport: transport
      .omit({ sourceInterface: true })
      .extend({ localPort: port.exactOptional() })
      .exactOptional(),
  }),
});

export type CiliumBGPPeerConfig = z.output<typeof peerConfigV2>;
