import type { ListDifference } from "../../net/list-difference.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "./policy.ts";

/** A statement that says which prefixes it is about, and nothing else. */
export type NamedStatement = PolicyStatement & { prefixes: Prefix[] };

export function isNamed(statement: PolicyStatement): statement is NamedStatement {
  return statement.prefixes !== undefined && statement.match === undefined;
}

/**
 * Statements in a row that name prefixes and ask for nothing else, found by prefix. There may be thousands
 * of which one is another: that is work for its prefixes alone.
 */
export class NamedStatements {
  /** `statements`: how many name the prefix. */
  readonly #byPrefix = new Map<Prefix, { first: NamedStatement; statements: number }>();

  constructor(statements: readonly NamedStatement[]) {
    for (const statement of statements) this.#add(statement, () => {});
  }

  /** The first that names the prefix. */
  get(prefix: Prefix): NamedStatement | undefined {
    return this.#byPrefix.get(prefix)?.first;
  }

  /** They are these from now on. */
  replace(
    statements: readonly NamedStatement[],
    { removed, added }: ListDifference<NamedStatement>,
  ): void {
    /** Which of several statements is the first is seen in all of them only. */
    const shared = new Set<Prefix>();
    for (const { prefixes } of removed) {
      for (const prefix of prefixes) {
        const named = this.#byPrefix.get(prefix)!;
        if (--named.statements === 0) this.#byPrefix.delete(prefix);
        else shared.add(prefix);
      }
    }
    for (const statement of added) this.#add(statement, (prefix) => shared.add(prefix));
    if (shared.size === 0) return;
    for (const statement of statements) {
      for (const prefix of statement.prefixes) {
        if (shared.delete(prefix)) this.#byPrefix.get(prefix)!.first = statement;
      }
    }
  }

  #add(statement: NamedStatement, isShared: (prefix: Prefix) => void): void {
    for (const prefix of statement.prefixes) {
      const named = this.#byPrefix.get(prefix);
      if (named === undefined) this.#byPrefix.set(prefix, { first: statement, statements: 1 });
      else {
        named.statements++;
        isShared(prefix);
      }
    }
  }
}
