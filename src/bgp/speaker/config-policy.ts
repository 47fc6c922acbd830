import * as z from "zod";
import { addressBits, type Prefix, prefixFamily, prefixLength } from "../../net/prefix.ts";
import { asPathRegex } from "../rib/policy-match.ts";
import {
  address,
  asn,
  community,
  extendedCommunity,
  largeCommunity,
  prefix,
  uint32,
} from "./config-values.ts";

// Import and export policies as a speaker's configuration file writes them (rib/policy.ts).

export const communityListsSchema = z.strictObject({
  communities: z.array(community).optional(),
  largeCommunities: z.array(largeCommunity).optional(),
  extendedCommunities: z.array(extendedCommunity).optional(),
});

export const setSchema = communityListsSchema.extend({
  localPref: uint32.optional(),
  med: uint32.optional(),
  // With the one prepending that RFC 4271 §5.1.2 asks for, a full AS_PATH segment.
  asPathPrepend: z.int().min(0).max(254).optional(),
  nextHop: z.union([z.literal("self"), address]).optional(),
  remove: communityListsSchema.optional(),
  replace: communityListsSchema.optional(),
});

function setMatch<T extends z.ZodType>(element: T) {
  const list = z.array(element).min(1).optional();
  return z.strictObject({ any: list, all: list, none: list }).optional();
}

const length = z.int().min(0).max(128);

/** A prefix alone, or with the range of lengths that match inside it. */
export const prefixRangeSchema = z.union([
  prefix.transform((of): { prefix: Prefix; minLength?: number; maxLength?: number } => ({
    prefix: of,
  })),
  z
    .strictObject({ prefix, minLength: length.optional(), maxLength: length.optional() })
    .superRefine((range, context) => {
      const own = prefixLength(range.prefix);
      const { minLength: min = own, maxLength: max = Math.max(own, min) } = range;
      const most = addressBits(prefixFamily(range.prefix));
      if (min >= own && max >= min && max <= most) return;
      context.addIssue(
        `expected ${own} <= minLength <= maxLength <= ${most} inside ${range.prefix}, not ${min} and ${max}`,
      );
    }),
]);

const regex = z.string().superRefine((text, context) => {
  try {
    asPathRegex(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    context.addIssue(`expected a regular expression: ${error.message}`);
  }
});

export const asPathMatchSchema = z.strictObject({
  contains: z.array(asn).min(1).optional(),
  beginsWith: asn.optional(),
  endsWith: asn.optional(),
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  regex: regex.optional(),
});

export const matchSchema = z.strictObject({
  prefixRanges: z.array(prefixRangeSchema).min(1).optional(),
  neighbors: z.array(z.string().min(1)).min(1).optional(),
  originated: z.boolean().optional(),
  origin: z
    .array(z.enum(["igp", "egp", "incomplete"]))
    .min(1)
    .optional(),
  communities: setMatch(community),
  largeCommunities: setMatch(largeCommunity),
  extendedCommunities: setMatch(extendedCommunity),
  asPath: asPathMatchSchema.optional(),
});

export const statementSchema = z.strictObject({
  name: z.string().min(1),
  prefixes: z.array(prefix).optional(),
  match: matchSchema.optional(),
  action: z.enum(["accept", "reject"]).default("accept"),
  set: setSchema.optional(),
});

/** Statements with names of their own: a name is all that logs and `explain` say of one. */
export const policySchema = z.array(statementSchema).superRefine((statements, context) => {
  for (const [index, { name }] of statements.entries()) {
    const first = statements.findIndex((other) => other.name === name);
    if (first !== index) {
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: `${name} is the name of statement ${first} already`,
      });
    }
  }
});

/** There is no `self` to reach a route by that comes in. */
export const importPolicySchema = z.union([
  z.enum(["accept", "reject"]),
  policySchema.superRefine((statements, context) => {
    for (const [index, { set }] of statements.entries()) {
      if (set?.nextHop !== "self") continue;
      context.addIssue({
        code: "custom",
        path: [index, "set", "nextHop"],
        message: "'self' is for export policies",
      });
    }
  }),
]);
