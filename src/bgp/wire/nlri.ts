import { addressBits } from "../../net/prefix.ts";
import { addressFromBytes, addressToBytes, type Family } from "../../net/address.ts";
import { type Prefix, prefixBase, prefixFamily, prefixLength } from "../../net/prefix.ts";
import { type ByteRange, ByteReader, MalformedError, writeDottedQuad } from "./bytes.ts";
import type { AfiSafi, CodecOptions } from "./message.ts";
import { hasFamily } from "./registry.ts";
import type { PrefixSource } from "./update-packer.ts";

const pathIdBytes = 4;

/** Prefixes, each with its Path Identifier where the session numbers the family's paths (RFC 7911). */
export type Nlri = { prefixes: Prefix[]; pathIds?: number[] };

/**
 * The same as it stands in a message, checked but not decoded: a full table is half a million prefixes,
 * and a RIB finds its routes by the bytes (rib/prefix-table.ts). Trailing bits are as they came.
 */
export type NlriField = ByteRange & {
  readonly family: AfiSafi;
  /** Four octets of Path Identifier before each prefix (RFC 7911 §3). */
  readonly isNumbered: boolean;
};

/**
 * Prefixes to the end of the range (RFC 4271 §4.3): a length in bits, then as many octets as hold them.
 * Where the family's paths are numbered, four octets before each (RFC 7911 §3). Throws MalformedError.
 */
export function readNlri(reader: ByteReader, family: AfiSafi, codec: CodecOptions): NlriField {
  const bitsMax = addressBits(family.afi);
  const isNumbered = hasFamily(codec.pathIdsIn, family);
  const { bytes, start, end } = reader.takeRest();
  let at = start;
  while (at < end) {
    if (isNumbered) {
      if (at + pathIdBytes > end) throw new MalformedError("Path Identifier cut off");
      at += pathIdBytes;
    }
    if (at === end) throw new MalformedError("prefix length: nothing left");
    const length = bytes[at]!;
    if (length > bitsMax)
      throw new MalformedError(`prefix of ${length} bits, more than ${bitsMax}`);
    at += 1 + ((length + 7) >> 3);
  }
  if (at > end) throw new MalformedError(`prefix: ${at - end} bytes too few`);
  return { family, bytes, start, end, isNumbered };
}

export function isEmptyNlri({ start, end }: NlriField): boolean {
  return start === end;
}

/** The values of a field. Trailing bits are ignored. */
export function decodeNlri({ family, bytes, start, end, isNumbered }: NlriField): Nlri {
  const addressBytes = addressBits(family.afi) / 8;
  const reader = new ByteReader(bytes, start, end);
  const prefixes: Prefix[] = [];
  const pathIds: number[] = [];
  while (reader.remaining > 0) {
    if (isNumbered) pathIds.push(reader.u32("Path Identifier"));
    const length = reader.u8("prefix length");
    const base = new Uint8Array(addressBytes);
    const octets = (length + 7) >> 3;
    base.set(reader.bytes(octets, "prefix"));
    if ((length & 7) !== 0) base[octets - 1]! &= 0xff << (8 - (length & 7));
    prefixes.push(`${addressFromBytes(base)}/${length}` as Prefix);
  }
  return isNumbered ? { prefixes, pathIds } : { prefixes };
}

/**
 * The prefixes for an UPDATE (update-packer.ts). Throws TypeError without the Path Identifiers that the
 * session wants; writing does for a prefix of the other family.
 */
export function nlriSource(
  { prefixes, pathIds }: Nlri,
  family: AfiSafi,
  codec: CodecOptions,
): PrefixSource {
  const isNumbered = hasFamily(codec.pathIdsOut, family);
  if (isNumbered && pathIds?.length !== prefixes.length) {
    throw new TypeError(`${prefixes.length} prefixes and ${pathIds?.length} path identifiers`);
  }
  return {
    count: prefixes.length,
    write(i, into, at) {
      const start = isNumbered ? writePathId(pathIds![i]!, into, at) : at;
      const bytes = encodePrefix(prefixes[i]!, family.afi);
      into.set(bytes, start);
      return start + bytes.length;
    },
  };
}

/** RFC 7911 §3. Returns where it ends. */
export function writePathId(pathId: number, into: Uint8Array, at: number): number {
  into[at] = pathId >>> 24;
  into[at + 1] = pathId >>> 16;
  into[at + 2] = pathId >>> 8;
  into[at + 3] = pathId;
  return at + pathIdBytes;
}

/** Length and as many octets as hold the prefix. Throws TypeError for one of the other family. */
export function encodePrefix(prefix: Prefix, family: Family): Uint8Array {
  if (prefixFamily(prefix) !== family) throw new TypeError(`${prefix} is not ${family}`);
  const length = prefixLength(prefix);
  const bytes = new Uint8Array(1 + ((length + 7) >> 3));
  bytes[0] = length;
  if (family === "ipv4") writeDottedQuad(prefix, bytes, 1, bytes.length);
  else bytes.set(addressToBytes(prefixBase(prefix)).subarray(0, bytes.length - 1), 1);
  return bytes;
}
