import { addressBits } from "../../net/prefix.ts";
import { addressFromBytes, addressToBytes, type Family } from "../../net/address.ts";
import { type Prefix, prefixBase, prefixFamily, prefixLength } from "../../net/prefix.ts";
import { type ByteReader, type ByteWriter, MalformedError } from "./bytes.ts";

/** Prefixes to the end of the range (RFC 4271 §4.3): a length in bits, then as many octets as hold them. Trailing bits are ignored. */
export function decodePrefixes(reader: ByteReader, family: Family): Prefix[] {
  const bitsMax = addressBits(family);
  const prefixes: Prefix[] = [];
  while (reader.remaining > 0) {
    const length = reader.u8("prefix length");
    if (length > bitsMax)
      throw new MalformedError(`prefix of ${length} bits, more than ${bitsMax}`);
    const bytes = new Uint8Array(bitsMax / 8);
    const octets = (length + 7) >> 3;
    bytes.set(reader.bytes(octets, "prefix"));
    if ((length & 7) !== 0) bytes[octets - 1]! &= 0xff << (8 - (length & 7));
    prefixes.push(`${addressFromBytes(bytes)}/${length}` as Prefix);
  }
  return prefixes;
}

/** How many octets the prefix takes on the wire. */
export function prefixWireBytes(of: Prefix): number {
  return 1 + ((prefixLength(of) + 7) >> 3);
}

export function encodePrefix(writer: ByteWriter, of: Prefix): void {
  const length = prefixLength(of);
  writer.u8(length).bytes(addressToBytes(prefixBase(of)).subarray(0, (length + 7) >> 3));
}

/**
 * The prefixes in groups that take at most `bytesMax` each, in order.
 * Throws RangeError where not even one fits, TypeError for a prefix of the other family.
 */
export function groupPrefixes(prefixes: Prefix[], family: Family, bytesMax: number): Prefix[][] {
  const groups: Prefix[][] = [];
  let group: Prefix[] = [];
  let room = bytesMax;
  for (const prefix of prefixes) {
    if (prefixFamily(prefix) !== family) throw new TypeError(`${prefix} is not ${family}`);
    const bytes = prefixWireBytes(prefix);
    if (bytes > bytesMax) throw new RangeError(`no room in the message for ${prefix}`);
    if (bytes > room) {
      groups.push(group);
      group = [];
      room = bytesMax;
    }
    group.push(prefix);
    room -= bytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
