import type { IdleHold } from "./retry.ts";
import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { ByteRange } from "../wire/bytes.ts";
import type { AttributeProblem, Received } from "../wire/decode.ts";
import type { ReceivedUpdate } from "../wire/decode-update.ts";
import type {
  AfiSafi,
  Capability,
  CodecOptions,
  NotificationMessage,
  OpenMessage,
  Role,
} from "../wire/message.ts";

/** The states of RFC 4271 §8.2.2. With two connections at once: the state of the one that is further. */
export type SessionState =
  | "Idle"
  | "Connect"
  | "Active"
  | "OpenSent"
  | "OpenConfirm"
  | "Established";

/** Positive: from SessionOptions.newConnectionId. Negative: from whoever accepted the connection. */
export type ConnectionId = number;

/** Unique within one Session. DelayOpen, Hold and Keepalive timers belong to one connection each. */
export type TimerName =
  | "connectRetry"
  | "idleHold"
  | `delayOpen/${number}`
  | `hold/${number}`
  | `keepalive/${number}`;

/** What a session is told of its peer. speaker/config.ts, PeerConfig, is one of these. */
export type SessionPeer = {
  name: string;
  address: Address;
  /** Where `address` is link-local. */
  interface?: string;
  /** Expected AS number; 0 accepts any. */
  asn: number | "internal" | "external";
  localAddress?: Address;
  /** False: a shared link is none, for next hops. */
  linkLocalNextHop?: boolean;
  /** False: RFC 8950 is not offered. */
  extendedNextHop?: boolean;
  port: number;
  /** Never connect, only accept. */
  passive: boolean;
  /** Proposed Hold Time: 0 or at least 3. */
  holdTimeSeconds: number;
  keepaliveTimeSeconds: number;
  connectRetryTimeSeconds: number;
  /** DelayOpen (RFC 4271 §8.1.1): how long the peer has to send its OPEN before ours goes out; undefined: it goes at once. */
  delayOpenTimeSeconds?: number;
  idleHold?: IdleHold;
  ttl?: number;
  /** GTSM (RFC 5082): the peer is at most this many hops away, and what comes from further is not listened to. */
  ttlSecurityHops?: number;
  password?: string;
  gracefulRestart?: {
    restartTimeSeconds: number;
    longLivedStaleTimeSeconds?: number;
    helperOnly?: boolean;
    /** Administrative Reset goes as a Hard Reset (RFC 8538 §3.1). */
    hardAdministrativeReset?: boolean;
  };
  families: AfiSafi[];
  /** RFC 7911, for every family. */
  addPath?: { receive?: boolean; send?: "all" | number };
  /** RFC 9234: what we are to this external peer. `strict`: it must say what it is. */
  role?: { name: Role; strict?: boolean };
};

export type SessionOptions = {
  peer: SessionPeer;
  localAsn: number;
  routerId: Address;
  /** From ownCapabilities(). The Restart State bit is sent until the session was Established once. */
  capabilities: Capability[];
  /** Ids for `connect` effects: positive, never used before by any session of the speaker. */
  newConnectionId: () => ConnectionId;
  /** From the start to the first attempt, where a session with the same address has just ended. */
  startsAfterMs?: number;
  /** Uniform in [0, 1): timer jitter (RFC 4271 §10). */
  random: () => number;
  /** How messages are read: receiveMessage(), or what does the same for many at once. */
  receive: (frame: ByteRange, codec: CodecOptions) => Received;
};

/** Cease and its subcode (RFC 4486), with words (RFC 9003) or other data. */
export type CeaseSaid = { subcode: number; communication?: string; data?: Uint8Array };

/**
 * What we are on a link that the peer is on too (RFC 2545 §3): the address that stands for us as next hop, global
 * where there is a global one, and the link-local one that goes beside it.
 */
export type SharedLink = NonNullable<CodecOptions["sharedLink"]>;

/** Both ends of a connection. The ports are for who watches (RFC 7854 §4.10). */
export type Ends = {
  localAddress: Address;
  remoteAddress: Address;
  /** The one that both are on, where they are link-local. */
  interface?: string;
  /** Where both are on one link, IPv6. */
  sharedLink?: SharedLink;
  /** Of the interface that the connection is on, where the peer is in one of them: it is one hop away. */
  sharedSubnets?: readonly Prefix[];
  localPort?: number;
  remotePort?: number;
};

/** What happens to a session. All but start, stop, reset and reachable are the speaker's inputs of the same name, routed by connection or timer. */
export type SessionInput =
  /** ManualStart and AutomaticStart (events 1 and 3). Without effect where started. */
  | { input: "start" }
  /**
   * ManualStop (event 2). With `notification`, a Cease; without, the connections close in silence, so
   * that a graceful-restart peer keeps our routes.
   */
  | { input: "stop"; notification?: CeaseSaid }
  /** An operator's reset: Cease/Administrative Reset (RFC 4486), and at once the next attempt. Without effect where stopped. */
  | { input: "reset" }
  /** The path to the peer is known to work again (BFD): what waits for it waits no longer. */
  | { input: "reachable" }
  | ({ input: "connected"; connection: ConnectionId } & Ends)
  | { input: "connectFailed"; connection: ConnectionId; reason: string }
  | ({ input: "accepted"; connection: ConnectionId } & Ends)
  | { input: "received"; connection: ConnectionId; bytes: Uint8Array }
  | { input: "closed"; connection: ConnectionId; reason?: string }
  | { input: "unsent"; connection: ConnectionId; forMs: number }
  | { input: "timer"; timer: TimerName };

/** What is to be done with a connection: for the speaker's edge as it is. */
export type ConnectionEffect =
  | {
      do: "connect";
      connection: ConnectionId;
      remoteAddress: Address;
      /** Where `remoteAddress` is link-local. */
      interface?: string;
      port: number;
      localAddress?: Address;
      ttl?: number;
      /** GTSM (RFC 5082): packets that come with less are not listened to. */
      minTtl?: number;
      password?: string;
    }
  /** The same for a connection that was accepted. */
  | { do: "limitTtl"; connection: ConnectionId; ttl?: number; minTtl?: number }
  | { do: "send"; connection: ConnectionId; bytes: Uint8Array }
  /** Close after what was sent; the edge answers nothing, and `closed` is not expected. */
  | { do: "close"; connection: ConnectionId };

/** What a session wants done, in order. */
export type SessionEffect =
  | ConnectionEffect
  | { do: "setTimer"; timer: TimerName; afterMs: number }
  | { do: "clearTimer"; timer: TimerName }
  /** Entered Established: send the routes, then End-of-RIB per family. */
  | {
      do: "established";
      negotiated: Negotiated;
      opens: { sent: OpenMessage; received: OpenMessage };
    }
  /** Left Established. Nothing is sent to `negotiated.connection` any more. */
  | {
      do: "down";
      reason: DownReason;
      /** The NOTIFICATION received or sent, where there was one. */
      notification?: NotificationMessage;
      /** Both sides keep routes as stale until the peer is back (RFC 4724 §4.2, RFC 8538 §4). */
      graceful: boolean;
    }
  | { do: "update"; update: ReceivedUpdate; problems: AttributeProblem[] }
  /** subtype 0: send all routes of the family again. 1 and 2: BoRR and EoRR (RFC 7313). */
  | { do: "routeRefresh"; family: AfiSafi; subtype: number }
  | { do: "log"; level: "debug" | "info" | "warn" | "error"; message: string };

export type DownReason =
  | "holdTimerExpired"
  /** The peer takes nothing in (RFC 9687). */
  | "sendHoldTimerExpired"
  | "notificationReceived"
  /** We found an error and said so. */
  | "notificationSent"
  | "transportClosed"
  /** `stop` with a notification. */
  | "adminShutdown"
  | "adminReset"
  /** `stop` in silence. */
  | "stopped"
  /** A graceful-restart peer opened a new connection: the old one is dropped (RFC 4724 §5). */
  | "peerRestarted"
  /** Another connection of the same session took over (RFC 4271 §6.8). */
  | "collision";

/** What the two OPENs settled. */
export type Negotiated = Ends & {
  connection: ConnectionId;
  codec: CodecOptions;
  peerAsn: number;
  peerIdentifier: Address;
  /** iBGP: the peer's AS number is ours. */
  internal: boolean;
  /** 0: no keepalives, no hold timer. */
  holdTimeSeconds: number;
  keepaliveTimeSeconds: number;
  /** In both OPENs; IPv4 unicast also where a side sent no multiprotocol capability at all (RFC 4760 §8). */
  families: AfiSafi[];
  routeRefresh: boolean;
  enhancedRouteRefresh: boolean;
  /** Families whose routes may have an IPv6 next hop though they are IPv4 (RFC 8950), both ways. */
  extendedNextHop: AfiSafi[];
  /** The peer's, where both sides sent the capability. */
  gracefulRestart?: {
    restarting: boolean;
    /** The N bit in both OPENs (RFC 8538). */
    notification: boolean;
    restartTimeSeconds: number;
    families: { family: AfiSafi; forwardingPreserved: boolean }[];
  };
  /** The peer's, of the families in both OPENs, where graceful restart was negotiated (RFC 9494 §3). */
  longLivedGracefulRestart?: {
    family: AfiSafi;
    forwardingPreserved: boolean;
    staleTimeSeconds: number;
  }[];
  /** The peer's FQDN capability. */
  hostname?: string;
  softwareVersion?: string;
  /** All the peer sent. */
  peerCapabilities: Capability[];
};
