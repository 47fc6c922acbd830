import type { FamilyName } from "../rib/family.ts";
import type { Negotiated, SessionEffect } from "../session/io.ts";
import type { OpenMessage } from "../wire/message.ts";
import type { PeerConfig } from "./config.ts";
import type { ConnectionId, Effect } from "./effect.ts";
import type { Outbound } from "./outbound.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";
import type { SpeakerIdentity } from "./session-view.ts";
import type { UpdateGroups } from "./update-groups.ts";

/** What a peer needs of its speaker. */
export type PeerContext = {
  /** As configured now. */
  readonly speaker: () => SpeakerIdentity;
  readonly softwareVersion: string;
  /** The Restart State bit of the first session's OPEN (RFC 4724 §4.1). */
  readonly restarting: boolean;
  readonly ribs: Ribs;
  readonly groups: UpdateGroups;
  /** Families whose route selection waits for the peers (RFC 4724 §4.1). */
  readonly deferred: () => ReadonlySet<FamilyName>;
  readonly random: () => number;
  /** From the start to the first attempt. */
  readonly startsAfterMs: number;
  /** From Established until the first UPDATE. */
  readonly firstUpdateMs: () => number;
  /** Until a peer is sent its routes anew: by another policy, or since it asked for them. */
  readonly announceMs: (isInGroup: boolean) => number;
  /** Why the address of a peer that is named by its interface is not known; undefined where it is. */
  readonly whyUnknown: (config: PeerConfig) => string | undefined;
  readonly newConnectionId: () => ConnectionId;
  /** What the session does, told while the peer has that session: for who watches. */
  readonly observe: (effect: SessionEffect, peer: Peer, nowMs: number) => void;
  /** The stale routes of the family are about to go. */
  readonly sweeping: (name: FamilyName, peer: Peer, nowMs: number) => void;
  readonly emit: (effect: Effect, peer: Peer) => void;
  /** The peer's state or one of its route counts is another. */
  readonly changed: (peer: Peer) => void;
};

/** What a peer has while its session is Established. */
export type Established = {
  readonly negotiated: Negotiated;
  readonly opens: { readonly sent: OpenMessage; readonly received: OpenMessage };
  readonly outbound: Outbound;
  readonly sinceMs: number;
};
