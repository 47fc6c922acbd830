import type { FamilyName } from "../rib/family.ts";
import { families } from "../rib/family.ts";
import { IdList } from "../rib/id-list.ts";
import type { InternedSet } from "../rib/interned-set.ts";
import type { PrefixId, PrefixTable } from "../rib/prefix-table.ts";
import { NoRoomError } from "../wire/error.ts";
import type { CodecOptions } from "../wire/message.ts";
import { writePathId } from "../wire/nlri.ts";
import { extendedMessageBytesMax, messageBytesMax } from "../wire/registry.ts";
import { nextHopOut, type PrefixSource, UpdatePacker } from "../wire/update-packer.ts";

/** Routes that no message holds: their path attributes leave no room for a prefix (RFC 8654 §4). */
export type TooLong = {
  readonly ids: readonly PrefixId[];
  /** Where the session numbers its paths. */
  readonly pathIds: readonly number[];
  readonly reason: string;
};

/** Whole UPDATEs, how many routes they announce, and what they have no room for. */
export type Packed = {
  readonly bytes: Uint8Array;
  readonly announced: number;
  readonly tooLong: readonly TooLong[];
};

/** What is to be told at once of one family: withdrawals, then the routes of each attribute set together. */
export class UpdateBatch {
  readonly #name: FamilyName;
  readonly #codec: CodecOptions;
  readonly #withdrawn: RouteRange;
  readonly #announced: RouteRange;
  /** Of each announced route, which of the sets is its. */
  readonly #setOf = new IdList();
  readonly #sets: InternedSet[] = [];
  readonly #places = new Map<InternedSet, number>();
  #last: InternedSet | undefined;
  #lastPlace = 0;

  constructor(name: FamilyName, codec: CodecOptions, prefixes: PrefixTable) {
    this.#name = name;
    this.#codec = codec;
    this.#withdrawn = new RouteRange(prefixes);
    this.#announced = new RouteRange(prefixes);
  }

  withdraw(id: PrefixId, pathId?: number): void {
    this.#withdrawn.push(id, pathId);
  }

  announce(set: InternedSet, id: PrefixId, pathId?: number): void {
    if (set !== this.#last) {
      this.#last = set;
      this.#lastPlace = this.#placeOf(set);
    }
    this.#announced.push(id, pathId);
    this.#setOf.push(this.#lastPlace);
  }

  /** The UPDATEs, one after the other, and last End-of-RIB where it is wanted. What is too long is withdrawn instead. */
  pack(endOfRib = false): Packed {
    const family = families[this.#name];
    const tooLong: TooLong[] = [];
    let announced = 0;
    const packer = new UpdatePacker(
      this.#codec.extendedMessage ? extendedMessageBytesMax : messageBytesMax,
    );
    this.#withdrawn.begin = 0;
    this.#withdrawn.count = this.#withdrawn.length;
    packer.withdraw(family, this.#withdrawn);
    const routes = this.#announced;
    const ends = this.#sortBySet();
    for (let i = 0; i < this.#sets.length; i++) {
      const set = this.#sets[i]!;
      routes.begin = i === 0 ? 0 : ends[i - 1]!;
      routes.count = ends[i]! - routes.begin;
      try {
        // export.ts gives every set that leaves a next hop.
        const nextHop = nextHopOut(set.nextHop!, this.#codec);
        packer.announce(family, nextHop, set.encoded(this.#codec), routes);
        announced += routes.count;
      } catch (error) {
        if (!(error instanceof NoRoomError)) throw error;
        tooLong.push({ ...routes.values(), reason: error.message });
        packer.withdraw(family, routes);
      }
    }
    if (endOfRib) packer.endOfRib(family);
    return { bytes: packer.take(), announced, tooLong };
  }

  #placeOf(set: InternedSet): number {
    let place = this.#places.get(set);
    if (place === undefined) {
      place = this.#sets.push(set) - 1;
      this.#places.set(set, place);
    }
    return place;
  }

  /** By counting, so that routes of one set keep their order. Where those of each set end. */
  #sortBySet(): Uint32Array {
    const { length } = this.#setOf;
    const ends = new Uint32Array(this.#sets.length);
    let isSorted = true;
    for (let i = 0; i < length; i++) {
      const place = this.#setOf.at(i);
      ends[place]!++;
      isSorted &&= i === 0 || place >= this.#setOf.at(i - 1);
    }
    for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
    if (isSorted) return ends;
    const next = new Uint32Array(ends.length);
    next.set(ends.subarray(0, -1), 1);
    const order = new Uint32Array(length);
    for (let i = 0; i < length; i++) order[i] = next[this.#setOf.at(i)]!++;
    this.#announced.reorder(order);
    return ends;
  }
}

/** Prefixes by number, with Path Identifiers where the session wants them, and of these the ones that are being written. */
class RouteRange implements PrefixSource {
  begin = 0;
  count = 0;
  #ids = new IdList();
  /** Of all of them or of none. */
  #pathIds: IdList | undefined;
  readonly #prefixes: PrefixTable;

  constructor(prefixes: PrefixTable) {
    this.#prefixes = prefixes;
  }

  get length(): number {
    return this.#ids.length;
  }

  push(id: PrefixId, pathId: number | undefined): void {
    this.#ids.push(id);
    if (pathId !== undefined) (this.#pathIds ??= new IdList()).push(pathId);
  }

  write(i: number, into: Uint8Array, at: number): number {
    const pathIds = this.#pathIds;
    const start = pathIds === undefined ? at : writePathId(pathIds.at(this.begin + i), into, at);
    return this.#prefixes.write(this.#ids.at(this.begin + i), into, start);
  }

  /** The i-th becomes the one at `order[i]`. */
  reorder(order: Uint32Array): void {
    this.#ids = this.#ids.reordered(order);
    this.#pathIds = this.#pathIds?.reordered(order);
  }

  values(): { ids: PrefixId[]; pathIds: number[] } {
    const part = (of: IdList) =>
      Array.from({ length: this.count }, (_, i) => of.at(this.begin + i));
    return {
      ids: part(this.#ids),
      pathIds: this.#pathIds === undefined ? [] : part(this.#pathIds),
    };
  }
}
