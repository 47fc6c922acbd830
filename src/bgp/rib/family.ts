import { type Prefix, prefixFamily } from "../../net/prefix.ts";
import type { AfiSafi } from "../wire/message.ts";
import { ipv4Unicast, ipv6Unicast } from "../wire/registry.ts";

/** An address family as text, the key of every per-family map: `ipv4/unicast`. */
export type FamilyName = `${AfiSafi["afi"]}/${AfiSafi["safi"]}`;

/** The families a RIB can hold. */
export const families: Readonly<Record<FamilyName, AfiSafi>> = {
  "ipv4/unicast": ipv4Unicast,
  "ipv6/unicast": ipv6Unicast,
};

export function familyName(of: AfiSafi): FamilyName {
  return `${of.afi}/${of.safi}`;
}

export function familyNameOfPrefix(of: Prefix): FamilyName {
  return `${prefixFamily(of)}/unicast`;
}
