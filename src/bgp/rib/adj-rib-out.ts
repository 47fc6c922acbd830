import type { Prefix } from "../../net/prefix.ts";
import type { AfiSafi, UpdateMessage } from "../wire/message.ts";
import type { AttributeSet } from "./path.ts";

/**
 * What one peer has been sent in one family and not been told to forget: what stands in its
 * adj-rib-in, as long as the session lasts. Only differences to it are sent.
 */
export class AdjRibOut {
  readonly #family: AfiSafi;
  readonly #sent = new Map<Prefix, AttributeSet>();

  constructor(family: AfiSafi) {
    this.#family = family;
  }

  /** Number of routes. */
  get size(): number {
    return this.#sent.size;
  }

  entries(): IterableIterator<[Prefix, AttributeSet]> {
    return this.#sent.entries();
  }

  /**
   * The UPDATEs that bring the peer from what it has to what it should have of these prefixes
   * (undefined: nothing): withdrawals in one, then one for each attribute set. They count as sent.
   */
  update(
    prefixes: Iterable<Prefix>,
    wanted: (prefix: Prefix) => AttributeSet | undefined,
  ): UpdateMessage[] {
    const withdrawn: Prefix[] = [];
    const announced = new Map<AttributeSet, Prefix[]>();
    for (const prefix of prefixes) {
      const before = this.#sent.get(prefix);
      const now = wanted(prefix);
      if (before === now) continue;
      if (now === undefined) {
        this.#sent.delete(prefix);
        withdrawn.push(prefix);
      } else {
        this.#sent.set(prefix, now);
        append(announced, now, prefix);
      }
    }
    return this.#messages(withdrawn, announced);
  }

  /** These could not be sent. */
  forget(prefixes: readonly Prefix[]): void {
    for (const prefix of prefixes) this.#sent.delete(prefix);
  }

  /** Everything again, for ROUTE-REFRESH (RFC 2918 §4). */
  everything(): UpdateMessage[] {
    const announced = new Map<AttributeSet, Prefix[]>();
    for (const [prefix, set] of this.#sent) append(announced, set, prefix);
    return this.#messages([], announced);
  }

  #messages(withdrawn: Prefix[], announced: Map<AttributeSet, Prefix[]>): UpdateMessage[] {
    const family = this.#family;
    const messages: UpdateMessage[] = [];
    if (withdrawn.length > 0) {
      messages.push({
        type: "UPDATE",
        withdrawn: [{ family, prefixes: withdrawn }],
        attributes: undefined,
        announced: [],
      });
    }
    for (const [{ attributes, nextHop }, prefixes] of announced) {
      // export.ts gives every set that leaves a next hop.
      if (nextHop === undefined) throw new Error(`no next hop for ${prefixes[0]}`);
      messages.push({
        type: "UPDATE",
        withdrawn: [],
        attributes,
        announced: [{ family, nextHop, prefixes }],
      });
    }
    return messages;
  }
}

function append(to: Map<AttributeSet, Prefix[]>, set: AttributeSet, prefix: Prefix): void {
  const prefixes = to.get(set);
  if (prefixes === undefined) to.set(set, [prefix]);
  else prefixes.push(prefix);
}
