import { type Address, type Family, familyOf } from "../../net/address.ts";
import { addressNumber, addressOfNumber, type AddressRange } from "../../net/address-range.ts";

type Block = { first: bigint; last: bigint };

/**
 * The free addresses of one range, as blocks. Taking any takes the first of the smallest block, so
 * that a single address given back is given out before a large block is begun.
 */
export class FreeAddresses {
  readonly #family: Family;
  /** Ascending, with at least one taken address between any two. */
  readonly #blocks: Block[];
  #count: bigint;

  constructor({ first, last }: AddressRange) {
    this.#family = familyOf(first);
    this.#blocks = [{ first: addressNumber(first), last: addressNumber(last) }];
    this.#count = this.#blocks[0]!.last - this.#blocks[0]!.first + 1n;
  }

  get count(): bigint {
    return this.#count;
  }

  has(address: Address): boolean {
    return (
      familyOf(address) === this.#family && this.#blockOf(addressNumber(address)) !== undefined
    );
  }

  /** Undefined where none is left. */
  takeAny(): Address | undefined {
    let smallest: number | undefined;
    for (const [at, block] of this.#blocks.entries()) {
      if (smallest === undefined || sizeOf(block) < sizeOf(this.#blocks[smallest]!)) smallest = at;
    }
    if (smallest === undefined) return undefined;
    const value = this.#blocks[smallest]!.first;
    this.#cut(smallest, value);
    return addressOfNumber(value, this.#family);
  }

  /** False where it is not free, or not of this range. */
  take(address: Address): boolean {
    if (familyOf(address) !== this.#family) return false;
    const value = addressNumber(address);
    const at = this.#blockOf(value);
    if (at === undefined) return false;
    this.#cut(at, value);
    return true;
  }

  giveBack(address: Address): void {
    const value = addressNumber(address);
    const at = this.#firstAfter(value);
    const before = this.#blocks[at - 1];
    const after = this.#blocks[at];
    const joins = before?.last === value - 1n;
    if (joins && after?.first === value + 1n) {
      before.last = after.last;
      this.#blocks.splice(at, 1);
    } else if (joins) before.last = value;
    else if (after?.first === value + 1n) after.first = value;
    else this.#blocks.splice(at, 0, { first: value, last: value });
    this.#count++;
  }

  #cut(at: number, value: bigint): void {
    const { first, last } = this.#blocks[at]!;
    const left = [
      { first, last: value - 1n },
      { first: value + 1n, last },
    ].filter((block) => block.first <= block.last);
    this.#blocks.splice(at, 1, ...left);
    this.#count--;
  }

  #blockOf(value: bigint): number | undefined {
    const at = this.#firstAfter(value) - 1;
    const block = this.#blocks[at];
    return block !== undefined && value <= block.last ? at : undefined;
  }

  /** Index of the first block that begins after the value. */
  #firstAfter(value: bigint): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle]!.first <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sizeOf({ first, last }: Block): bigint {
  return last - first;
}
