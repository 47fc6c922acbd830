import type { Address } from "../../net/address.ts";
import type { ServiceKey } from "../service/service.ts";

const nobody: ReadonlySet<ServiceKey> = new Set();

/** Which Services have an address: several where they share it. */
export class Holders {
  readonly #byAddress = new Map<Address, Set<ServiceKey>>();
  /** Addresses that were given out under a sharing key, the first given out first. */
  readonly #byKey = new Map<string, Set<Address>>();

  addresses(): IterableIterator<Address> {
    return this.#byAddress.keys();
  }

  of(address: Address): ReadonlySet<ServiceKey> {
    return this.#byAddress.get(address) ?? nobody;
  }

  /** Addresses that Services of this sharing key have. */
  shared(key: string | undefined): Iterable<Address> {
    return key === undefined ? [] : (this.#byKey.get(key) ?? []);
  }

  add(address: Address, service: ServiceKey, sharingKey: string | undefined): void {
    let services = this.#byAddress.get(address);
    if (services === undefined) this.#byAddress.set(address, (services = new Set()));
    services.add(service);
    if (sharingKey === undefined) return;
    let addresses = this.#byKey.get(sharingKey);
    if (addresses === undefined) this.#byKey.set(sharingKey, (addresses = new Set()));
    addresses.add(address);
  }

  /** Returns how many still have it. */
  remove(address: Address, service: ServiceKey): number {
    const services = this.#byAddress.get(address);
    services?.delete(service);
    if (services !== undefined && services.size > 0) return services.size;
    this.#byAddress.delete(address);
    for (const [key, addresses] of this.#byKey) {
      if (addresses.delete(address) && addresses.size === 0) this.#byKey.delete(key);
    }
    return 0;
  }
}
