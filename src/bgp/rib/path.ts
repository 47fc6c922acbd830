import type { Address } from "../../net/address.ts";
import type { PathAttributes } from "../wire/message.ts";

/**
 * Path attributes together with their next hop: what one UPDATE says of all its prefixes. Never
 * changed, and shared: equal ones are the same object (attribute-pool.ts), so `===` compares them.
 */
export type AttributeSet = {
  readonly attributes: Readonly<PathAttributes>;
  /** Undefined for most prefixes originated here: each session puts its own address there (RFC 4271 §5.1.3). */
  readonly nextHop: Address | undefined;
  /** Different ones have different numbers for most of their time; those of own prefixes have none. */
  readonly number?: number;
};

/** Where a path comes from. One object per session, shared by all its paths. */
export type PathSource = { readonly kind: "own" } | PeerSource;

export type PeerSource = {
  readonly kind: "peer";
  /** PeerConfig.name. */
  readonly peer: string;
  readonly address: Address;
  /** iBGP. */
  readonly internal: boolean;
  /** Of the peer's OPEN. */
  readonly identifier: Address;
  /** An internal peer that we reflect routes for (RFC 4456). */
  readonly client: boolean;
};

/** One way to reach prefixes: shared by the prefixes that came from one source with equal attributes, as far as they came together. */
export type Path = {
  readonly source: PathSource;
  readonly set: AttributeSet;
  /** Why the decision process must not look at it (import.ts); undefined: it may. */
  readonly ineligible: string | undefined;
  /** The peer's Path Identifier (RFC 7911 §3); undefined where it does not number its paths. */
  readonly pathId?: number;
  /** Interior cost of its next hop (next-hops.ts); undefined: 0. */
  readonly cost?: number;
  /** When it was received, on the clock that the speaker is given: to the second, since prefixes share paths. */
  readonly receivedAtSeconds?: number;
};

const ownSource: PathSource = { kind: "own" };

/** Prefixes originated here are reached by this one path; export policies give it its attributes. */
export const ownPath: Path = ownPathOf({ origin: "igp" });

/** A path of our own that says more: as of routes taken over from elsewhere. */
export function ownPathOf(attributes: Omit<PathAttributes, "asPath">, nextHop?: Address): Path {
  return {
    source: ownSource,
    set: { attributes: { ...attributes, asPath: [] }, nextHop },
    ineligible: undefined,
  };
}

/** Whether one says the same as the other: sources are the same only within one session. */
export function isSamePath(a: Path, b: Path): boolean {
  return (
    a === b ||
    (a.set === b.set &&
      a.source === b.source &&
      a.pathId === b.pathId &&
      a.ineligible === b.ineligible)
  );
}
