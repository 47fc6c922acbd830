import { z } from "zod";
import { communities } from "./community-fields.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

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

type Rule = { holds: (self: RuleSubject) => boolean; cel: string; message: string };
type RuleSubject = Partial<Record<"service" | "interface" | "selector", unknown>> & {
  advertisementType: string;
};

/** The CEL rules (x-kubernetes-validations) of one entry. */
const serviceRequired: Rule = {
  holds: (self) => self.advertisementType !== "Service" || self.service !== undefined,
  cel: "self.advertisementType != 'Service' || has(self.service)",
  message: "service field is required for the 'Service' advertisementType",
};
const serviceOnlyForService: Rule = {
  holds: (self) => self.advertisementType === "Service" || self.service === undefined,
  cel: "self.advertisementType == 'Service' || !has(self.service)",
  message: "service field is not allowed for non-'Service' advertisementType",
};
const interfaceRequired: Rule = {
  holds: (self) => self.advertisementType !== "Interface" || self.interface !== undefined,
  cel: "self.advertisementType != 'Interface' || has(self.interface)",
  message: "interface field is required for the 'Interface' advertisementType",
};
const interfaceOnlyForInterface: Rule = {
  holds: (self) => self.advertisementType === "Interface" || self.interface === undefined,
  cel: "self.advertisementType == 'Interface' || !has(self.interface)",
  message: "interface field is not allowed for non-'Interface' advertisementType",
};
const noSelectorForPodCidr: Rule = {
  holds: (self) => self.advertisementType !== "PodCIDR" || self.selector === undefined,
  cel: "self.advertisementType != 'PodCIDR' || !has(self.selector)",
  message: "selector field is not allowed for the 'PodCIDR' advertisementType",
};

function obeying<Entry extends z.ZodType<RuleSubject>>(
  entry: Entry,
  rules: readonly Rule[],
): Entry {
  return entry
    .superRefine((self, context) => {
      for (const { holds, message } of rules) {
        if (!holds(self)) context.addIssue({ code: "custom", message });
      }
    })
    .meta({
      "x-kubernetes-validations": rules.map(({ cel, message }) => ({ rule: cel, message })),
    });
}

const advertisementV2 = obeying(advertisement, [
  serviceRequired,
  serviceOnlyForService,
  interfaceRequired,
  interfaceOnlyForInterface,
  noSelectorForPodCidr,
]);

const advertisementV2alpha1 = obeying(
  advertisement
    .omit({ interface: true })
    .extend({ advertisementType: z.enum(["PodCIDR", "CiliumPodIPPool", "Service"]) }),
  [serviceRequired, noSelectorForPodCidr],
);

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
