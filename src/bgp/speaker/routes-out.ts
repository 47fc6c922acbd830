import type { Prefix } from "../../net/prefix.ts";
import type { Exporter } from "../rib/export.ts";
import type { FamilyName } from "../rib/family.ts";
import type { AttributeSet } from "../rib/path.ts";
import type { PrefixIds } from "../rib/prefix-table.ts";

/** One Established session, as far as routes are sent over it. */
export type Receiver = {
  /** PeerConfig.name. */
  readonly peer: string;
  /** Whole messages. */
  readonly send: (bytes: Uint8Array) => void;
  /** Counts routes that such a message announces. */
  readonly announced: (name: FamilyName, routes: number) => void;
  /** Starts the session's MinRouteAdvertisementIntervalTimer for the family (advertisement-interval.ts). */
  readonly startInterval: (name: FamilyName) => void;
  /** For the log: the first of the routes that no message holds. */
  readonly notSent: (reason: string, prefix: Prefix) => void;
};

/** A route that a session was sent, and that its peer has not been told to forget. */
export type SentRoute = {
  readonly prefix: Prefix;
  readonly pathId?: number;
  readonly set: AttributeSet;
};

/**
 * The routes of one family that sessions are sent, and what was sent (adj-rib-out, RFC 4271 §3.2): a group of
 * sessions (update-group.ts), or one that numbers its paths (numbered-out.ts).
 */
export type RoutesOut = {
  readonly exporter: Exporter;
  /** Number of routes that the peer was sent. */
  sizeFor(peer: string): number;
  routesFor(peer: string): SentRoute[];
  /** All of it to one that has nothing yet, or that asks for it again. */
  dump(to: Receiver, endOfRib: boolean): void;
  /** The paths to these prefixes are others. */
  changed(ids: PrefixIds): void;
  leave(receiver: Receiver): void;
};
