// MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 §3, §4), with the next hops of RFC 2545 and RFC 8950.
import { type Address, addressToBytes, type Family, familyOf } from "../../net/address.ts";
import { type ByteReader, ByteWriter, MalformedError } from "./bytes.ts";
import type { AfiSafi, CodecOptions } from "./message.ts";
import { decodeNlri, type Nlri } from "./nlri.ts";
import { Afi, familyOfNumbers, Safi } from "./registry.ts";

export type MpReach = { family: AfiSafi; nextHop: Address } & Nlri;
export type MpUnreach = { family: AfiSafi } & Nlri;

const unspecified = "::";

/** Undefined for a family this speaker does not have: such routes are ignored (RFC 4760 §7). */
export function decodeMpReach(value: ByteReader, codec: CodecOptions): MpReach | undefined {
  const family = decodeFamily(value);
  const nextHopLength = value.u8("next hop length");
  const nextHop = value.part(nextHopLength, "next hop");
  value.u8("reserved");
  if (family === undefined) return undefined;
  return {
    family,
    nextHop: decodeNextHop(nextHop, family.afi),
    ...decodeNlri(value, family, codec),
  };
}

export function decodeMpUnreach(value: ByteReader, codec: CodecOptions): MpUnreach | undefined {
  const family = decodeFamily(value);
  return family && { family, ...decodeNlri(value, family, codec) };
}

/** `nlri` as encodeNlri() gives it. */
export function encodeMpReach(family: AfiSafi, nextHop: Address, nlri: Uint8Array): Uint8Array {
  const value = encodeFamily(family);
  return value.u8(addressToBytes(nextHop).length).address(nextHop).u8(0).bytes(nlri).finish();
}

/** `nlri` as encodeNlri() gives it; empty for End-of-RIB. */
export function encodeMpUnreach(family: AfiSafi, nlri: Uint8Array): Uint8Array {
  return encodeFamily(family).bytes(nlri).finish();
}

function encodeFamily({ afi, safi }: AfiSafi): ByteWriter {
  return new ByteWriter().u16(Afi[afi]).u8(Safi[safi]);
}

/** Octets of MP_REACH_NLRI before its prefixes. */
export function mpReachHeadBytes(nextHop: Address): number {
  return 5 + (familyOf(nextHop) === "ipv4" ? 4 : 16);
}

/** Octets of MP_UNREACH_NLRI before its prefixes. */
export const mpUnreachHeadBytes = 3;

function decodeFamily(value: ByteReader): AfiSafi | undefined {
  const afi = value.u16("AFI");
  return familyOfNumbers(afi, value.u8("SAFI"));
}

/** The family is told by the length (RFC 8950 §4). Of a global and a link-local address (RFC 2545 §3) the global one counts where it is set. */
function decodeNextHop(value: ByteReader, afi: Family): Address {
  const length = value.remaining;
  if (length === 4 && afi === "ipv4") return value.address("ipv4", "next hop");
  if (length !== 16 && length !== 32)
    throw new MalformedError(`next hop of ${length} bytes for ${afi}`);
  const global = value.address("ipv6", "next hop");
  if (length === 16) return global;
  const linkLocal = value.address("ipv6", "link-local next hop");
  return global === unspecified ? linkLocal : global;
}
