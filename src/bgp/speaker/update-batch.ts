import type { FamilyName } from "../rib/family.ts";
import { families } from "../rib/family.ts";
import type { InternedSet } from "../rib/interned-set.ts";
import type { PrefixId, PrefixTable } from "../rib/prefix-table.ts";
import { NoRoomError } from "../wire/error.ts";
import type { CodecOptions } from "../wire/message.ts";
import { writePathId } from "../wire/nlri.ts";
import { extendedMessageBytesMax, messageBytesMax } from "../wire/registry.ts";
import { nextHopOut, type PrefixSource, UpdatePacker } from "../wire/update-packer.ts";

/** Routes that no message holds: their path attributes leave no room for a prefix (RFC 8654 §4). */
export type TooLong = { readonly routes: RouteList; readonly reason: string };

/** What is to be told at once of one family: withdrawals, then the routes of each attribute set together. */
export class UpdateBatch {
  readonly #name: FamilyName;
  readonly #codec: CodecOptions;
  readonly #prefixes: PrefixTable;
  readonly #withdrawn: RouteList;
  readonly #announced = new Map<InternedSet, RouteList>();
  #last: InternedSet | undefined;
  #lastRoutes: RouteList | undefined;

  constructor(name: FamilyName, codec: CodecOptions, prefixes: PrefixTable) {
    this.#name = name;
    this.#codec = codec;
    this.#prefixes = prefixes;
    this.#withdrawn = new RouteList(prefixes);
  }

  withdraw(id: PrefixId, pathId?: number): void {
    this.#withdrawn.push(id, pathId);
  }

  announce(set: InternedSet, id: PrefixId, pathId?: number): void {
    if (set !== this.#last) {
      this.#last = set;
      this.#lastRoutes = this.#announced.get(set);
      if (this.#lastRoutes === undefined) {
        this.#announced.set(set, (this.#lastRoutes = new RouteList(this.#prefixes)));
      }
    }
    this.#lastRoutes!.push(id, pathId);
  }

  /** The UPDATEs, one after the other, and last End-of-RIB where it is wanted. What is too long is withdrawn instead. */
  pack(endOfRib = false): { bytes: Uint8Array; announced: number; tooLong: TooLong[] } {
    const family = families[this.#name];
    const tooLong: TooLong[] = [];
    let announced = 0;
    const packer = new UpdatePacker(
      this.#codec.extendedMessage ? extendedMessageBytesMax : messageBytesMax,
    );
    packer.withdraw(family, this.#withdrawn);
    for (const [set, routes] of this.#announced) {
      try {
        // export.ts gives every set that leaves a next hop.
        packer.announce(
          family,
          nextHopOut(set.nextHop!, this.#codec),
          set.encoded(this.#codec),
          routes,
        );
        announced += routes.count;
      } catch (error) {
        if (!(error instanceof NoRoomError)) throw error;
        tooLong.push({ routes, reason: error.message });
        packer.withdraw(family, routes);
      }
    }
    if (endOfRib) packer.endOfRib(family);
    return { bytes: packer.take(), announced, tooLong };
  }
}

/** Prefixes by number, with Path Identifiers where the session wants them. */
export class RouteList implements PrefixSource {
  readonly ids: PrefixId[] = [];
  /** Of all of them or of none. */
  #pathIds: number[] | undefined;
  readonly #prefixes: PrefixTable;

  constructor(prefixes: PrefixTable) {
    this.#prefixes = prefixes;
  }

  get count(): number {
    return this.ids.length;
  }

  get pathIds(): readonly number[] | undefined {
    return this.#pathIds;
  }

  push(id: PrefixId, pathId: number | undefined): void {
    this.ids.push(id);
    if (pathId !== undefined) (this.#pathIds ??= []).push(pathId);
  }

  write(i: number, into: Uint8Array, at: number): number {
    const pathIds = this.#pathIds;
    const start = pathIds === undefined ? at : writePathId(pathIds[i]!, into, at);
    return this.#prefixes.write(this.ids[i]!, into, start);
  }
}
