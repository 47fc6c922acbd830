import type { Address } from "../net/address.ts";
import type { KernelAccess } from "./kernel-view.ts";

export type NextHopCost = { nextHop: Address; cost: number | undefined };

/** Tells of next hops, and whenever it is another, at what metric the kernel's other routes reach them. */
export class NextHopWatch {
  readonly #kernel: KernelAccess;
  readonly #table: number;
  readonly #tell: (costs: NextHopCost[]) => void;
  readonly #costs = new Map<Address, number | undefined>();
  readonly #asked = new Set<Address>();
  #turn: NodeJS.Immediate | undefined;
  readonly #unsubscribe: () => void;

  constructor(kernel: KernelAccess, table: number, tell: (costs: NextHopCost[]) => void) {
    this.#kernel = kernel;
    this.#table = table;
    this.#tell = tell;
    this.#unsubscribe = kernel.subscribe({ onChanged: () => this.#changed(), onOwn: () => {} });
  }

  /** The answer comes in a later turn of the event loop. */
  ask(nextHop: Address): void {
    this.#asked.add(nextHop);
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      const costs = [...this.#asked].map((asked) => this.#look(asked));
      this.#asked.clear();
      this.#tell(costs);
    });
  }

  forget(nextHop: Address): void {
    this.#asked.delete(nextHop);
    this.#costs.delete(nextHop);
  }

  close(): void {
    clearImmediate(this.#turn);
    this.#unsubscribe();
  }

  #changed(): void {
    const before = new Map(this.#costs);
    const costs = [...before.keys()].map((nextHop) => this.#look(nextHop));
    const changed = costs.filter(({ nextHop, cost }) => before.get(nextHop) !== cost);
    if (changed.length > 0) this.#tell(changed);
  }

  #look(nextHop: Address): NextHopCost {
    const cost = this.#kernel.table.resolve(nextHop, this.#table)?.metric;
    this.#costs.set(nextHop, cost);
    return { nextHop, cost };
  }
}
