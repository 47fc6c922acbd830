import type { FamilyName } from "../rib/family.ts";
import type { AttributeSet } from "../rib/path.ts";
import type { PrefixIds } from "../rib/prefix-table.ts";
import type { PolicyStatement } from "./config.ts";
import { policyChange } from "./policy-change.ts";
import type { Ribs } from "./ribs.ts";
import { type GroupOptions, UpdateGroup } from "./update-group.ts";

/** The speaker's update groups, each as long as it has a session. */
export class UpdateGroups {
  readonly #ribs: Ribs;
  /** Families whose route selection waits for the peers (RFC 4724 §4.1). */
  readonly #deferred: () => ReadonlySet<FamilyName>;
  /** `key`: what they have in common besides the policy. */
  #groups: { key: string; name: FamilyName; group: UpdateGroup; isPaced: boolean }[] = [];

  constructor(ribs: Ribs, deferred: () => ReadonlySet<FamilyName>) {
    this.#ribs = ribs;
    this.#deferred = deferred;
  }

  /** The group of sessions like this one. */
  of(options: GroupOptions): UpdateGroup {
    this.#dropEmpty();
    const { name, target, exportPolicy, codec, pacedBy } = options;
    const { fourOctetAs, extendedMessage, sharedLink } = codec;
    const wire = { fourOctetAs, extendedMessage, sharedLink };
    // As FRR has it, a group goes by the AS number of the peer that it began with (bgpd/bgp_updgrp.c: its conf).
    const asRewrite = target.asRewrite && { ...target.asRewrite, peerAsn: undefined };
    const key = JSON.stringify([name, { ...target, asRewrite }, wire, pacedBy]);
    let known = this.#groups.find(
      (each) => each.key === key && isSame(each.group.exportPolicy, exportPolicy),
    );
    if (known === undefined) {
      const group = new UpdateGroup(options, this.#ribs, () => this.#deferred().has(name));
      this.#groups.push((known = { key, name, group, isPaced: pacedBy !== undefined }));
    }
    return known.group;
  }

  /**
   * Where all sessions of a group get one new policy, the group stays and only what the policy decides
   * otherwise is looked at. `policyOf` a peer: its policy from now on.
   */
  setPolicies(policyOf: (peer: string) => readonly PolicyStatement[] | undefined): void {
    for (const { key, group } of this.#groups) {
      const [first, ...others] = [...group.peers].map(policyOf);
      if (first === undefined) continue;
      if (!others.every((each) => each !== undefined && isSame(each, first))) continue;
      const change = policyChange(group.exportPolicy, first);
      // With a group that has that policy already it is to become one.
      const isThere = this.#groups.some(
        (each) =>
          each.group !== group && each.key === key && isSame(each.group.exportPolicy, first),
      );
      if (change !== undefined && !isThere) group.setPolicy(first, change);
    }
  }

  /** Those that a session paces are told by it. */
  changed(of: FamilyName, ids: PrefixIds): void {
    this.#dropEmpty();
    for (const { name, group, isPaced } of this.#groups) {
      if (name === of && !isPaced) group.changed(ids);
    }
  }

  /** Whether some default route is sent only as long as there are other routes. */
  get hasConditionalDefault(): boolean {
    return this.#groups.some(({ group }) => group.hasConditionalDefault);
  }

  /** Whether it is sent now. */
  lookAtDefaults(): void {
    for (const { group } of this.#groups) group.lookAtDefault();
  }

  forEachSet(call: (set: AttributeSet) => void): void {
    for (const { group } of this.#groups) group.forEachSet(call);
  }

  #dropEmpty(): void {
    if (this.#groups.some(({ group }) => group.isEmpty)) {
      this.#groups = this.#groups.filter(({ group }) => !group.isEmpty);
    }
  }
}

function isSame(a: readonly PolicyStatement[], b: readonly PolicyStatement[]): boolean {
  return policyChange(a, b) === undefined;
}
