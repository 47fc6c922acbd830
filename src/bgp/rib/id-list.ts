import type { PrefixId } from "./prefix-table.ts";

/** Most lists stay empty. */
const none = new Uint32Array();

/** Numbers of prefixes, and nothing but numbers: one that grows with a table is none of the garbage collector's work. */
export class IdList {
  #ids = none;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(i: number): PrefixId {
    return this.#ids[i]!;
  }

  push(id: PrefixId): void {
    if (this.#length === this.#ids.length) {
      const larger = new Uint32Array(Math.max(64, 2 * this.#length));
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids[this.#length++] = id;
  }

  pop(): PrefixId | undefined {
    return this.#length === 0 ? undefined : this.#ids[--this.#length];
  }

  clear(): void {
    this.#length = 0;
  }

  /** Another list, in which the i-th of this one is at `order[i]`. */
  reordered(order: Uint32Array): IdList {
    const into = new IdList();
    into.#ids = new Uint32Array(this.#length);
    into.#length = this.#length;
    for (let i = 0; i < this.#length; i++) into.#ids[order[i]!] = this.#ids[i]!;
    return into;
  }

  /** A copy; the list is empty then. */
  take(): Uint32Array {
    const taken = this.#ids.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
