import {
  type Address,
  addressFromBytes,
  addressToBytes,
  type Family,
  familyOf,
  parseAddress,
} from "./address.ts";

/** A prefix as canonical text, host bits zero: `10.1.0.0/16`, `fd00::/64`. Equal prefixes are equal strings. */
export type Prefix = string & { readonly prefix: unique symbol };

/**
 * The prefix `text` stands for, or undefined where it is none. Host bits are cleared: the caller
 * that must refuse them compares the result with what was written.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const base = parseAddress(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (base === undefined || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > addressBits(familyOf(base))) return undefined;
  return prefixOf(base, length);
}

/** Like parsePrefix, for text that the program itself wrote: throws where it is no prefix. */
export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new TypeError(`not an IP prefix: ${text}`);
  return parsed;
}

/** The prefix of that length around an address. */
export function prefixOf(base: Address, length: number): Prefix {
  const bytes = addressToBytes(base);
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.min(8, Math.max(0, length - 8 * i));
    bytes[i] = bytes[i]! & (0xff << (8 - keep));
  }
  return `${addressFromBytes(bytes)}/${length}` as Prefix;
}

export function prefixLength(of: Prefix): number {
  return Number(of.slice(of.indexOf("/") + 1));
}

/** The first address of the prefix. */
export function prefixBase(of: Prefix): Address {
  return of.slice(0, of.indexOf("/")) as Address;
}

export function prefixFamily(of: Prefix): Family {
  return of.includes(":") ? "ipv6" : "ipv4";
}

/** Where a packet goes that no other route leads to. */
export const defaultRoutes: Record<Family, Prefix> = {
  ipv4: "0.0.0.0/0" as Prefix,
  ipv6: "::/0" as Prefix,
};

/** 32 or 128. */
export function addressBits(family: Family): number {
  return family === "ipv4" ? 32 : 128;
}

/** Whether the address, or every address of the inner prefix, lies in `outer`. */
export function prefixContains(outer: Prefix, inner: Address | Prefix): boolean {
  const length = prefixLength(outer);
  const slash = inner.indexOf("/");
  if (slash >= 0 && Number(inner.slice(slash + 1)) < length) return false;
  const base = (slash < 0 ? inner : inner.slice(0, slash)) as Address;
  const family = familyOf(base);
  if (family !== prefixFamily(outer)) return false;
  // Asked of every UPDATE: no text is made.
  if (family === "ipv4") return length === 0 || (bits(base) ^ bits(outer)) >>> (32 - length) === 0;
  return prefixOf(base, length) === outer;
}

/** Of canonical IPv4 text, up to its length where it has one. */
function bits(text: Address | Prefix): number {
  let all = 0;
  let octet = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit >= 0) octet = octet * 10 + digit;
    else if (digit === slashDigit) break;
    else {
      all = (all << 8) | octet;
      octet = 0;
    }
  }
  return (all << 8) | octet;
}

/** A slash, where digits are counted from 0 and a dot is another one below. */
const slashDigit = -1;

/** The nth subnet of length `length` inside `of`, or undefined where `of` has no such subnet. */
export function subnet(of: Prefix, length: number, n: number): Prefix | undefined {
  const own = prefixLength(of);
  if (length < own || length > addressBits(prefixFamily(of)) || n >= 2 ** (length - own)) {
    return undefined;
  }
  const bytes = addressToBytes(prefixBase(of));
  let value = BigInt(n) << BigInt(bytes.length * 8 - length);
  for (let i = bytes.length - 1; i >= 0 && value > 0n; i--) {
    bytes[i] = bytes[i]! | Number(value & 0xffn);
    value >>= 8n;
  }
  return `${addressFromBytes(bytes)}/${length}` as Prefix;
}
