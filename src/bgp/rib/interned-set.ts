import { type Address, familyOf } from "../../net/address.ts";
import type { ByteRange } from "../wire/bytes.ts";
import { decodeStoredAttributes } from "../wire/decode-update.ts";
import { encodeAttributes } from "../wire/encode-update.ts";
import type { CodecOptions, PathAttributes } from "../wire/message.ts";
import type { AttributeSet, Path } from "./path.ts";

/** The attributes, as values, of what is dealt with just now, and no table's worth: of `firstRecent` and those after it. */
const recentMax = 1024;
let recent: Readonly<PathAttributes>[] = [];
let firstRecent = 0;

/** What the pool knows a set by: a range of `slab`; or its values, where one is too long for any message. */
type Stored =
  | { slab: Uint8Array; begin: number; end: number; number: number }
  | { slab?: undefined; attributes: Readonly<PathAttributes> };

/**
 * A set of an AttributePool. What is kept of it are its bytes: its attributes as values are several times as
 * large, are looked at when the route comes in and goes out, and seldom again. So they are let go of soon, and
 * decoded anew where somebody asks.
 */
export class InternedSet implements AttributeSet {
  readonly nextHop: Address | undefined;
  readonly #slab: Uint8Array | undefined;
  readonly #begin: number;
  readonly #end: number;
  /** In the pool, and another one after a sweep. */
  number: number;
  /** The last path that was made of it: the next is mostly the same. */
  lastPath: Path | undefined = undefined;
  /** Which of all values that were kept are its own. */
  #recent = -1;
  /** Where there are no bytes. */
  readonly #unwritten: Readonly<PathAttributes> | undefined;

  constructor(nextHop: Address | undefined, stored: Stored) {
    this.nextHop = nextHop;
    const isStored = stored.slab !== undefined;
    this.#slab = stored.slab;
    this.#begin = isStored ? stored.begin : 0;
    this.#end = isStored ? stored.end : 0;
    this.number = isStored ? stored.number : -1;
    this.#unwritten = isStored ? undefined : stored.attributes;
  }

  get attributes(): Readonly<PathAttributes> {
    if (this.#unwritten !== undefined) return this.#unwritten;
    if (this.#recent >= firstRecent) return recent[this.#recent - firstRecent]!;
    const attributes = decodeStoredAttributes(this.#slab!, this.#begin, this.#attributesEnd);
    this.keepForAWhile(attributes);
    return attributes;
  }

  /** Its values, which somebody has at hand. */
  keepForAWhile(attributes: Readonly<PathAttributes>): void {
    if (this.#recent >= firstRecent) return;
    if (recent.length === recentMax) InternedSet.letGoOfValues();
    this.#recent = firstRecent + recent.length;
    recent.push(attributes);
  }

  /** Nothing of what was dealt with is at hand any more: what the collector of garbage finds, it copies. */
  static letGoOfValues(): void {
    firstRecent += recent.length;
    recent = [];
  }

  /** All but the MP attributes, as an UPDATE carries them. Throws NoRoomError for a value that none can hold. */
  encoded(codec: CodecOptions): Uint8Array {
    if (this.#slab === undefined || !codec.fourOctetAs) {
      const { nextHop } = this;
      return encodeAttributes(this.attributes, codec, isIpv6(nextHop) ? undefined : nextHop);
    }
    return this.#slab.subarray(this.#begin, this.#attributesEnd);
  }

  /** The same where it stands; undefined where there are none. */
  get stored(): ByteRange | undefined {
    const slab = this.#slab;
    return slab && { bytes: slab, start: this.#begin, end: this.#attributesEnd };
  }

  /** Whether it is known by the same bytes. */
  isIn(bytes: Uint8Array, start: number, end: number): boolean {
    const slab = this.#slab!;
    const begin = this.#begin;
    const length = end - start;
    if (this.#end - begin !== length) return false;
    for (let i = 0; i < length; i++) if (slab[begin + i] !== bytes[start + i]) return false;
    return true;
  }

  /** An IPv6 next hop stands behind them. */
  get #attributesEnd(): number {
    return isIpv6(this.nextHop) ? this.#end - 16 : this.#end;
  }
}

function isIpv6(nextHop: Address | undefined): boolean {
  return nextHop !== undefined && familyOf(nextHop) === "ipv6";
}
