/**
 * IP addresses as canonical text: dotted quad for IPv4, RFC 5952 for IPv6.
 * A value of type Address has been parsed, so two equal addresses are equal strings.
 */
export type Address = string & { readonly address: unique symbol };

export type Family = "ipv4" | "ipv6";

/** The address `text` stands for, or undefined where it is none. A zone (`%eth0`) is refused. */
export function parseAddress(text: string): Address | undefined {
  const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return bytes && addressFromBytes(bytes);
}

/** Like parseAddress, for text that the program itself wrote: throws where it is no address. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new TypeError(`not an IP address: ${text}`);
  return parsed;
}

export function familyOf(of: Address): Family {
  return of.includes(":") ? "ipv6" : "ipv4";
}

/** fe80::/10 (RFC 4291 §2.4). By the text, which is canonical: packets ask it at every hop. */
export function isLinkLocal(of: Address): boolean {
  return linkLocalText.test(of);
}

const linkLocalText = /^fe[89ab][0-9a-f]:/;

/** 4 or 16 bytes in network order. */
export function addressToBytes(of: Address): Uint8Array {
  return (of.includes(":") ? parseIpv6(of) : parseIpv4(of))!;
}

/** Of 4 or 16 bytes in network order. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length === 4) return bytes.join(".") as Address;
  if (bytes.length === 16) return formatIpv6(bytes) as Address;
  throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
}

/** The address `offset` places after `of`. Throws RangeError past the end of the address space. */
export function addressAfter(of: Address, offset: number): Address {
  const bytes = addressToBytes(of);
  let carry = offset;
  for (let i = bytes.length - 1; i >= 0 && carry > 0; i--) {
    carry += bytes[i]!;
    bytes[i] = carry & 0xff;
    carry = Math.floor(carry / 256);
  }
  if (carry > 0) throw new RangeError(`no address ${offset} after ${of}`);
  return addressFromBytes(bytes);
}

const dot = 0x2e;
const digitZero = 0x30;
const digitNine = 0x39;

function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let octets = 0;
  let digits = 0;
  let octet = 0;
  // Digit by digit: addresses are read by the hundred thousand.
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? dot : text.charCodeAt(i);
    if (code === dot) {
      if (digits === 0 || octets === 4) return undefined;
      bytes[octets++] = octet;
      digits = 0;
      octet = 0;
      continue;
    }
    if (code < digitZero || code > digitNine || (digits > 0 && octet === 0)) return undefined;
    digits++;
    octet = 10 * octet + code - digitZero;
    if (octet > 255) return undefined;
  }
  return octets === 4 ? bytes : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groups(halves[0]!);
  const tail = halves.length === 2 ? groups(halves[1]!) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [i, group] of all.entries()) {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  }
  return bytes;
}

/** Groups of one side of `::`; a dotted quad at its end counts as two (RFC 4291 §2.2). */
function groups(side: string): number[] | undefined {
  if (side === "") return [];
  const found: number[] = [];
  const parts = side.split(":");
  for (const [i, part] of parts.entries()) {
    if (part.includes(".") && i === parts.length - 1) {
      const quad = parseIpv4(part);
      if (!quad) return undefined;
      found.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) found.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return found;
}

/** RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups as `::`. */
function formatIpv6(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && words[i + run] === 0) run++;
    if (run > length) {
      start = i;
      length = run;
    }
  }
  const hex = (part: number[]) => part.map((word) => word.toString(16)).join(":");
  if (start < 0) return hex(words);
  return `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}
