import { type Address, familyOf } from "../../net/address.ts";
import { encodeAttributes } from "../wire/encode-update.ts";
import type { CodecOptions, PathAttributes } from "../wire/message.ts";

/**
 * Path attributes together with their next hop: what one UPDATE says of all its prefixes. Never
 * changed, and shared: equal ones are the same object (attribute-pool.ts), so `===` compares them.
 */
export type AttributeSet = {
  readonly attributes: Readonly<PathAttributes>;
  /** Undefined for prefixes originated here: each session puts its own address there (RFC 4271 §5.1.3). */
  readonly nextHop: Address | undefined;
};

/** A set of an AttributePool. */
export class InternedSet implements AttributeSet {
  readonly attributes: Readonly<PathAttributes>;
  readonly nextHop: Address | undefined;
  /** What the pool knows it by: a range of `slab`. Undefined where a value is too long for any message. */
  readonly slab: Uint8Array | undefined;
  readonly begin: number;
  readonly end: number;
  /** Of these bytes, and the next set with the same one. */
  readonly hash: number;
  next: InternedSet | undefined;
  /** The last path that was made of it: the next is mostly the same. */
  lastPath: Path | undefined;

  constructor(
    attributes: Readonly<PathAttributes>,
    nextHop: Address | undefined,
    slab: Uint8Array | undefined,
    begin: number,
    end: number,
    hash: number,
  ) {
    this.attributes = attributes;
    this.nextHop = nextHop;
    this.slab = slab;
    this.begin = begin;
    this.end = end;
    this.hash = hash;
    this.next = undefined;
    this.lastPath = undefined;
  }

  /** All but the MP attributes, as an UPDATE carries them. Throws NoRoomError for a value that none can hold. */
  encoded(codec: CodecOptions): Uint8Array {
    const { attributes, nextHop, slab, begin, end } = this;
    const isIpv6 = nextHop !== undefined && familyOf(nextHop) === "ipv6";
    if (slab === undefined || !codec.fourOctetAs) {
      return encodeAttributes(attributes, codec, isIpv6 ? undefined : nextHop);
    }
    return slab.subarray(begin, isIpv6 ? end - 16 : end);
  }
}

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
};

/** All prefixes originated here are reached by this one path; export policies give it its attributes. */
export const ownPath: Path = {
  source: { kind: "own" },
  set: { attributes: { origin: "igp", asPath: [] }, nextHop: undefined },
  ineligible: undefined,
};

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
