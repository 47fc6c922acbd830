import { type Address, addressToBytes, familyOf } from "../../net/address.ts";
import { NoRoomError } from "./error.ts";
import type { AfiSafi, CodecOptions } from "./message.ts";
import { Afi, AttributeCode, AttributeFlag, headerBytes, MessageType, Safi } from "./registry.ts";

/** Prefixes to write, from wherever they are. */
export type PrefixSource = {
  readonly count: number;
  /** Writes the i-th as on the wire, with its Path Identifier where there is one; returns where it ends. */
  write(i: number, into: Uint8Array, at: number): number;
};

/** Flags, type and a length of two octets. */
const extendedHeaderBytes = 4;
/** The longest that a PrefixSource writes: Path Identifier, length, IPv6 address. */
const prefixBytesMax = 4 + 1 + 16;
/** AFI and SAFI. */
const familyBytesLength = 3;
const empty = new Uint8Array();
/** What the last packer wrote into: the next one goes on with it. */
let spare = new Uint8Array(4096);
/** A larger one is let go of. */
const spareBytesMax = 1 << 18;

/**
 * Writes UPDATEs one after the other into one buffer, each as full as it may be (RFC 4271 §4.3), so that
 * what goes out at once is one piece of memory, however many messages and receivers it has.
 */
export class UpdatePacker {
  readonly #messageBytesMax: number;
  #buffer: Uint8Array<ArrayBuffer>;
  #at = 0;
  /** Where the message begins that is being written. */
  #begin = 0;
  readonly #ends: number[] = [];

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
    this.#buffer = spare;
    spare = empty;
  }

  /** Bytes written since the last take. */
  get length(): number {
    return this.#at;
  }

  /** IPv4 in the UPDATE's own field, whatever next hop it was announced with; IPv6 in MP_UNREACH_NLRI. */
  withdraw(family: AfiSafi, prefixes: PrefixSource): void {
    if (family.afi === "ipv6") {
      this.#inAttribute(AttributeCode.mpUnreachNlri, familyBytes(family), empty, prefixes);
      return;
    }
    let next = 0;
    while (next < prefixes.count) {
      this.#beginMessage(0);
      const start = (this.#at += 2);
      next = this.#prefixes(prefixes, next, 2);
      this.#setU16(start - 2, this.#at - start);
      this.#u16(0);
      this.#endMessage();
    }
  }

  /**
   * IPv4 with an IPv4 next hop in the UPDATE's own field; IPv6, and IPv4 with an IPv6 next hop (RFC 8950),
   * in MP_REACH_NLRI. `attributes`: all but that one; NEXT_HOP is among them where the prefixes stand in
   * the own field. Throws NoRoomError where they leave no room for a prefix: then nothing was written.
   */
  announce(
    family: AfiSafi,
    { address: nextHop, linkLocal }: NextHopOut,
    attributes: Uint8Array,
    prefixes: PrefixSource,
  ): void {
    if (attributes.length > 0xffff) {
      throw new NoRoomError(`path attributes of ${attributes.length} bytes`);
    }
    if (!inOwnField(family, nextHop)) {
      const head = mpReachHead(family, nextHop, linkLocal);
      this.#inAttribute(AttributeCode.mpReachNlri, head, attributes, prefixes);
      return;
    }
    let next = 0;
    while (next < prefixes.count) {
      this.#beginMessage(attributes.length);
      this.#u16(0);
      this.#u16(attributes.length);
      this.#bytes(attributes);
      next = this.#prefixes(prefixes, next, 0);
      this.#endMessage();
    }
  }

  /** RFC 4724 §2: for IPv4 unicast an UPDATE without anything, else one with an empty MP_UNREACH_NLRI. */
  endOfRib(family: AfiSafi): void {
    this.#beginMessage(0);
    this.#u16(0);
    if (family.afi === "ipv4") this.#u16(0);
    else {
      this.#u16(3 + familyBytesLength);
      this.#bytes(
        Uint8Array.of(AttributeFlag.optional, AttributeCode.mpUnreachNlri, familyBytesLength),
      );
      this.#bytes(familyBytes(family));
    }
    this.#endMessage();
  }

  /** A copy of all that was written; what is written next begins anew. */
  take(): Uint8Array {
    const bytes = this.#buffer.slice(0, this.#at);
    if (this.#buffer.length > spare.length && this.#buffer.length <= spareBytesMax) {
      spare = this.#buffer;
      this.#buffer = empty;
    }
    this.#at = 0;
    this.#ends.length = 0;
    return bytes;
  }

  /** The same, one by one. */
  takeMessages(): Uint8Array[] {
    let begin = 0;
    const messages = this.#ends.map((end) => this.#buffer.slice(begin, (begin = end)));
    this.take();
    return messages;
  }

  /** RFC 7606 §5.1: the MP attribute comes first. */
  #inAttribute(
    code: number,
    head: Uint8Array,
    attributes: Uint8Array,
    prefixes: PrefixSource,
  ): void {
    let next = 0;
    while (next < prefixes.count) {
      this.#beginMessage(attributes.length + head.length);
      this.#u16(0);
      const field = (this.#at += 2);
      const value = (this.#at += extendedHeaderBytes);
      this.#bytes(head);
      next = this.#prefixes(prefixes, next, attributes.length);
      this.#attributeHeader(code, value);
      this.#bytes(attributes);
      this.#setU16(field - 2, this.#at - field);
      this.#endMessage();
    }
  }

  /** In front of a value that ends here: the long form was left free, the short one is used where it does. */
  #attributeHeader(code: number, value: number): void {
    const length = this.#at - value;
    const buffer = this.#buffer;
    buffer[value - 4] = AttributeFlag.optional;
    buffer[value - 3] = code;
    if (length > 0xff) {
      buffer[value - 4]! |= AttributeFlag.extendedLength;
      this.#setU16(value - 2, length);
    } else {
      buffer[value - 2] = length;
      buffer.copyWithin(value - 1, value, this.#at);
      this.#at--;
    }
  }

  /** From the i-th on as many as the message takes, with `reserved` octets left free behind them; the first that it does not. */
  #prefixes(prefixes: PrefixSource, first: number, reserved: number): number {
    const limit = this.#begin + this.#messageBytesMax - reserved;
    const { count } = prefixes;
    const buffer = this.#buffer;
    let at = this.#at;
    let i = first;
    for (; i < count; i++) {
      const end = prefixes.write(i, buffer, at);
      if (end > limit) break;
      at = end;
    }
    if (i === first) {
      this.#at = this.#begin;
      throw new NoRoomError("no room in the message for a prefix");
    }
    this.#at = at;
    return i;
  }

  /** Of at most `messageBytesMax`, beside fixed parts that may be longer than there is room for. */
  #beginMessage(fixedBytes: number): void {
    const begin = (this.#begin = this.#at);
    const needed = begin + this.#messageBytesMax + fixedBytes + prefixBytesMax;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, begin));
      this.#buffer = larger;
    }
    this.#buffer.fill(0xff, begin, begin + 16);
    this.#buffer[begin + 18] = MessageType.update;
    this.#at = begin + headerBytes;
  }

  #endMessage(): void {
    this.#setU16(this.#begin + 16, this.#at - this.#begin);
    this.#ends.push(this.#at);
  }

  #u16(value: number): void {
    this.#setU16(this.#at, value);
    this.#at += 2;
  }

  #setU16(at: number, value: number): void {
    this.#buffer[at] = value >>> 8;
    this.#buffer[at + 1] = value;
  }

  #bytes(value: Uint8Array): void {
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }
}

/** Whether the prefixes stand in the UPDATE's own field, and their next hop in NEXT_HOP. */
export function inOwnField(family: AfiSafi, nextHop: Address): boolean {
  return family.afi === "ipv4" && familyOf(nextHop) === "ipv4";
}

/** A next hop, and our link-local address where that is to be said with it (RFC 2545 §3). */
export type NextHopOut = { readonly address: Address; readonly linkLocal?: Address | undefined };

export function nextHopOut(
  address: Address,
  { sharedLink }: Pick<CodecOptions, "sharedLink">,
): NextHopOut {
  return { address, linkLocal: address === sharedLink?.address ? sharedLink.linkLocal : undefined };
}

function mpReachHead(
  family: AfiSafi,
  nextHop: Address,
  linkLocal: Address | undefined,
): Uint8Array {
  const beside = linkLocal === undefined ? [] : addressToBytes(linkLocal);
  const address = [...addressToBytes(nextHop), ...beside];
  return Uint8Array.of(...familyBytes(family), address.length, ...address, 0);
}

function familyBytes({ afi, safi }: AfiSafi): Uint8Array {
  return Uint8Array.of(0, Afi[afi], Safi[safi]);
}
