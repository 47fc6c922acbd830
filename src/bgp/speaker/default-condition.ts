import { addressToBytes } from "../../net/address.ts";
import { type Prefix, prefixBase, prefixLength } from "../../net/prefix.ts";
import type { LocRib } from "../rib/loc-rib.ts";
import { Policy, type PolicyStatement } from "../rib/policy.ts";
import type { PrefixTable } from "../rib/prefix-table.ts";

/**
 * What a default route depends on that is sent only under a condition: that a policy lets some route of the loc-rib
 * through, the best of its prefix or not. What is found first, in the order of prefixes, says what the default route is
 * like (FRR bgpd/bgp_updgrp_adv.c, subgroup_default_originate).
 */
export class DefaultCondition {
  readonly #policy: Policy;
  readonly #loc: LocRib;
  readonly #prefixes: PrefixTable;
  #statement: PolicyStatement | undefined;

  constructor(statements: readonly PolicyStatement[], loc: LocRib, prefixes: PrefixTable) {
    this.#policy = new Policy(statements);
    this.#loc = loc;
    this.#prefixes = prefixes;
  }

  /** That lets the first route through, as of the last look; undefined: none does. */
  get statement(): PolicyStatement | undefined {
    return this.#statement;
  }

  /** Whether that is another now. */
  look(): boolean {
    const before = this.#statement;
    let first: { prefix: Prefix; statement: PolicyStatement } | undefined;
    this.#loc.forEachCandidate((path, id) => {
      const prefix = this.#prefixes.prefix(id);
      if (first !== undefined && comparePrefixes(prefix, first.prefix) >= 0) return;
      const statement = this.#policy.match(prefix, path);
      if (statement?.action === "accept") first = { prefix, statement };
    });
    this.#statement = first?.statement;
    return this.#statement !== before;
  }
}

/** As a walk through a radix tree meets them: by address, and what contains others before them. */
function comparePrefixes(a: Prefix, b: Prefix): number {
  const bytes = (of: Prefix) => addressToBytes(prefixBase(of));
  return Buffer.compare(bytes(a), bytes(b)) || prefixLength(a) - prefixLength(b);
}
