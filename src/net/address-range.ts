import {
  type Address,
  addressFromBytes,
  addressToBytes,
  type Family,
  familyOf,
} from "./address.ts";
import { addressBits, type Prefix, prefixBase, prefixFamily, prefixLength } from "./prefix.ts";

/** Addresses from first to last, both included, of one family. */
export type AddressRange = { first: Address; last: Address };

/** The address as one number: IPv6 needs 128 bits. */
export function addressNumber(of: Address): bigint {
  let value = 0n;
  for (const byte of addressToBytes(of)) value = (value << 8n) | BigInt(byte);
  return value;
}

export function addressOfNumber(value: bigint, family: Family): Address {
  const bytes = new Uint8Array(addressBits(family) / 8);
  for (let at = bytes.length - 1, rest = value; at >= 0; at--, rest >>= 8n) {
    bytes[at] = Number(rest & 0xffn);
  }
  return addressFromBytes(bytes);
}

/** Every address of the prefix. */
export function rangeOfPrefix(of: Prefix): AddressRange {
  const family = prefixFamily(of);
  const first = prefixBase(of);
  const size = 1n << BigInt(addressBits(family) - prefixLength(of));
  return { first, last: addressOfNumber(addressNumber(first) + size - 1n, family) };
}

export function rangeContains({ first, last }: AddressRange, address: Address): boolean {
  if (familyOf(first) !== familyOf(address)) return false;
  const value = addressNumber(address);
  return addressNumber(first) <= value && value <= addressNumber(last);
}
