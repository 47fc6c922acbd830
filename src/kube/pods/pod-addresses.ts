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

/** Addresses of a CIDR that pods may have: from its `first`th to its `last`th, both counted from 0. */
export type AddressRange = { cidr: Prefix; first: number; last: number };

/** Of a node's podCIDR: its first host address is the node's own, the pods' gateway. */
export function podCidrRange(cidr: Prefix): AddressRange {
  const family = prefixFamily(cidr);
  const size = 2 ** (addressBits(family) - prefixLength(cidr));
  // IPv4's last address is the subnet's broadcast address.
  return { cidr, first: 2, last: size - (family === "ipv4" ? 2 : 1) };
}

/**
 * Which addresses of podCIDRs and pools' CIDRs are taken. Pods get the lowest free one, so that equal
 * histories give equal addresses.
 */
export class PodAddresses {
  readonly #taken = new Map<Prefix, Set<number>>();
  readonly #held = new Map<string, { cidr: Prefix; offset: number }[]>();

  /** One address of each range for the pod, or the CIDR that has none left. */
  allocate(podUid: string, ranges: readonly AddressRange[]): Address[] | { exhausted: Prefix } {
    const found = ranges.map((range) => ({ cidr: range.cidr, offset: this.#lowestFree(range) }));
    const none = found.find(({ offset }) => offset === undefined);
    if (none) return { exhausted: none.cidr };
    const held = found as { cidr: Prefix; offset: number }[];
    this.#held.set(podUid, held);
    for (const { cidr, offset } of held) this.#takenOf(cidr).add(offset);
    return held.map(({ cidr, offset }) => addressAfter(prefixBase(cidr), offset));
  }

  hasFree(range: AddressRange): boolean {
    return this.#lowestFree(range) !== undefined;
  }

  /** How many pods have an address of the CIDR. */
  used(cidr: Prefix): number {
    return this.#taken.get(cidr)?.size ?? 0;
  }

  free(podUid: string): void {
    for (const { cidr, offset } of this.#held.get(podUid) ?? []) this.#takenOf(cidr).delete(offset);
    this.#held.delete(podUid);
  }

  #lowestFree({ cidr, first, last }: AddressRange): number | undefined {
    const taken = this.#takenOf(cidr);
    for (let offset = first; offset <= Math.min(podsMax + 1, last); offset++) {
      if (!taken.has(offset)) return offset;
    }
    return undefined;
  }

  #takenOf(cidr: Prefix): Set<number> {
    let taken = this.#taken.get(cidr);
    if (!taken) this.#taken.set(cidr, (taken = new Set()));
    return taken;
  }
}
