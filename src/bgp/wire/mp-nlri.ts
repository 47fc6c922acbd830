// MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 §3, §4), with the next hops of RFC 2545 and RFC 8950.
import { type Address, type Family, familyOf } from "../../net/address.ts";
import { type ByteReader, MalformedError } from "./bytes.ts";
import type { AfiSafi, CodecOptions } from "./message.ts";
import { type NlriField, readNlri } from "./nlri.ts";
import { familyOfNumbers } from "./registry.ts";

export type MpReach = NlriField & { readonly nextHop: Address };

const unspecified = "::";

/** Undefined for a family this speaker does not have: such routes are ignored (RFC 4760 §7). */
export function decodeMpReach(value: ByteReader, codec: CodecOptions): MpReach | undefined {
  const family = decodeFamily(value);
  const nextHopLength = value.u8("next hop length");
  const nextHop = value.part(nextHopLength, "next hop");
  value.u8("reserved");
  if (family === undefined) return undefined;
  return {
    nextHop: decodeNextHop(nextHop, family.afi, codec),
    ...readNlri(value, family, codec),
  };
}

export function decodeMpUnreach(value: ByteReader, codec: CodecOptions): NlriField | undefined {
  const family = decodeFamily(value);
  return family && readNlri(value, family, codec);
}

function decodeFamily(value: ByteReader): AfiSafi | undefined {
  const afi = value.u16("AFI");
  return familyOfNumbers(afi, value.u8("SAFI"));
}

/**
 * The family is told by the length (RFC 8950 §4). Of a global and a link-local address (RFC 2545 §3) the global
 * one counts where it is set, but not between link-local addresses: it may be on no link of ours.
 */
function decodeNextHop(
  value: ByteReader,
  afi: Family,
  { unnumbered }: Pick<CodecOptions, "unnumbered">,
): Address {
  const length = value.remaining;
  if (length === 4 && afi === "ipv4") return value.address("ipv4", "next hop");
  if (length !== 16 && length !== 32)
    throw new MalformedError(`next hop of ${length} bytes for ${afi}`);
  const global = value.address("ipv6", "next hop");
  if (length === 16) return global;
  const linkLocal = value.address("ipv6", "link-local next hop");
  const isSet = linkLocal !== unspecified;
  return global === unspecified || (unnumbered && isSet) ? linkLocal : global;
}

/** Whether a next hop can be one: RFC 4271 §6.3 asks for a host, so no unspecified address, multicast or class E. */
export function isHost(nextHop: Address): boolean {
  if (familyOf(nextHop) === "ipv6") return nextHop !== unspecified && !/^ff..:/.test(nextHop);
  const first = Number.parseInt(nextHop, 10);
  return first > 0 && first < 224;
}
