import { z } from "zod";
import { parseAddress } from "../../net/address.ts";
import { parsePrefix } from "../../net/prefix.ts";

/**
 * Fields that several of Cilium's BGP resources share. What a check says in TypeScript its `meta` says
 * in the words of a CustomResourceDefinition: see structural.ts.
 */
export const asn = z.int().min(1).max(4294967295);
export const peerAsn = z.int().min(0).max(4294967295);
export const port = z.int().min(1).max(65535);
export const instanceOrPeerName = z.string().min(1).max(255);

const octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

/** An IP address, white space around it allowed, and a zone after an IPv6 address. */
export const ipAddress = z
  .string()
  .refine((text) => isAddress(text), {
    error: "must be an IPv4 or IPv6 address",
    params: { code: "InvalidFormat" },
  })
  // Exact for IPv4; for IPv6 the characters only.
  .meta({
    pattern: String.raw`^\s*(${octet}(\.${octet}){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%\S+)?)\s*$`,
  });

/** `format: ipv4`. */
export const ipv4Address = z
  .string()
  .refine((text) => !text.includes(":") && parseAddress(text) !== undefined, {
    error: "must be an IPv4 address",
    params: { code: "InvalidFormat" },
  })
  .meta({ format: "ipv4" });

/** `format: cidr`: an address and a length; host bits may be set. */
export const cidr = z
  .string()
  .refine((text) => parsePrefix(text) !== undefined, {
    error: "must be an address and a prefix length: 10.0.0.0/8",
    params: { code: "InvalidFormat" },
  })
  .meta({ format: "cidr" });

export const afi = z.enum(["ipv4", "ipv6", "l2vpn", "ls", "opaque"]);
export const safi = z.enum([
  "unicast",
  "multicast",
  "mpls_label",
  "encapsulation",
  "vpls",
  "evpn",
  "ls",
  "sr_policy",
  "mup",
  "mpls_vpn",
  "mpls_vpn_multicast",
  "route_target_constraints",
  "flowspec_unicast",
  "flowspec_vpn",
  "key_value",
]);

/** `peerConfigRef` in v2 and, with the two fields that v2 dropped, in v2alpha1. */
export const peerConfigRef = z.strictObject({ name: z.string() });
export const peerConfigRefV2alpha1 = z.strictObject({
  group: z.string().default("cilium.io"),
  kind: z.string().default("CiliumBGPPeerConfig"),
  name: z.string(),
});

const unnumberedRule = {
  rule: "self.mode != 'Unnumbered' || has(self.unnumbered)",
  message: "unnumbered field is required for the 'Unnumbered' mode",
};

/** Of Cilium so far is DefaultGateway only; Unnumbered is as it is proposed there. */
export const autoDiscovery = z
  .strictObject({
    mode: z.enum(["DefaultGateway", "Unnumbered"]),
    defaultGateway: z.strictObject({ addressFamily: z.enum(["ipv4", "ipv6"]) }).exactOptional(),
    /** The router at the other end of this interface, whose address it says itself. */
    unnumbered: z.strictObject({ interface: z.string().min(1).max(255) }).exactOptional(),
  })
  .refine((self) => self.mode !== "Unnumbered" || self.unnumbered !== undefined, {
    error: unnumberedRule.message,
  })
  .meta({ "x-kubernetes-validations": [unnumberedRule] });

/** `x-kubernetes-list-type: map`: no two elements whose `key` is the same. */
export function listMap<Key extends string, Item extends z.ZodType<Record<Key, string>>>(
  key: Key,
  item: Item,
) {
  return z
    .array(item)
    .superRefine((items, context) => {
      const seen = new Set<string>();
      for (const [index, element] of items.entries()) {
        const value = element[key];
        if (seen.has(value)) {
          context.addIssue({
            code: "custom",
            path: [index, key],
            message: `another element already has the ${key} "${value}"`,
            params: { code: "Duplicate" },
          });
        }
        seen.add(value);
      }
    })
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] });
}

function isAddress(text: string): boolean {
  const bare = text.trim();
  const zone = bare.includes(":") ? bare.indexOf("%") : -1;
  if (zone === bare.length - 1) return false;
  return parseAddress(zone < 0 ? bare : bare.slice(0, zone)) !== undefined;
}
