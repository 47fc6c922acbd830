import { addressBits } from "../../net/prefix.ts";
import { addressFromBytes, addressToBytes, type Family } from "../../net/address.ts";
import { type Prefix, prefixBase, prefixFamily, prefixLength } from "../../net/prefix.ts";
import { type ByteReader, ByteWriter, MalformedError } from "./bytes.ts";
import { NoRoomError } from "./error.ts";
import type { AfiSafi, CodecOptions } from "./message.ts";
import { hasFamily } from "./registry.ts";

const pathIdBytes = 4;

/** Prefixes, each with its Path Identifier where the session numbers the family's paths (RFC 7911). */
export type Nlri = { prefixes: Prefix[]; pathIds?: number[] };

/**
 * Prefixes to the end of the range (RFC 4271 §4.3): a length in bits, then as many octets as hold them.
 * Trailing bits are ignored. Where the family's paths are numbered, four octets before each (RFC 7911 §3).
 */
export function decodeNlri(reader: ByteReader, family: AfiSafi, codec: CodecOptions): Nlri {
  const bitsMax = addressBits(family.afi);
  const prefixes: Prefix[] = [];
  const pathIds: number[] | undefined = hasFamily(codec.pathIdsIn, family) ? [] : undefined;
  while (reader.remaining > 0) {
    pathIds?.push(reader.u32("Path Identifier"));
    const length = reader.u8("prefix length");
    if (length > bitsMax)
      throw new MalformedError(`prefix of ${length} bits, more than ${bitsMax}`);
    const bytes = new Uint8Array(bitsMax / 8);
    const octets = (length + 7) >> 3;
    bytes.set(reader.bytes(octets, "prefix"));
    if ((length & 7) !== 0) bytes[octets - 1]! &= 0xff << (8 - (length & 7));
    prefixes.push(`${addressFromBytes(bytes)}/${length}` as Prefix);
  }
  return pathIds === undefined ? { prefixes } : { prefixes, pathIds };
}

/**
 * The prefixes as on the wire, in order, cut between prefixes into pieces of at most `bytesMax`.
 * Throws NoRoomError where not even one fits, TypeError for a prefix of the other family, or without
 * the Path Identifiers that the session wants.
 */
export function encodeNlri(
  { prefixes, pathIds }: Nlri,
  family: AfiSafi,
  codec: CodecOptions,
  bytesMax: number,
): Uint8Array[] {
  const isNumbered = hasFamily(codec.pathIdsOut, family);
  if (isNumbered && pathIds?.length !== prefixes.length) {
    throw new TypeError(`${prefixes.length} prefixes and ${pathIds?.length} path identifiers`);
  }
  const pieces: Uint8Array[] = [];
  const piece = new ByteWriter();
  for (const [i, prefix] of prefixes.entries()) {
    const bytes = encodePrefix(prefix, family.afi);
    const length = bytes.length + (isNumbered ? pathIdBytes : 0);
    if (length > bytesMax) throw new NoRoomError(`no room in the message for ${prefix}`);
    if (piece.length + length > bytesMax) {
      pieces.push(piece.finish());
      piece.clear();
    }
    if (isNumbered) piece.u32(pathIds![i]!);
    piece.bytes(bytes);
  }
  if (piece.length > 0) pieces.push(piece.finish());
  return pieces;
}

/** Length and as many octets as hold the prefix. Throws TypeError for one of the other family. */
export function encodePrefix(prefix: Prefix, family: Family): Uint8Array {
  if (prefixFamily(prefix) !== family) throw new TypeError(`${prefix} is not ${family}`);
  const length = prefixLength(prefix);
  const bytes = new Uint8Array(1 + ((length + 7) >> 3));
  bytes[0] = length;
  if (family === "ipv4") writeDottedQuad(prefix, bytes);
  else bytes.set(addressToBytes(prefixBase(prefix)).subarray(0, bytes.length - 1), 1);
  return bytes;
}

/** From octet 1 on, as far as `into` goes. A Prefix is canonical text: this is the path that a full table takes. */
function writeDottedQuad(prefix: Prefix, into: Uint8Array): void {
  let octet = 0;
  let at = 1;
  for (let i = 0; at < into.length; i++) {
    const digit = prefix.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) octet = octet * 10 + digit;
    else {
      into[at++] = octet;
      octet = 0;
    }
  }
}
