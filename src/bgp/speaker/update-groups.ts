import type { FamilyName } from "../rib/family.ts";
import type { AttributeSet } from "../rib/path.ts";
import type { PrefixId } from "../rib/prefix-table.ts";
import type { Ribs } from "./ribs.ts";
import { type GroupOptions, UpdateGroup } from "./update-group.ts";

/** The speaker's update groups, each as long as it has a session. */
export class UpdateGroups {
  readonly #ribs: Ribs;
  /** Families whose route selection waits for the peers (RFC 4724 §4.1). */
  readonly #deferred: () => ReadonlySet<FamilyName>;
  readonly #groups = new Map<string, { name: FamilyName; group: UpdateGroup }>();

  constructor(ribs: Ribs, deferred: () => ReadonlySet<FamilyName>) {
    this.#ribs = ribs;
    this.#deferred = deferred;
  }

  /** The group of sessions like this one. */
  of(options: GroupOptions): UpdateGroup {
    this.#dropEmpty();
    const { name, target, exportPolicy, codec } = options;
    const { fourOctetAs, extendedMessage, sharedLink } = codec;
    const written = { fourOctetAs, extendedMessage, sharedLink };
    const key = JSON.stringify([name, target, written, exportPolicy]);
    let known = this.#groups.get(key);
    if (known === undefined) {
      const group = new UpdateGroup(options, this.#ribs, () => this.#deferred().has(name));
      this.#groups.set(key, (known = { name, group }));
    }
    return known.group;
  }

  changed(of: FamilyName, ids: readonly PrefixId[]): void {
    this.#dropEmpty();
    for (const { name, group } of this.#groups.values()) if (name === of) group.changed(ids);
  }

  forEachSet(call: (set: AttributeSet) => void): void {
    for (const { group } of this.#groups.values()) group.forEachSet(call);
  }

  #dropEmpty(): void {
    for (const [key, { group }] of this.#groups) if (group.isEmpty) this.#groups.delete(key);
  }
}
