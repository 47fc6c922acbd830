import { type Address, familyOf } from "../../net/address.ts";
import { ByteWriter } from "../wire/bytes.ts";
import { writeAttributes } from "../wire/encode-update.ts";
import { NoRoomError } from "../wire/error.ts";
import type { CodecOptions, PathAttributes } from "../wire/message.ts";
import { InternedSet } from "./interned-set.ts";
import type { AttributeSet } from "./path.ts";

/** Sets are known by how they are written in this form: equal values have equal bytes, and no others. */
const canonical: CodecOptions = { fourOctetAs: true, extendedMessage: true };

const slabBytes = 1 << 16;
const sweepSizeMin = 1 << 16;

/**
 * Equal attribute sets become one object. A full table has far fewer sets than routes, so this saves
 * most of its memory, makes comparing two sets a `===`, and grouping routes by their attributes a Map.
 * The bytes that a set is known by are those that UPDATEs carry (RFC 4271 §4.3), so they are kept and
 * a set is encoded once. Sets that no table holds go with the next sweep, their bytes with the last of
 * their slab.
 */
export class AttributePool {
  /** By hash; sets that share one are a chain. */
  #sets = new Map<number, InternedSet>();
  #size = 0;
  #sweepSize = sweepSizeMin;
  readonly #writer = new ByteWriter();
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  get size(): number {
    return this.#size;
  }

  /** Worth a sweep. */
  get isFull(): boolean {
    return this.#size >= this.#sweepSize;
  }

  /** The one set of these values. They must not be changed afterwards. */
  intern(attributes: PathAttributes, nextHop: Address | undefined): InternedSet {
    const writer = this.#writer;
    // What no message can hold is nobody's equal: it is seldom, and is not sent.
    if (!this.#write(attributes, nextHop)) {
      return new InternedSet(attributes, nextHop, undefined, 0, 0, 0);
    }
    const hash = writer.hash();
    const first = this.#sets.get(hash);
    for (let set = first; set !== undefined; set = set.next) {
      if (writer.isIn(set.slab!, set.begin, set.end)) return set;
    }
    const begin = this.#keep();
    const end = begin + writer.length;
    const set = new InternedSet(attributes, nextHop, this.#slab, begin, end, hash);
    set.next = first;
    this.#sets.set(hash, set);
    this.#size++;
    return set;
  }

  /** Forgets all other sets. */
  sweep(live: ReadonlySet<AttributeSet>): void {
    const before = this.#sets;
    this.#sets = new Map();
    this.#size = 0;
    for (const first of before.values()) {
      for (let set: InternedSet | undefined = first, next; set !== undefined; set = next) {
        next = set.next;
        if (!live.has(set)) continue;
        set.next = this.#sets.get(set.hash);
        this.#sets.set(set.hash, set);
        this.#size++;
      }
    }
    this.#sweepSize = Math.max(sweepSizeMin, 4 * this.#size);
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
  #keep(): number {
    const { length } = this.#writer;
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(slabBytes, length));
      this.#slabUsed = 0;
    }
    const begin = this.#slabUsed;
    this.#writer.copyInto(this.#slab, begin);
    this.#slabUsed += length;
    return begin;
  }
}
