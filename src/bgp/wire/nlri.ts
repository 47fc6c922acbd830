import { addressBits } from "../../net/prefix.ts";
import { addressFromBytes, addressToBytes, type Family } from "../../net/address.ts";
import { type Prefix, prefixBase, prefixFamily, prefixLength } from "../../net/prefix.ts";
import { type ByteReader, ByteWriter, MalformedError } from "./bytes.ts";
import { NoRoomError } from "./error.ts";

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

/**
 * The prefixes as on the wire, in order, cut between prefixes into pieces of at most `bytesMax`.
 * Throws NoRoomError where not even one fits, TypeError for a prefix of the other family.
 */
export function encodePrefixes(prefixes: Prefix[], family: Family, bytesMax: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const piece = new ByteWriter();
  for (const prefix of prefixes) {
    const bytes = encodePrefix(prefix, family);
    if (bytes.length > bytesMax) throw new NoRoomError(`no room in the message for ${prefix}`);
    if (piece.length + bytes.length > bytesMax) {
      pieces.push(piece.finish());
      piece.clear();
    }
    piece.bytes(bytes);
  }
  if (piece.length > 0) pieces.push(piece.finish());
  return pieces;
}

function encodePrefix(prefix: Prefix, family: Family): Uint8Array {
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
