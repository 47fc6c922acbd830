import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Origin } from "../wire/message.ts";
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
  /** Inside one of these, with a length in its range. */
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

/** `minLength` and `maxLength`: undefined is the prefix's own length. */
export type PrefixRange = { prefix: Prefix; minLength?: number; maxLength?: number };

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
  readonly statements: readonly PolicyStatement[];
  /** Prefix to the first statement naming it and nothing else: with these alone no statement is looked at in turn. */
  readonly #named = new Map<Prefix, number>();
  /** The first statement that matches every route. */
  readonly #matchAll: number;
  /** Whether it says the same of every prefix. */
  readonly isBlindToPrefix: boolean;
  /** Statements that must be tried, in order. */
  readonly #tried: { at: number; matches: (prefix: Prefix | undefined, path: Path) => boolean }[] =
    [];

  constructor(statements: readonly PolicyStatement[]) {
    this.statements = statements;
    let matchAll = Infinity;
    for (const [at, { prefixes, match }] of statements.entries()) {
      if (match !== undefined) {
        this.#tried.push({ at, matches: matcherOf(match, prefixes) });
      } else if (prefixes === undefined) {
        matchAll = Math.min(matchAll, at);
      } else {
        for (const prefix of prefixes) if (!this.#named.has(prefix)) this.#named.set(prefix, at);
      }
    }
    this.#matchAll = matchAll;
    this.isBlindToPrefix = statements.every(
      ({ prefixes, match }) => prefixes === undefined && match?.prefixRanges === undefined,
    );
  }

  /**
   * The statement that decides about the route; undefined where none matches. The prefix may be left out
   * where every one is as good.
   */
  match(prefix: Prefix | undefined, path: Path): PolicyStatement | undefined {
    const named = prefix === undefined ? undefined : this.#named.get(prefix);
    const certain = Math.min(named ?? Infinity, this.#matchAll);
    for (const { at, matches } of this.#tried) {
      if (at > certain) break;
      if (matches(prefix, path)) return this.statements[at];
    }
    return this.statements[certain];
  }
}
