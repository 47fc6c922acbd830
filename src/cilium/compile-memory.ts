import { listDifference } from "../net/list-difference.ts";
import type { Prefix } from "../net/prefix.ts";
import { jsonEqual } from "./json-equal.ts";
import { PrefixNeeds } from "./prefix-needs.ts";
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
  readonly #united = new Map<
    string,
    { lists: readonly (readonly Prefix[])[]; needs: PrefixNeeds }
  >();

  /** Takes up what changed since the last time. */
  begin(services: ServiceTable): void {
    const changed = services.takeChanged();
    for (const exports of new Set([...this.#kept.values()].map((kept) => kept.exports))) {
      exports.update(services, changed);
    }
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
    const isEqual = (kept: Kept) => jsonEqual(kept.selected, ofServices);
    // Peers that are to get the same share it, and by that the speaker sees that they do.
    const now = [...this.#used.values()].find(isEqual) ??
      [...this.#kept.values()].find(isEqual) ?? {
        selected: ofServices,
        exports: new ServiceExports(ofServices, services),
      };
    this.#used.set(peer, now);
    return now.exports;
  }

  /**
   * Each prefix of these lists once; the same array as the last time where nothing changed. Of a long list
   * only what is another than in that of the last time is looked at.
   */
  united(instance: string, lists: readonly (readonly Prefix[])[]): readonly Prefix[] {
    const before = this.#united.get(instance);
    const needs = before?.needs ?? new PrefixNeeds();
    const now = [...new Set(lists)];
    const had = before?.lists ?? [];
    for (let at = 0; at < Math.max(had.length, now.length); at++) {
      const { removed, added } = listDifference(had[at] ?? [], now[at] ?? []);
      for (const prefix of added) needs.change(prefix, 1);
      for (const prefix of removed) needs.change(prefix, -1);
    }
    this.#united.set(instance, { lists: now, needs });
    return needs.all;
  }

  /** Forgets what was not asked for. */
  end(): void {
    this.#kept = this.#used;
    this.#used = new Map();
  }
}
