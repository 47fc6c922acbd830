import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/** What a BGP speaker holds, in one shape for FRR and for Spinelab's own agent. */

export type AddressFamily = "ipv4-unicast" | "ipv6-unicast";

/** One path to a prefix. A prefix with several paths has several of these. */
export type RibRoute = {
  prefix: Prefix;
  valid: boolean;
  /** Chosen by the decision process. */
  best: boolean;
  /** Used beside the best one (ECMP). */
  multipath: boolean;
  /** Kept while its neighbor restarts (RFC 4724). */
  stale: boolean;
  /** Empty where the speaker itself is the origin. */
  nextHops: NextHop[];
  /** AS numbers from the neighbor to the origin, separated by spaces; empty: made in this AS. */
  asPath: string;
  localPref?: number;
  med?: number;
  origin: "IGP" | "EGP" | "incomplete";
  /** As FRR writes them: `65000:1`, `no-export`. Undefined where the source does not tell. */
  communities?: string[];
  largeCommunities?: string[];
  /** Address of the neighbor it came from; undefined for own routes. */
  peer?: Address;
  /** The neighbor's name by the FQDN capability. */
  peerName?: string;
  /** Why the best path won, as the speaker words it. */
  why?: string;
};

/** `interface` is set where the address is link-local and the speaker told it. */
export type NextHop = { address: Address; interface?: string };

export type Session = {
  /** Address of the neighbor, or the interface where the session is unnumbered. */
  peer: string;
  /** The neighbor's name by the FQDN capability, once it was heard. */
  hostname?: string;
  /** RFC 4271 §8.2.2 state. */
  state: string;
  /** What keeps it down, in FRR's words: `PfxCt` too many prefixes, `Admin` shut down. */
  heldBy?: string;
  localAsn: number;
  /** 0 where it is not known yet. */
  remoteAsn: number;
  /** Prefixes of the address family asked for. */
  received: number;
  sent: number;
  /** Since Established; 0 in any other state. FRR counts whole seconds. */
  uptimeMs: number;
};
