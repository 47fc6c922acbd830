import { addressToBytes } from "../../net/address.ts";
import type { OpenMessage } from "../wire/message.ts";
import type { Connection } from "./connection.ts";
import type { Negotiated, SessionOptions } from "./io.ts";

/**
 * A peer that lost its end of a session opens another connection. Sooner than this after Established
 * it may as well be one that it dialled before it knew of the first: a late collision.
 */
const lateCollisionMs = 5_000;

/**
 * Whose connection survives a collision (RFC 4271 §6.8): that of the higher BGP Identifier; where they
 * are equal, as they may be between two AS, that of the higher AS number (RFC 6286 §2.3).
 */
export function survivor(
  { routerId, localAsn }: SessionOptions,
  { peerIdentifier, peerAsn }: Negotiated,
): "local" | "remote" {
  const difference = identifier(routerId) - identifier(peerIdentifier) || localAsn - peerAsn;
  return difference > 0 ? "local" : "remote";
}

/**
 * Whether to keep both connections until the peer has closed one: `ours` is further, `theirs` would
 * survive by §6.8. If each side closed what its own view says, both connections could go: the peer may
 * be Established over the one that loses before it has read the OPEN of the one that wins. So the side
 * with the lower identifier leaves it to the other. `establishedMs`: how long `ours` is Established.
 */
export function peerDecides(
  ours: Pick<Connection, "initiatedBy">,
  theirs: Pick<Connection, "initiatedBy">,
  survives: "local" | "remote",
  establishedMs = 0,
): boolean {
  const disputed = ours.initiatedBy === "local" && theirs.initiatedBy === "remote";
  return disputed && survives === "remote" && establishedMs < lateCollisionMs;
}

/**
 * Whether an OPEN on a new connection means that the Established one is dead: with graceful restart
 * negotiated, the peer has restarted (RFC 4724 §5). Without, the Established one stays (RFC 4271 §6.8).
 */
export function peerIsBack(
  negotiated: Negotiated,
  establishedMs: number,
  open: OpenMessage,
): boolean {
  if (negotiated.gracefulRestart === undefined) return false;
  const restart = open.capabilities.findLast(({ capability }) => capability === "gracefulRestart");
  const saysSo = restart?.capability === "gracefulRestart" && restart.restarting;
  return saysSo || establishedMs >= lateCollisionMs;
}

function identifier(of: SessionOptions["routerId"]): number {
  return addressToBytes(of).reduce((value, byte) => value * 256 + byte, 0);
}
