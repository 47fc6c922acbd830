import { type Address, familyOf } from "../../net/address.ts";
import { decodeStoredAttributes } from "../wire/decode-update.ts";
import { encodeAttributes } from "../wire/encode-update.ts";
import type { CodecOptions, PathAttributes } from "../wire/message.ts";
import type { AttributeSet, Path } from "./path.ts";

/** Sets whose attributes are kept as values: those of what is dealt with just now, and no table's worth. */
const recentMax = 1024;
const recent = Array<InternedSet | undefined>(recentMax).fill(undefined);
let nextRecent = 0;

/**
 * A set of an AttributePool. What is kept of it are its bytes: its attributes as values are several times as
 * large, are looked at when the route comes in and goes out, and seldom again. So they are let go of soon, and
 * decoded anew where somebody asks.
 */
export class InternedSet implements AttributeSet {
  readonly nextHop: Address | undefined;
  /** What the pool knows it by: a range of `slab`. Undefined where a value is too long for any message. */
  readonly slab: Uint8Array | undefined;
  readonly begin: number;
  readonly end: number;
  /** Of these bytes, and the next set with the same one. */
  readonly hash: number;
  next: InternedSet | undefined = undefined;
  /** The last path that was made of it: the next is mostly the same. */
  lastPath: Path | undefined = undefined;
  #attributes: Readonly<PathAttributes> | undefined = undefined;

  constructor(
    attributes: Readonly<PathAttributes>,
    nextHop: Address | undefined,
    slab: Uint8Array | undefined,
    begin: number,
    end: number,
    hash: number,
  ) {
    this.nextHop = nextHop;
    this.slab = slab;
    this.begin = begin;
    this.end = end;
    this.hash = hash;
    this.#keep(attributes);
  }

  get attributes(): Readonly<PathAttributes> {
    if (this.#attributes !== undefined) return this.#attributes;
    const attributes = decodeStoredAttributes(this.slab!, this.begin, this.#attributesEnd);
    this.#keep(attributes);
    return attributes;
  }

  /** All but the MP attributes, as an UPDATE carries them. Throws NoRoomError for a value that none can hold. */
  encoded(codec: CodecOptions): Uint8Array {
    const { nextHop, slab, begin } = this;
    if (slab === undefined || !codec.fourOctetAs) {
      return encodeAttributes(this.attributes, codec, isIpv6(nextHop) ? undefined : nextHop);
    }
    return slab.subarray(begin, this.#attributesEnd);
  }

  /** An IPv6 next hop stands behind them. */
  get #attributesEnd(): number {
    return isIpv6(this.nextHop) ? this.end - 16 : this.end;
  }

  /** For a while, and for ever where there are no bytes. */
  #keep(attributes: Readonly<PathAttributes>): void {
    this.#attributes = attributes;
    if (this.slab === undefined) return;
    const oldest = recent[nextRecent];
    if (oldest !== undefined) oldest.#attributes = undefined;
    recent[nextRecent] = this;
    nextRecent = (nextRecent + 1) % recentMax;
  }
}

function isIpv6(nextHop: Address | undefined): boolean {
  return nextHop !== undefined && familyOf(nextHop) === "ipv6";
}
