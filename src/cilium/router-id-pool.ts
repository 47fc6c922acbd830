import { type Address, parseAddress } from "../net/address.ts";
import { addressNumber, addressOfNumber, rangeOfPrefix } from "../net/address-range.ts";
import { type Prefix, prefixContains } from "../net/prefix.ts";
import type { CiliumBGPNodeConfig, NodeInstance } from "./schema/node-config.ts";

/**
 * Router IDs out of an IPv4 prefix, one for each instance of each node. Which are taken is in the
 * CiliumBGPNodeConfigs: an instance keeps its own as long as its node config is there.
 */
export class RouterIdPool {
  readonly #pool: Prefix;
  /** Holder by router ID: `NODE/INSTANCE`. */
  readonly #holders = new Map<Address, string>();
  readonly #held = new Map<string, Address>();
  #next: bigint;

  constructor(pool: Prefix, nodeConfigs: readonly CiliumBGPNodeConfig[]) {
    this.#pool = pool;
    this.#next = addressNumber(rangeOfPrefix(pool).first);
    for (const { metadata, spec } of nodeConfigs) {
      for (const { name, routerID } of spec.bgpInstances) {
        const id = routerID === undefined ? undefined : parseAddress(routerID);
        if (id === undefined || !prefixContains(pool, id) || this.#holders.has(id)) continue;
        this.#take(id, `${metadata.name}/${name}`);
      }
    }
  }

  /**
   * Gives each instance of a node its router ID. One that an override names is left as it is where it
   * lies outside the pool; inside, nobody else may have it. Returns what could not be done.
   */
  assign(node: string, instances: NodeInstance[]): string[] {
    const problems: string[] = [];
    for (const instance of instances) {
      const holder = `${node}/${instance.name}`;
      const wanted = instance.routerID === undefined ? undefined : parseAddress(instance.routerID);
      if (wanted !== undefined && !prefixContains(this.#pool, wanted)) continue;
      if (wanted !== undefined) {
        const other = this.#holders.get(wanted);
        if (other === undefined || other === holder) this.#take(wanted, holder);
        else {
          delete instance.routerID;
          problems.push(`router ID ${wanted} of ${holder} is already allocated to ${other}`);
        }
        continue;
      }
      const id = this.#held.get(holder) ?? this.#allocate(holder);
      if (id !== undefined) instance.routerID = id;
      else problems.push(`router ID pool ${this.#pool} is exhausted: none is left for ${holder}`);
    }
    return problems;
  }

  /** From the first address to the last, both included. */
  #allocate(holder: string): Address | undefined {
    const last = addressNumber(rangeOfPrefix(this.#pool).last);
    for (; this.#next <= last; this.#next++) {
      const id = addressOfNumber(this.#next, "ipv4");
      if (this.#holders.has(id)) continue;
      this.#take(id, holder);
      return id;
    }
    return undefined;
  }

  #take(id: Address, holder: string): void {
    const before = this.#held.get(holder);
    if (before !== undefined) this.#holders.delete(before);
    this.#holders.set(id, holder);
    this.#held.set(holder, id);
  }
}
