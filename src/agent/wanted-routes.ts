import type { NextHop, RouteChange } from "../bgp/speaker/route-feed.ts";
import type { Family } from "../net/address.ts";
import { type Prefix, prefixFamily } from "../net/prefix.ts";

/** What a speaker wants in its node's table, and which prefixes there are to be dealt with. */
export class WantedRoutes {
  readonly nextHops = new Map<Prefix, readonly NextHop[]>();
  /** To be dealt with: wanted otherwise than before, or reached otherwise. */
  readonly dirty = new Set<Prefix>();
  /** What an earlier process left: it stays until it is known again, or all is known. */
  readonly stale = new Set<Prefix>();

  take(changes: readonly RouteChange[]): void {
    for (const { prefix, nextHops } of changes) {
      if (nextHops.length > 0) this.nextHops.set(prefix, nextHops);
      else this.nextHops.delete(prefix);
      this.dirty.add(prefix);
    }
  }

  /** The family's routes are known: the stale ones that are not among them go. */
  selected(family: Family): void {
    for (const prefix of this.stale) {
      if (prefixFamily(prefix) !== family) continue;
      this.stale.delete(prefix);
      this.dirty.add(prefix);
    }
  }
}
