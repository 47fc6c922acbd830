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
  /** Of each row of announced routes that have one set: which, and where the row begins. */
  #sets: InternedSet[] = [];
  #begins: number[] = [];
  #last: InternedSet | undefined;
  /** Whether no set has two rows: those of new routes have rising numbers. */
  #isEachOnce = true;

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
    if (set !== this.#last) this.#beginRow(set);
    this.#announced.push(id, pathId);
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
    if (!this.#isEachOnce) this.#joinRows();
    for (let i = 0; i < this.#sets.length; i++) {
      const set = this.#sets[i]!;
      routes.begin = this.#begins[i]!;
      routes.count = (this.#begins[i + 1] ?? routes.length) - routes.begin;
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

  #beginRow(set: InternedSet): void {
    // What no message can hold has no number.
    if (this.#last !== undefined && set.number <= this.#last.number) this.#isEachOnce = false;
    this.#last = set;
    this.#sets.push(set);
    this.#begins.push(this.#announced.length);
  }

  /** One row for each set, in the order in which the sets came first; routes of a set keep theirs. */
  #joinRows(): void {
    const routes = this.#announced;
    const rowsOf = Map.groupBy(this.#sets.keys(), (row) => this.#sets[row]!);
    const order = new Uint32Array(routes.length);
    const begins: number[] = [];
    let next = 0;
    for (const rows of rowsOf.values()) {
      begins.push(next);
      for (const row of rows) {
        const end = this.#begins[row + 1] ?? routes.length;
        for (let i = this.#begins[row]!; i < end; i++) order[i] = next++;
      }
    }
    routes.reorder(order);
    this.#sets = [...rowsOf.keys()];
    this.#begins = begins;
    this.#isEachOnce = true;
    this.#last = undefined;
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
