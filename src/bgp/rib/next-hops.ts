import type { Address } from "../../net/address.ts";
import type { Imported } from "./import.ts";
import { PathMemo } from "./path-memo.ts";

type NextHop = {
  /** Interior cost; undefined: it cannot be reached, or is not known yet. */
  cost: number | undefined;
  /** What becomes of the paths by way of it. */
  readonly paths: PathMemo<Imported>;
  readonly unreachable: Imported;
};

/** Routes for each one that left: a look at all of them, for next hops that none has any more, is worth that. */
const routesPerDeparture = 16;

/**
 * Which next hops can be reached, and at what cost (RFC 4271 §9.1.2, §9.1.2.2 e), where somebody outside tells.
 * A next hop that is asked about first is not reachable until the answer is there. Link-local ones always are.
 *
 * Nobody counts the paths by way of each: that would cost every route of every UPDATE something. Counted is how many
 * left, and every so often, where there are few routes at once, it is looked which next hops are still needed.
 */
export class NextHops {
  readonly #known = new Map<Address, NextHop>();
  #asked: Address[] = [];
  readonly #unanswered = new Set<Address>();
  #isTold = false;
  /** Routes that left, or got another path, since the last sweep. */
  #departed = 0;
  /** Of these, how many there were when a sweep was last thought of. */
  #lookedAt = 0;
  #forgotten: Address[] = [];

  /** Whether somebody tells; where nobody does, all are reachable at no cost. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** Forgets what was told. */
  setTold(isTold: boolean): void {
    this.#isTold = isTold;
    this.#known.clear();
    this.#asked = [];
    this.#unanswered.clear();
    this.#departed = 0;
    this.#lookedAt = 0;
    this.#forgotten = [];
  }

  /** Whether an answer is still to come. */
  get isWaiting(): boolean {
    return this.#unanswered.size > 0;
  }

  /** What the decision process gets of an imported path: it, at its cost, or the reason why not. */
  resolve(imported: Imported): Imported {
    if (!this.#isTold || !("path" in imported)) return imported;
    const { path } = imported;
    const { nextHop } = path.set;
    if (nextHop === undefined || nextHop.startsWith("fe80:")) return imported;
    let known = this.#known.get(nextHop);
    if (known === undefined) {
      this.#asked.push(nextHop);
      this.#unanswered.add(nextHop);
      this.#known.set(nextHop, (known = entryOf(nextHop, undefined)));
    }
    const { cost, paths, unreachable } = known;
    if (cost === undefined) return unreachable;
    if (cost === 0) return imported;
    return paths.get(path) ?? paths.set(path, { path: { ...path, cost } });
  }

  /** What is known holds until the answer is there. */
  askAgain(): void {
    this.#asked = [...this.#known.keys()];
  }

  /** Next hops that are to be asked about. */
  takeAsked(): readonly Address[] {
    const asked = this.#asked;
    if (asked.length > 0) this.#asked = [];
    return asked;
  }

  /** So many routes left, or got another path: their next hops may be of no use any more. */
  departed(routes: number): void {
    this.#departed += routes;
  }

  /** Whether any left since the last time: only then a sweep may have come due. */
  get mayHaveUnneeded(): boolean {
    return this.#departed > this.#lookedAt && this.#known.size > 0;
  }

  /**
   * Forgets the next hops that no route needs, where so many of these `routes` left that looking for them pays.
   * `some`: whether what it is called with holds for the next hop of one of the routes; it stops at the first.
   */
  sweep(routes: number, some: (isIt: (nextHop: Address) => boolean) => boolean): void {
    this.#lookedAt = this.#departed;
    if (this.#departed * routesPerDeparture < routes) return;
    this.#departed = 0;
    this.#lookedAt = 0;
    const unneeded = new Set(this.#known.keys());
    some((nextHop) => unneeded.delete(nextHop) && unneeded.size === 0);
    if (unneeded.size === 0) return;
    for (const nextHop of unneeded) {
      this.#known.delete(nextHop);
      this.#unanswered.delete(nextHop);
      this.#forgotten.push(nextHop);
    }
    this.#asked = this.#asked.filter((nextHop) => !unneeded.has(nextHop));
  }

  /** Next hops that nobody needs to know of any more. */
  takeForgotten(): readonly Address[] {
    const forgotten = this.#forgotten;
    if (forgotten.length > 0) this.#forgotten = [];
    return forgotten;
  }

  /** The next hops of which something else is true now. */
  learn(told: Iterable<{ nextHop: Address; cost: number | undefined }>): Set<Address> {
    const changed = new Set<Address>();
    for (const { nextHop, cost } of told) {
      this.#unanswered.delete(nextHop);
      if (!this.#known.has(nextHop) || this.#known.get(nextHop)!.cost === cost) continue;
      this.#known.set(nextHop, entryOf(nextHop, cost));
      changed.add(nextHop);
    }
    return changed;
  }
}

function entryOf(nextHop: Address, cost: number | undefined): NextHop {
  const rejected = `its next hop ${nextHop} cannot be reached (RFC 4271 §9.1.2)`;
  return { cost, paths: new PathMemo(), unreachable: { rejected } };
}
