import { jsonEqual } from "./json-equal.ts";
import type { SelectedAdvertisements } from "./selected-advertisements.ts";
import { ServiceExports } from "./service/service-exports.ts";
import type { ServiceTable } from "./service/service-table.ts";

type Kept = { selected: readonly SelectedAdvertisements[]; exports: ServiceExports };

/**
 * What one compilation leaves for the next: the exports of Services to each peer, since there may be
 * thousands and mostly one of them changes.
 */
export class CompileMemory {
  #kept = new Map<string, Kept>();
  #used = new Map<string, Kept>();

  /** Takes up what changed since the last time. */
  begin(services: ServiceTable): void {
    const changed = services.takeChanged();
    for (const { exports } of this.#kept.values()) exports.update(services, changed);
  }

  /** `peer`: unique on the node. Throws InstanceError. */
  serviceExports(
    peer: string,
    selected: readonly SelectedAdvertisements[],
    services: ServiceTable,
  ): ServiceExports {
    const ofServices = selected.map(({ family, advertisements }) => ({
      family,
      isEgressSelected: false,
      advertisements: advertisements.filter(({ entry }) => entry.advertisementType === "Service"),
    }));
    const before = this.#kept.get(peer);
    const now =
      before !== undefined && jsonEqual(before.selected, ofServices)
        ? before
        : { selected: ofServices, exports: new ServiceExports(ofServices, services) };
    this.#used.set(peer, now);
    return now.exports;
  }

  /** Forgets what was not asked for. */
  end(): void {
    this.#kept = this.#used;
    this.#used = new Map();
  }
}
