import type { Address } from "../../net/address.ts";
import type { ListDifference } from "../../net/list-difference.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Origin } from "../wire/message.ts";
import { isNamed, type NamedStatement, NamedStatements } from "./named-statements.ts";
import type { Path } from "./path.ts";
import { matcherOf } from "./policy-match.ts";

/** One statement of an import or export policy: the routes it matches and what is done to them. */
export type PolicyStatement = {
  name: string;
  /** Matches these prefixes exactly; undefined matches every prefix. */
  prefixes?: Prefix[];
  /** Further conditions: all of them must hold. */
  match?: PolicyMatch;
  action: "accept" | "reject";
  /** With `accept`: what the route becomes. */
  set?: PolicySet;
};

/** Conditions on a route. Each one that is there must hold. */
export type PolicyMatch = {
  /** The first of these that it is inside of, with a length in its range, does not exclude it. */
  prefixRanges?: PrefixRange[];
  /** Learned from one of these: PeerConfig.name. */
  neighbors?: string[];
  /** Originated here, or learned. */
  originated?: boolean;
  origin?: Origin[];
  /** 32-bit values (RFC 1997). */
  communities?: SetMatch<number>;
  largeCommunities?: SetMatch<[number, number, number]>;
  /** 8-byte values (RFC 4360). */
  extendedCommunities?: SetMatch<Uint8Array>;
  asPath?: AsPathMatch;
};

/**
 * `minLength` and `maxLength`: undefined is the prefix's own length. `isExcluded`: what is inside is not, whatever
 * later ranges say.
 */
export type PrefixRange = {
  prefix: Prefix;
  minLength?: number;
  maxLength?: number;
  isExcluded?: true;
};

/** Each one that is there must hold: at least one of `any`, every one of `all`, not one of `none`. */
export type SetMatch<T> = { any?: T[]; all?: T[]; none?: T[] };

/** On AS_PATH as received, before our own AS is put in front. */
export type AsPathMatch = {
  /** Anywhere, every one of them. */
  contains?: number[];
  /** The neighbouring AS: the first of the path. */
  beginsWith?: number;
  /** The AS that originated the route: the last of the path. */
  endsWith?: number;
  /** As the decision process counts. */
  minLength?: number;
  maxLength?: number;
  /** On the path as text, `65001 65002 {65003,65004}`; `_` stands for a border between numbers, as in FRR. */
  regex?: string;
};

export type PolicySet = CommunityLists & {
  /** Sent to internal peers only (RFC 4271 §5.1.5). */
  localPref?: number;
  med?: number;
  /** Times more that an AS number is put in front: export, to external peers only, the local one; import, the path's first. */
  asPathPrepend?: number;
  /** `self`, in export policies only: our address of the session. */
  nextHop?: Address | "self";
  /** Taken away, before the lists above are added. */
  remove?: CommunityLists;
  /** Put in the place of all the route has, before the lists above are added. */
  replace?: CommunityLists;
};

/** In PolicySet itself: added to those the route has. */
export type CommunityLists = {
  communities?: number[];
  largeCommunities?: [number, number, number][];
  extendedCommunities?: Uint8Array[];
};

/** Statements ready for look-up: first match wins, and nothing matching is rejected. */
export class Policy {
  #statements: readonly PolicyStatement[] = [];
  /** In order: statements that are found by prefix, and between them those that are tried. */
  #parts: (NamedStatements | TriedStatement)[] = [];
  #isBlindToPrefix = true;
  #rejectsAll = true;

  constructor(statements: readonly PolicyStatement[]) {
    this.#build(statements);
  }

  get statements(): readonly PolicyStatement[] {
    return this.#statements;
  }

  /** Whether it says the same of every prefix. */
  get isBlindToPrefix(): boolean {
    return this.#isBlindToPrefix;
  }

  /** It is of these statements from now on. Where all of them only name prefixes, this costs work for what changed. */
  replace(statements: readonly PolicyStatement[], change: ListDifference<PolicyStatement>): void {
    const [first, ...others] = this.#parts;
    const removed = change.removed.filter(isNamed);
    const added = change.added.filter(isNamed);
    if (
      first instanceof NamedStatements &&
      others.length === 0 &&
      added.length === change.added.length &&
      statements.length > 0
    ) {
      first.replace(statements as readonly NamedStatement[], { removed, added });
      this.#statements = statements;
      this.#rejectsAll &&= added.every(rejects);
    } else this.#build(statements);
  }

  /** Whether it says no to every route. */
  get rejectsAll(): boolean {
    return this.#rejectsAll;
  }

  /**
   * The statement that decides about the route; undefined where none matches. The prefix may be left out
   * where every one is as good.
   */
  match(prefix: Prefix | undefined, path: Path): PolicyStatement | undefined {
    for (const part of this.#parts) {
      if (part instanceof NamedStatements) {
        const named = prefix === undefined ? undefined : part.get(prefix);
        if (named !== undefined) return named;
      } else if (part.matches(prefix, path)) return part.statement;
    }
    return undefined;
  }

  #build(statements: readonly PolicyStatement[]): void {
    this.#statements = statements;
    this.#parts = [];
    let row: NamedStatement[] = [];
    const endRow = () => {
      if (row.length > 0) this.#parts.push(new NamedStatements(row));
      row = [];
    };
    for (const statement of statements) {
      const { match, prefixes } = statement;
      if (isNamed(statement)) row.push(statement);
      else {
        endRow();
        const matches = match === undefined ? () => true : matcherOf(match, prefixes);
        this.#parts.push({ statement, matches });
      }
    }
    endRow();
    this.#rejectsAll = statements.every(rejects);
    this.#isBlindToPrefix = statements.every(
      ({ prefixes, match }) => prefixes === undefined && match?.prefixRanges === undefined,
    );
  }
}

function rejects({ action }: PolicyStatement): boolean {
  return action === "reject";
}

type TriedStatement = {
  statement: PolicyStatement;
  matches: (prefix: Prefix | undefined, path: Path) => boolean;
};
