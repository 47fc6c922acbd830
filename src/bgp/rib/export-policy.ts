import type { Prefix } from "../../net/prefix.ts";

/** One export statement: the routes it matches and what is done to them. */
export type PolicyStatement = {
  name: string;
  /** Matches these prefixes exactly; undefined matches every route. */
  prefixes?: Prefix[];
  action: "accept" | "reject";
  set?: {
    /** Sent to internal peers only (RFC 4271 §5.1.5). */
    localPref?: number;
    med?: number;
    /** Added to those the route has. */
    communities?: number[];
    /** Added to those the route has. */
    largeCommunities?: [number, number, number][];
    /** Times the local AS is put in front once more; external peers only (RFC 4271 §5.1.2). */
    asPathPrepend?: number;
  };
};

/** Statements ready for look-up: first match wins, and nothing matching is rejected. */
export class ExportPolicy {
  readonly statements: readonly PolicyStatement[];
  /** Prefix to the first statement naming it. */
  readonly #named = new Map<Prefix, number>();
  /** The first statement that matches every route. */
  readonly #matchAll: number;

  constructor(statements: readonly PolicyStatement[]) {
    this.statements = statements;
    for (const [i, { prefixes }] of statements.entries()) {
      for (const prefix of prefixes ?? []) {
        if (!this.#named.has(prefix)) this.#named.set(prefix, i);
      }
    }
    const matchAll = statements.findIndex(({ prefixes }) => prefixes === undefined);
    this.#matchAll = matchAll < 0 ? Infinity : matchAll;
  }

  /** The statement that decides about the prefix; undefined where none matches. */
  match(prefix: Prefix): PolicyStatement | undefined {
    return this.statements[Math.min(this.#named.get(prefix) ?? Infinity, this.#matchAll)];
  }
}
