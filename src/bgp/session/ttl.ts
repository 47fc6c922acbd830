import type { SessionPeer } from "./io.ts";

/**
 * The TTL of a peer's packets: with GTSM all are sent with 255, and fewer than 256 - hops were from
 * further away than the peer is (RFC 5082 §3).
 */
export function ttlOf({ ttl, ttlSecurityHops }: Pick<SessionPeer, "ttl" | "ttlSecurityHops">): {
  ttl?: number;
  minTtl?: number;
} {
  if (ttlSecurityHops !== undefined) return { ttl: 255, minTtl: 256 - ttlSecurityHops };
  return ttl === undefined ? {} : { ttl };
}
