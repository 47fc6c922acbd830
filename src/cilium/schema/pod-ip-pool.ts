import { z } from "zod";
import { addressBits, type Prefix, prefixFamily, prefixLength } from "../../net/prefix.ts";
import { cidr } from "./fields.ts";
import { labelSelector } from "./label-selector.ts";
import { metadata } from "./metadata.ts";

/** A rule about an update: the field stays as it was made. `path` within the object. */
export type Immutable = { path: readonly string[]; message: string };

const immutable = (field: string) => {
  const message = `${field} is immutable`;
  return { message, meta: { "x-kubernetes-validations": [{ rule: "self == oldSelf", message }] } };
};

const flag = (field: string) => z.boolean().default(false).meta(immutable(field).meta);
const maskSize = (bits: number) => z.int().min(1).max(bits).meta(immutable("maskSize").meta);

export const podIpPoolImmutable: readonly Immutable[] = [
  ["spec", "allowFirstIP"],
  ["spec", "allowLastIP"],
  ["spec", "ipv4", "maskSize"],
  ["spec", "ipv6", "maskSize"],
].map((path) => ({ path, message: immutable(path.at(-1)!).message }));

const familyV2alpha1 = (bits: number) =>
  z.strictObject({ cidrs: z.array(cidr).min(1), maskSize: maskSize(bits) });

const poolRule = {
  rule: "!has(self.pool) || self.pool.all(p, p.cidr in self.cidrs)",
  message: "If pool is set, each pool entry must reference a CIDR from cidrs",
};

const pool = z.strictObject({
  cidr,
  reservedRanges: z.array(z.strictObject({ start: z.string(), end: z.string() })).exactOptional(),
});

const familyV2 = (bits: number) =>
  z
    .strictObject({
      cidrs: z.array(cidr).min(1).max(32),
      maskSize: maskSize(bits),
      pool: z
        .array(pool)
        .max(32)
        .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["cidr"] })
        .exactOptional(),
    })
    .refine((self) => (self.pool ?? []).every((entry) => self.cidrs.includes(entry.cidr)), {
      error: poolRule.message,
    })
    .meta({ "x-kubernetes-validations": [poolRule] });

const spec = z.strictObject({
  allowFirstIP: flag("allowFirstIP"),
  allowLastIP: flag("allowLastIP"),
  ipv4: familyV2alpha1(32).exactOptional(),
  ipv6: familyV2alpha1(128).exactOptional(),
  namespaceSelector: labelSelector.exactOptional(),
  podSelector: labelSelector.exactOptional(),
});

export const podIpPoolV2alpha1 = z.strictObject({
  apiVersion: z.literal("cilium.io/v2alpha1"),
  kind: z.literal("CiliumPodIPPool"),
  metadata,
  spec,
});

/** Defined by Cilium, but served by no release yet. */
export const podIpPoolV2 = podIpPoolV2alpha1.extend({
  apiVersion: z.literal("cilium.io/v2"),
  spec: spec.extend({ ipv4: familyV2(32).exactOptional(), ipv6: familyV2(128).exactOptional() }),
});

export type CiliumPodIPPool = z.output<typeof podIpPoolV2alpha1>;

/**
 * Which addresses of a pool's CIDR pods may have, from the `first`th to the `last`th: all of a CIDR of one
 * or two, else neither its first nor its last one, unless the pool allows them.
 */
export function usableOffsets(
  of: Prefix,
  allowed: Partial<Pick<CiliumPodIPPool["spec"], "allowFirstIP" | "allowLastIP">> = {},
): { first: number; last: number } {
  const size = 2 ** (addressBits(prefixFamily(of)) - prefixLength(of));
  if (size <= 2) return { first: 0, last: size - 1 };
  return { first: allowed.allowFirstIP ? 0 : 1, last: size - (allowed.allowLastIP ? 1 : 2) };
}
