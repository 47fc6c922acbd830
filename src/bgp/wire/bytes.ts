import { type Address, addressFromBytes, addressToBytes, familyOf } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";

/**
 * A value that does not read as its layout says. Whoever knows which message and attribute it stood
 * in decides what that means for the session: this error never leaves the wire folder.
 */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

/** The address read last: all the routes of a peer mostly have one next hop, and share its text. */
let lastIpv4 = 0;
let lastIpv4Text = "0.0.0.0" as Address;

let lastIpv6 = new Uint8Array(16);
let lastIpv6Text = "::" as Address;

function isLastIpv6(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== lastIpv6[i]) return false;
  return true;
}

/** The same of the one written last. */
let lastWritten: Address | undefined;
let lastWrittenBits = 0;

/** Bytes where they stand in others. */
export type ByteRange = {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
};

/** To make one takes as long as to read a whole OPEN. */
const utf8In = new TextDecoder();

/** Reads a range of bytes front to back, never past its end: each read names its field. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(field: string): number {
    return this.#bytes[this.#advance(1, field)]!;
  }

  /** The next byte, not taken; undefined at the end. */
  peekU8(): number | undefined {
    return this.remaining > 0 ? this.#bytes[this.#at] : undefined;
  }

  u16(field: string): number {
    const at = this.#advance(2, field);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  u32(field: string): number {
    const at = this.#advance(4, field);
    const bytes = this.#bytes;
    return (
      ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
    );
  }

  /** A copy: what is kept must not hold on to the stream's buffers. */
  bytes(length: number, field: string): Uint8Array {
    const at = this.#advance(length, field);
    return this.#bytes.slice(at, at + length);
  }

  address(family: "ipv4" | "ipv6", field: string): Address {
    if (family === "ipv4") {
      const value = this.u32(field);
      if (value !== lastIpv4) {
        lastIpv4 = value;
        lastIpv4Text =
          `${value >>> 24}.${(value >>> 16) & 0xff}.${(value >>> 8) & 0xff}.${value & 0xff}` as Address;
      }
      return lastIpv4Text;
    }
    const at = this.#advance(16, field);
    if (!isLastIpv6(this.#bytes, at)) {
      lastIpv6 = this.#bytes.slice(at, at + 16);
      lastIpv6Text = addressFromBytes(lastIpv6);
    }
    return lastIpv6Text;
  }

  /** UTF-8; what is not UTF-8 becomes U+FFFD. */
  text(length: number, field: string): string {
    const at = this.#advance(length, field);
    return utf8In.decode(this.#bytes.subarray(at, at + length));
  }

  /** The next `length` bytes as a range of their own. */
  part(length: number, field: string): ByteReader {
    const at = this.#advance(length, field);
    return new ByteReader(this.#bytes, at, at + length);
  }

  /** The same, read by a reader of the same bytes that was made for another part: there are many short ones in a row. */
  reusePart(length: number, field: string, into: ByteReader): void {
    const at = this.#advance(length, field);
    into.#at = at;
    into.#end = at + length;
  }

  /** What is left, taken as a range of the bytes themselves and not as a copy. */
  takeRest(): ByteRange {
    const rest = this.rest();
    this.#at = this.#end;
    return rest;
  }

  /** The same, not taken. */
  rest(): ByteRange {
    return { bytes: this.#bytes, start: this.#at, end: this.#end };
  }

  /** Passes over what is left. */
  skip(): void {
    this.#at = this.#end;
  }

  #advance(length: number, field: string): number {
    const at = this.#at;
    if (at + length > this.#end) this.#tooShort(length, field);
    this.#at = at + length;
    return at;
  }

  /** Apart, so that what is compiled into every read is short. */
  #tooShort(length: number, field: string): never {
    throw new MalformedError(`${field}: ${length} bytes expected, ${this.remaining} left`);
  }
}

/** Writes front to back into a buffer that grows. */
export class ByteWriter {
  #buffer = new Uint8Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Begins with what was written. Only until something else is. */
  get buffer(): Uint8Array {
    return this.#buffer;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#buffer[at] = value >>> 8;
    this.#buffer[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#buffer[at] = value >>> 24;
    this.#buffer[at + 1] = value >>> 16;
    this.#buffer[at + 2] = value >>> 8;
    this.#buffer[at + 3] = value;
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** A few of others: no view is made of them. */
  range(from: Uint8Array, start: number, end: number): this {
    const at = this.#grow(end - start) - start;
    const buffer = this.#buffer;
    for (let i = start; i < end; i++) buffer[at + i] = from[i]!;
    return this;
  }

  address(value: Address): this {
    if (familyOf(value) === "ipv6") return this.bytes(addressToBytes(value));
    if (value !== lastWritten) {
      const at = this.#grow(4);
      writeDottedQuad(value, this.#buffer, at, at + 4);
      lastWritten = value;
      lastWrittenBits =
        (this.u8At(at) << 24) |
        (this.u8At(at + 1) << 16) |
        (this.u8At(at + 2) << 8) |
        this.u8At(at + 3);
      return this;
    }
    return this.u32(lastWrittenBits);
  }

  /** Leaves so many octets for setU8(). */
  skip(length: number): void {
    this.#grow(length);
  }

  /** Takes back everything after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  u8At(at: number): number {
    return this.#buffer[at]!;
  }

  /** Puts another byte in the place of one that was written. */
  setU8(at: number, value: number): void {
    this.#buffer[at] = value;
  }

  /** Moves all from `at` on by one octet and puts `value` there. */
  insertU8(at: number, value: number): void {
    this.#grow(1);
    this.#buffer.copyWithin(at + 1, at, this.#length - 1);
    this.#buffer[at] = value;
  }

  /** Forgets what was written and keeps the buffer. */
  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  #grow(by: number): number {
    const at = this.#length;
    const needed = at + by;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#length = needed;
    return at;
  }
}

/** Octets of canonical IPv4 text, or of a prefix of it, from `at` to `end`: this is the way that a full table takes. */
export function writeDottedQuad(
  text: Address | Prefix,
  into: Uint8Array,
  at: number,
  end: number,
): void {
  let octet = 0;
  for (let i = 0; at < end; i++) {
    // NaN past the end.
    const digit = text.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) octet = octet * 10 + digit;
    else {
      into[at++] = octet;
      octet = 0;
    }
  }
}
