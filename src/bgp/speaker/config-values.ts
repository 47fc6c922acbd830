import * as z from "zod";
import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import { type Prefix, parsePrefix } from "../../net/prefix.ts";
import { families, type FamilyName } from "../rib/family.ts";
import { parseCommunity, parseExtendedCommunity, parseLargeCommunity } from "./community-text.ts";

// The values of a speaker's configuration file, each with what is said where it is none.

export const asn = z.int().min(1).max(4294967295);
export const seconds = z.int().min(1).max(65535);
export const port = z.int().min(1).max(65535);
export const uint32 = z.int().min(0).max(4294967295);

/** IFNAMSIZ of linux/if.h, less its end. */
export const interfaceName = z
  .string()
  .regex(/^[^\s/%]{1,15}$/, "expected the name of an interface");

export const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected an IP address, not '${text}'`);
  return z.NEVER;
});

export const ipv4Address = address.refine((of) => familyOf(of) === "ipv4" && of !== "0.0.0.0", {
  error: "expected an IPv4 address other than 0.0.0.0: the BGP Identifier (RFC 6286)",
});

export const prefix = z.string().transform((text, context): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) context.addIssue(`expected an IP prefix, not '${text}'`);
  else if (text !== parsed && parseAddress(text.split("/")[0]!) !== parsed.split("/")[0]) {
    const params = { hint: `did you mean '${parsed}'?` };
    context.addIssue({ code: "custom", message: `'${text}' has host bits set`, params });
  } else return parsed;
  return z.NEVER;
});

export const familyName = z.enum(Object.keys(families) as [FamilyName, ...FamilyName[]]);
export const familySchema = familyName.transform((name) => families[name]);

/** YAML reads `4259840100` as a number and `65010:100` as text. */
const written = z.union([z.string(), z.number()]).transform(String);

export const community = written.transform((text, context): number => {
  const parsed = parseCommunity(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a community such as 65010:100 or no-export, not '${text}'`);
  return z.NEVER;
});

export const largeCommunity = written.transform((text, context): [number, number, number] => {
  const parsed = parseLargeCommunity(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a large community such as 64512:1:2, not '${text}'`);
  return z.NEVER;
});

export const extendedCommunity = written.transform((text, context): Uint8Array => {
  const parsed = parseExtendedCommunity(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(
    `expected an extended community such as rt:65000:100, soo:10.0.0.1:1 or 0x0002fde800000064, not '${text}'`,
  );
  return z.NEVER;
});
