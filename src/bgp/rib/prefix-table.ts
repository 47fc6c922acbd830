import { type Address, addressFromBytes, addressToBytes, type Family } from "../../net/address.ts";
import { addressBits, type Prefix, prefixBase, prefixLength } from "../../net/prefix.ts";
import { IdList } from "./id-list.ts";

/** Stands for a prefix in every table of its family: small, so that tables are arrays by it (route-table.ts). */
export type PrefixId = number;

export type PrefixIds = Uint32Array | readonly PrefixId[];

const dot = 0x2e;
const slash = 0x2f;
const digitZero = 0x30;
/** In the place of a length: an id that nobody has. */
const freed = 0xff;
/** 2^32 divided by the golden ratio: what is added up in steps is spread out (Knuth, volume 3, 6.4). */
const spread = 0x9e3779b1;

/**
 * The prefixes of one family that any table has routes of, each with its number. Prefixes are found by
 * their bytes as they stand in an UPDATE, and written from here as they go into one: between the two
 * none of a full table ever becomes text. Numbers only, in typed arrays, with open addressing: no object
 * for a prefix, and nothing for the garbage collector to look at.
 *
 * A prefix stays as long as somebody retains it, and until the sweep after that.
 */
export class PrefixTable {
  readonly #family: Family;
  /** 32-bit words of an address: 1 or 4. */
  readonly #words: number;
  /** By id: its words, its length, how often it is retained. */
  #addresses: Uint32Array;
  #lengths: Uint8Array;
  #retained: Uint32Array;
  /** Ids below this have been given out. */
  #end = 0;
  readonly #free = new IdList();
  /** Not retained any more when they were put here. */
  readonly #loose = new IdList();
  /** id + 1, or 0; a power of two of them, at most half in use. */
  #slots: Int32Array;
  #shift: number;
  /** What is looked for. */
  readonly #key: Uint32Array;

  constructor(family: Family) {
    this.#family = family;
    this.#words = addressBits(family) / 32;
    const capacity = 32;
    this.#addresses = new Uint32Array(capacity * this.#words);
    this.#lengths = new Uint8Array(capacity);
    this.#retained = new Uint32Array(capacity);
    this.#slots = new Int32Array(2 * capacity);
    this.#shift = 32 - Math.log2(2 * capacity);
    this.#key = new Uint32Array(this.#words);
  }

  /** Number of prefixes. */
  get size(): number {
    return this.#end - this.#free.length;
  }

  /** Of the prefix that stands at `at`, its length first (RFC 4271 §4.3), trailing bits ignored; -1: none. */
  find(bytes: Uint8Array, at: number): PrefixId {
    const length = this.#read(bytes, at);
    return this.#slots[this.#slotOf(length)]! - 1;
  }

  /** The same; one that is not there is put there. It goes with the next sweep, unless it is retained. */
  add(bytes: Uint8Array, at: number): PrefixId {
    const length = this.#read(bytes, at);
    const slot = this.#slotOf(length);
    const found = this.#slots[slot]!;
    return found === 0 ? this.#insert(slot, length) : found - 1;
  }

  findPrefix(prefix: Prefix): PrefixId {
    if (this.#family === "ipv6") return this.find(bytesOf(prefix), 0);
    const length = this.#readIpv4(prefix);
    return this.#slots[this.#slotOf(length)]! - 1;
  }

  addPrefix(prefix: Prefix): PrefixId {
    return this.add(bytesOf(prefix), 0);
  }

  prefix(id: PrefixId): Prefix {
    const length = this.#lengths[id]!;
    if (this.#family === "ipv4") {
      const bits = this.#addresses[id]!;
      return `${bits >>> 24}.${(bits >>> 16) & 0xff}.${(bits >>> 8) & 0xff}.${bits & 0xff}/${length}` as Prefix;
    }
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 4; i++) view.setUint32(4 * i, this.#addresses[4 * id + i]!);
    return `${addressFromBytes(bytes)}/${length}` as Prefix;
  }

  /** As in an UPDATE. Returns where it ends. */
  write(id: PrefixId, into: Uint8Array, at: number): number {
    const length = this.#lengths[id]!;
    into[at++] = length;
    const octets = (length + 7) >> 3;
    if (this.#words === 1) {
      const bits = this.#addresses[id]!;
      if (octets > 0) into[at] = bits >>> 24;
      if (octets > 1) into[at + 1] = bits >>> 16;
      if (octets > 2) into[at + 2] = bits >>> 8;
      if (octets > 3) into[at + 3] = bits;
      return at + octets;
    }
    const first = id * this.#words;
    for (let i = 0; i < octets; i++) {
      into[at++] = this.#addresses[first + (i >> 2)]! >>> (24 - 8 * (i & 3));
    }
    return at;
  }

  retain(id: PrefixId): void {
    this.#retained[id]!++;
  }

  release(id: PrefixId): void {
    if (--this.#retained[id]! === 0) this.#loose.push(id);
  }

  /** Takes away what nobody retains: after every table that goes by ids has seen what changed. */
  sweep(): void {
    const loose = this.#loose;
    // The last first: neighbors are withdrawn in the order in which they stand, and so few have any behind them.
    for (let i = loose.length - 1; i >= 0; i--) {
      const id = loose.at(i);
      if (this.#retained[id] === 0 && this.#lengths[id] !== freed) this.#remove(id);
    }
    loose.clear();
  }

  /** Into #key, host bits cleared. Returns the length. */
  #read(bytes: Uint8Array, at: number): number {
    const length = bytes[at]!;
    if (this.#words === 1) {
      this.#key[0] = word(bytes, at + 1, length);
    } else {
      for (let i = 0; i < 4; i++) this.#key[i] = word(bytes, at + 1 + 4 * i, length - 32 * i);
    }
    return length;
  }

  /** The same of text, without a value on the way: it is looked up by the thousands. */
  #readIpv4(prefix: Prefix): number {
    let bits = 0;
    let number = 0;
    for (let i = 0; i < prefix.length; i++) {
      const code = prefix.charCodeAt(i);
      if (code === dot || code === slash) {
        bits = (bits << 8) | number;
        number = 0;
      } else number = 10 * number + code - digitZero;
    }
    this.#key[0] = number === 0 ? 0 : bits & (-1 << (32 - number));
    return number;
  }

  /** Where the key is, or where it belongs. */
  #slotOf(length: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hash(this.#key, 0, length);
    for (;;) {
      const id = slots[slot]! - 1;
      if (id < 0 || (this.#lengths[id] === length && this.#hasKey(id))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #hasKey(id: PrefixId): boolean {
    const words = this.#words;
    for (let i = 0; i < words; i++) {
      if (this.#addresses[id * words + i] !== this.#key[i]) return false;
    }
    return true;
  }

  /** Eight neighbours of one length side by side: tables come in order, and memory comes in lines. */
  #hash(words: Uint32Array, first: number, length: number): number {
    let hash = Math.imul(length, 0x85ebca6b);
    let neighbor = 0;
    if (this.#words === 1) {
      const bits = words[first]!;
      neighbor = length === 0 ? 0 : (bits >>> (32 - length)) & 7;
      hash ^= length === 0 ? 0 : bits & (-8 << (32 - length));
    } else {
      for (let i = 0; i < 4; i++) {
        hash = Math.imul(hash ^ words[first + i]!, spread);
        hash ^= hash >>> 15;
      }
    }
    return ((Math.imul(hash, spread) >>> this.#shift) & -8) | neighbor;
  }

  #insert(slot: number, length: number): PrefixId {
    const id = this.#free.pop() ?? this.#end++;
    if (id === this.#lengths.length) this.#growIds();
    const words = this.#words;
    for (let i = 0; i < words; i++) this.#addresses[id * words + i] = this.#key[i]!;
    this.#lengths[id] = length;
    this.#retained[id] = 0;
    this.#loose.push(id);
    this.#slots[slot] = id + 1;
    if (2 * this.size > this.#slots.length) this.#growSlots();
    return id;
  }

  #remove(id: PrefixId): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOfId(id);
    while (slots[hole] !== id + 1) hole = (hole + 1) & mask;
    // Those that follow move up where they would not be found across the hole (Knuth, algorithm 6.4R).
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#slotOfId(slots[slot]! - 1);
      const fits = hole <= slot ? home <= hole || home > slot : home <= hole && home > slot;
      if (fits) {
        slots[hole] = slots[slot]!;
        hole = slot;
      }
    }
    slots[hole] = 0;
    this.#lengths[id] = freed;
    this.#free.push(id);
  }

  #slotOfId(id: PrefixId): number {
    return this.#hash(this.#addresses, id * this.#words, this.#lengths[id]!);
  }

  #growIds(): void {
    const capacity = 2 * this.#lengths.length;
    this.#addresses = resized(this.#addresses, new Uint32Array(capacity * this.#words));
    this.#lengths = resized(this.#lengths, new Uint8Array(capacity));
    this.#retained = resized(this.#retained, new Uint32Array(capacity));
  }

  /** Fourfold: doubled, a table that fills up would be filled anew twice as often. */
  #growSlots(): void {
    this.#slots = new Int32Array(4 * this.#slots.length);
    this.#shift -= 2;
    const mask = this.#slots.length - 1;
    for (let id = 0; id < this.#end; id++) {
      if (this.#lengths[id] === freed) continue;
      let slot = this.#slotOfId(id);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = id + 1;
    }
  }
}

/** The first `length` bits from `at` on, as the upper ones of a word. */
function word(bytes: Uint8Array, at: number, length: number): number {
  if (length <= 0) return 0;
  if (length >= 32) {
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  let value = bytes[at]! << 24;
  if (length > 8) value |= bytes[at + 1]! << 16;
  if (length > 16) value |= bytes[at + 2]! << 8;
  if (length > 24) value |= bytes[at + 3]!;
  return value & (-1 << (32 - length));
}

function bytesOf(prefix: Prefix): Uint8Array {
  const base: Address = prefixBase(prefix);
  return Uint8Array.of(prefixLength(prefix), ...addressToBytes(base));
}

function resized<T extends Uint32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
