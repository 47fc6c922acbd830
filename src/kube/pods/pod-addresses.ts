import { type Address, addressAfter } from "../../net/address.ts";
import {
  addressBits,
  type Prefix,
  prefixBase,
  prefixFamily,
  prefixLength,
} from "../../net/prefix.ts";

/** No node holds more pods than that, however large its podCIDR. */
const podsMax = 65_536;

/**
 * Which addresses of a podCIDR are taken. The first host address is the node's own (the pods'
 * gateway); pods get the lowest free one from the second on, so that equal histories give equal
 * addresses.
 */
export class PodAddresses {
  readonly #taken = new Map<Prefix, Set<number>>();
  readonly #held = new Map<string, { prefix: Prefix; offset: number }[]>();

  /**
   * One address of each podCIDR for the pod, or the podCIDR that has none left. `first`: 1 where the
   * node has none of it itself.
   */
  allocate(
    podUid: string,
    podCidrs: readonly Prefix[],
    first = 2,
  ): Address[] | { exhausted: Prefix } {
    const found = podCidrs.map((prefix) => ({ prefix, offset: this.#lowestFree(prefix, first) }));
    const none = found.find(({ offset }) => offset === undefined);
    if (none) return { exhausted: none.prefix };
    const held = found as { prefix: Prefix; offset: number }[];
    this.#held.set(podUid, held);
    for (const { prefix, offset } of held) this.#takenOf(prefix).add(offset);
    return held.map(({ prefix, offset }) => addressAfter(prefixBase(prefix), offset));
  }

  hasFree(prefix: Prefix, first: number): boolean {
    return this.#lowestFree(prefix, first) !== undefined;
  }

  free(podUid: string): void {
    for (const { prefix, offset } of this.#held.get(podUid) ?? []) {
      this.#takenOf(prefix).delete(offset);
    }
    this.#held.delete(podUid);
  }

  #lowestFree(prefix: Prefix, first: number): number | undefined {
    const family = prefixFamily(prefix);
    const size = 2 ** (addressBits(family) - prefixLength(prefix));
    // IPv4's last address is the subnet's broadcast address.
    const last = Math.min(podsMax + 1, size - (family === "ipv4" ? 2 : 1));
    const taken = this.#takenOf(prefix);
    for (let offset = first; offset <= last; offset++) if (!taken.has(offset)) return offset;
    return undefined;
  }

  #takenOf(prefix: Prefix): Set<number> {
    let taken = this.#taken.get(prefix);
    if (!taken) this.#taken.set(prefix, (taken = new Set()));
    return taken;
  }
}
