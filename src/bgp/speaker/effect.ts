import type { Address } from "../../net/address.ts";
import type { ConnectionEffect, Ends } from "../session/io.ts";
import type { RouteEffect } from "./route-feed.ts";

/**
 * The speaker's edge. Whatever happens outside comes in as an Input together with the time; whatever
 * is to be done outside comes back as Effects, in order. Nobody in bgp/ opens a socket, sets a timer
 * or reads a clock.
 */
export type Input =
  /** A `connect` effect succeeded. */
  | ({ input: "connected"; connection: ConnectionId } & Ends)
  /** A `connect` effect failed: `reason` as the system names it (ECONNREFUSED, ETIMEDOUT, …). */
  | { input: "connectFailed"; connection: ConnectionId; reason: string }
  /** A peer connected to the listening port. The edge chooses a fresh ConnectionId: negative numbers are the edge's. */
  | ({ input: "accepted"; connection: ConnectionId } & Ends)
  | { input: "received"; connection: ConnectionId; bytes: Uint8Array }
  /** The transport is gone, by FIN, by error, or after a `close` effect of ours. */
  | { input: "closed"; connection: ConnectionId; reason?: string }
  /** Bytes wait to be sent, and the transport has taken none of them for so long; told every so often. */
  | { input: "unsent"; connection: ConnectionId; forMs: number }
  /**
   * The routers heard on the link of a peer that is named by its interface, the one that was first heard last
   * first. Undefined: the link is down.
   */
  | { input: "neighbors"; interface: string; addresses: readonly Address[] | undefined }
  /** A BFD packet (RFC 5881), with TTL 255 and no less. `interface`: where `remoteAddress` is link-local. */
  | { input: "bfdReceived"; remoteAddress: Address; interface?: string; bytes: Uint8Array }
  /** What reaches these next hops: asked for by `trackNextHop`, and again whenever it changes, until `untrackNextHop`. Without a cost nothing does. */
  | { input: "nextHops"; told: readonly { nextHop: Address; cost: number | undefined }[] }
  /** A timer set by `setTimer` fired. */
  | { input: "timer"; timer: TimerId };

/** Positive: chosen by the speaker with `connect`. Negative: chosen by the edge with `accepted`. */
export type ConnectionId = number;

/** Opaque: made by the speaker, handed back when the timer fires. */
export type TimerId = string;

export type Effect =
  | ConnectionEffect
  /** Replaces an earlier timer of the same id. */
  | { do: "setTimer"; timer: TimerId; afterMs: number }
  | { do: "clearTimer"; timer: TimerId }
  /** Something an operator would want in the log. `peer` is PeerConfig.name. */
  | { do: "log"; level: "debug" | "info" | "warn" | "error"; message: string; peer?: string }
  /** To every BMP station (RFC 7854): whole messages. Only where the configuration has `bmp`. */
  | { do: "bmp"; bytes: Uint8Array }
  /** Answered by `nextHops`; only where the configuration has `trackNextHops` or `installRoutes`. */
  | { do: "trackNextHop"; nextHop: Address }
  /** No route needs it any more, so that nothing is to be told of it. */
  | { do: "untrackNextHop"; nextHop: Address }
  /** Only where the configuration has `installRoutes`. */
  | RouteEffect
  /**
   * To UDP port 3784 with TTL 255, always from the same port of 49152 to 65535, no other session's
   * (RFC 5881 §4, §5). What cannot be sent is lost.
   */
  | {
      do: "bfdSend";
      session: number;
      remoteAddress: Address;
      localAddress?: Address;
      interface?: string;
      bytes: Uint8Array;
    }
  /** Nothing more is sent for it. */
  | { do: "bfdClose"; session: number }
  /** A session changed state, or counted routes changed: status is worth reporting. */
  | { do: "changed"; peer: string };
