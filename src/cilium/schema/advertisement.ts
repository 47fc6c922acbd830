import { z } from "zod";
import {
  parseLargeCommunity,
  parseStandardCommunity,
  type WellKnownCommunity,
  wellKnownCommunities,
} from "../communities.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

const communities = z.strictObject({
  standard: z
    .array(
      z.string().refine((text) => parseStandardCommunity(text) !== undefined, {
        error: "must be a 32-bit number or two 16-bit numbers: 65010:100",
        params: { code: "InvalidFormat" },
      }),
    )
    .exactOptional(),
  wellKnown: z
    .array(z.enum(Object.keys(wellKnownCommunities) as WellKnownCommunity[]))
    .exactOptional(),
  large: z
    .array(
      z.string().refine((text) => parseLargeCommunity(text) !== undefined, {
        error: "must be three 32-bit numbers: 64512:1:2",
        params: { code: "InvalidFormat" },
      }),
    )
    .exactOptional(),
});

const service = z.strictObject({
  addresses: z.array(z.enum(["LoadBalancerIP", "ClusterIP", "ExternalIP"])).min(1),
  aggregationLengthIPv4: z.int().min(0).max(31).exactOptional(),
  aggregationLengthIPv6: z.int().min(0).max(127).exactOptional(),
});

const advertisement = z.strictObject({
  advertisementType: z.enum(["PodCIDR", "CiliumPodIPPool", "Service", "Interface"]),
  service: service.exactOptional(),
  interface: z.strictObject({ name: z.string() }).exactOptional(),
  selector: labelSelector.exactOptional(),
  attributes: z
    .strictObject({
      communities: communities.exactOptional(),
      localPreference: z.int().exactOptional(),
    })
    .exactOptional(),
});

type Rule = { holds: (self: RuleSubject) => boolean; message: string };
type RuleSubject = Partial<Record<"service" | "interface" | "selector", unknown>> & {
  advertisementType: string;
};

/** The CEL rules (x-kubernetes-validations) of one entry. */
const serviceRequired: Rule = {
  holds: (self) => self.advertisementType !== "Service" || self.service !== undefined,
  message: "service field is required for the 'Service' advertisementType",
};
const serviceOnlyForService: Rule = {
  holds: (self) => self.advertisementType === "Service" || self.service === undefined,
  message: "service field is not allowed for non-'Service' advertisementType",
};
const interfaceRequired: Rule = {
  holds: (self) => self.advertisementType !== "Interface" || self.interface !== undefined,
  message: "interface field is required for the 'Interface' advertisementType",
};
const interfaceOnlyForInterface: Rule = {
  holds: (self) => self.advertisementType === "Interface" || self.interface === undefined,
  message: "interface field is not allowed for non-'Interface' advertisementType",
};
const noSelectorForPodCidr: Rule = {
  holds: (self) => self.advertisementType !== "PodCIDR" || self.selector === undefined,
  message: "selector field is not allowed for the 'PodCIDR' advertisementType",
};

function obeys(...rules: Rule[]) {
  return (self: RuleSubject, context: z.core.$RefinementCtx<RuleSubject>): void => {
    for (const { holds, message } of rules) {
      if (!holds(self)) context.addIssue({ code: "custom", message });
    }
  };
}

const advertisementV2 = advertisement.superRefine(
  obeys(
    serviceRequired,
    serviceOnlyForService,
    interfaceRequired,
    interfaceOnlyForInterface,
    noSelectorForPodCidr,
  ),
);

const advertisementV2alpha1 = advertisement
  .omit({ interface: true })
  .extend({ advertisementType: z.enum(["PodCIDR", "CiliumPodIPPool", "Service"]) })
  .superRefine(obeys(serviceRequired, noSelectorForPodCidr));

export const advertisementResourceV2 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.literal("CiliumBGPAdvertisement"),
  metadata,
  spec: z.strictObject({ advertisements: z.array(advertisementV2) }),
});

export const advertisementResourceV2alpha1 = advertisementResourceV2.extend({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  spec: z.strictObject({ advertisements: z.array(advertisementV2alpha1) }),
});

export type CiliumBGPAdvertisement = z.output<typeof advertisementResourceV2>;
/** One entry of `spec.advertisements`. */
export type Advertisement = z.output<typeof advertisement>;
export type AdvertisementAttributes = NonNullable<Advertisement["attributes"]>;
