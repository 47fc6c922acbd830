import { type Address, familyOf } from "../../net/address.ts";
import { type ByteRange, ByteWriter } from "../wire/bytes.ts";
import { writeAttributes } from "../wire/encode-update.ts";
import { NoRoomError } from "../wire/error.ts";
import type { CodecOptions, PathAttributes } from "../wire/message.ts";
import { hashOf } from "./bytes-hash.ts";
import { InternedSet } from "./interned-set.ts";
import { writePassedOn } from "./passed-on.ts";
import type { AttributeSet } from "./path.ts";

/** Sets are known by how they are written in this form: equal values have equal bytes, and no others. */
const canonical: CodecOptions = { fourOctetAs: true, extendedMessage: true };

const slabBytes = 1 << 16;
const sweepSizeMin = 1 << 16;
const capacityMin = 1 << 10;
/** Doubled, a table that fills up would be filled anew twice as often. */
const growth = 4;

/**
 * Equal attribute sets become one object. A full table has far fewer sets than routes, so this saves
 * most of its memory, makes comparing two sets a `===`, and grouping routes by their attributes a Map.
 * The bytes that a set is known by are those that UPDATEs carry (RFC 4271 §4.3), so they are kept and
 * a set is encoded once. Sets that no table holds go with the next sweep, their bytes with the last of
 * their slab.
 */
export class AttributePool {
  /** By number: the sets, and the hashes of their bytes. */
  #sets: InternedSet[] = [];
  #hashes = new Int32Array(capacityMin);
  /** Number + 1, or 0; open addressing, a power of two of them, at most half in use. */
  #slots = new Int32Array(2 * capacityMin);
  #sweepSize = sweepSizeMin;
  readonly #writer = new ByteWriter();
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  get size(): number {
    return this.#sets.length;
  }

  /** Worth a sweep: not with fewer sets than the largest table since the last one, of so many prefixes, may have had in use. */
  isFull(prefixes: number): boolean {
    this.#sweepSize = Math.max(this.#sweepSize, prefixes / 2);
    return this.size >= this.#sweepSize;
  }

  /** The one set of these values. They must not be changed afterwards. */
  intern(attributes: PathAttributes, nextHop: Address | undefined): InternedSet {
    const writer = this.#writer;
    // What no message can hold is nobody's equal: it is seldom, and is not sent.
    if (!this.#write(attributes, nextHop)) return new InternedSet(nextHop, { attributes });
    return this.#internBytes(writer.buffer, 0, writer.length, nextHop);
  }

  /**
   * The same of values that will be asked for soon: they are kept for a while. `written`: the two of them as
   * writeAttributes() would write them, where that is at hand.
   */
  internRecent(
    attributes: PathAttributes,
    nextHop: Address | undefined,
    written?: ByteRange,
  ): InternedSet {
    const set =
      written === undefined
        ? this.intern(attributes, nextHop)
        : this.#internBytes(written.bytes, written.start, written.end, nextHop);
    set.keepForAWhile(attributes);
    return set;
  }

  /** A learned set as an external peer gets it with our AS in front; undefined where that takes more than its bytes. */
  internPassedOn(
    { stored, nextHop: before }: InternedSet,
    asn: number,
    nextHop: Address,
  ): InternedSet | undefined {
    if (stored === undefined || before === undefined) return undefined;
    const isIpv6 = familyOf(nextHop) === "ipv6";
    if (isIpv6 !== (familyOf(before) === "ipv6")) return undefined;
    const writer = this.#writer;
    writer.clear();
    if (!writePassedOn(writer, stored, asn, isIpv6 ? undefined : nextHop)) return undefined;
    if (isIpv6) writer.address(nextHop);
    return this.#internBytes(writer.buffer, 0, writer.length, nextHop);
  }

  /** Forgets all sets but those that `forEachLive` calls with, each as often as it likes. */
  sweep(forEachLive: (call: (live: AttributeSet) => void) => void): void {
    const sets = this.#sets;
    const isLive = new Uint8Array(sets.length);
    forEachLive((set) => {
      if (set instanceof InternedSet) isLive[set.number] = 1;
    });
    let kept = 0;
    for (let number = 0; number < sets.length; number++) {
      if (isLive[number] === 0) continue;
      const set = sets[number]!;
      this.#hashes[kept] = this.#hashes[number]!;
      sets[kept] = set;
      set.number = kept++;
    }
    sets.length = kept;
    this.#fillSlots(this.#slots.length);
    this.#sweepSize = Math.max(sweepSizeMin, 4 * kept);
  }

  #internBytes(
    bytes: Uint8Array,
    start: number,
    end: number,
    nextHop: Address | undefined,
  ): InternedSet {
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const number = this.#slots[slot]! - 1;
      if (number < 0) break;
      if (this.#hashes[number] === hash) {
        const set = this.#sets[number]!;
        if (set.isIn(bytes, start, end)) return set;
      }
      slot = (slot + 1) & mask;
    }
    const number = this.#sets.length;
    const begin = this.#keep(bytes, start, end);
    const stored = { slab: this.#slab, begin, end: begin + end - start, number };
    const set = new InternedSet(nextHop, stored);
    this.#sets.push(set);
    this.#hashes[number] = hash;
    this.#slots[slot] = number + 1;
    if (number + 1 === this.#hashes.length) this.#grow();
    return set;
  }

  #grow(): void {
    const hashes = new Int32Array(growth * this.#hashes.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#fillSlots(2 * hashes.length);
  }

  /** By the hashes alone: the sets lie all over the memory. */
  #fillSlots(count: number): void {
    const slots = (this.#slots = new Int32Array(count));
    const hashes = this.#hashes;
    const { length } = this.#sets;
    const mask = count - 1;
    for (let number = 0; number < length; number++) {
      let slot = hashes[number]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
  }

  /** Into the writer. An IPv6 next hop stands at the end: NEXT_HOP cannot hold it. Whether a message can hold it. */
  #write(attributes: PathAttributes, nextHop: Address | undefined): boolean {
    const writer = this.#writer;
    writer.clear();
    const isIpv6 = nextHop !== undefined && familyOf(nextHop) === "ipv6";
    try {
      writeAttributes(writer, attributes, canonical, isIpv6 ? undefined : nextHop);
    } catch (error) {
      if (error instanceof NoRoomError) return false;
      throw error;
    }
    if (isIpv6) writer.address(nextHop);
    return true;
  }

  /** Many in one piece of memory: one each would weigh more than what is in it. Where they begin in the slab. */
  #keep(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(slabBytes, length));
      this.#slabUsed = 0;
    }
    const begin = this.#slabUsed;
    const slab = this.#slab;
    for (let i = 0; i < length; i++) slab[begin + i] = bytes[start + i]!;
    this.#slabUsed += length;
    return begin;
  }
}
