import type { PathAttributes, Role } from "../wire/message.ts";

/** Leaks found and routes marked by ONLY_TO_CUSTOMER (RFC 9234 §5). `own`: what this side is to the peer. */

/** Why a received route is a leak, or undefined. */
export function leakedIn(
  { onlyToCustomer: otc }: Readonly<PathAttributes>,
  own: Role,
  peerAsn: number,
): string | undefined {
  if (otc === undefined) return undefined;
  // 1. From below, or from a client of the route server.
  if (own === "provider" || own === "rs") {
    return `a route leak: the peer is our customer, and OTC ${otc} sends it down only (RFC 9234 §5)`;
  }
  // 2. From a peer, and not marked by it.
  if (own === "peer" && otc !== peerAsn) {
    return `a route leak: from a peer, and OTC is ${otc}, not ${peerAsn} (RFC 9234 §5)`;
  }
  return undefined;
}

/** 3. OTC of a received route: from a provider, a peer or a route server it is there, or is put there. */
export function markedIn(
  { onlyToCustomer: otc }: Readonly<PathAttributes>,
  own: Role,
  peerAsn: number,
): number | undefined {
  const fromAbove = own === "customer" || own === "peer" || own === "rs-client";
  return otc ?? (fromAbove ? peerAsn : undefined);
}

/** Whether a route with OTC must not go to this peer: a provider, a peer or a route server. */
export function leaksOut({ onlyToCustomer }: Readonly<PathAttributes>, own: Role): boolean {
  const goesUp = own === "customer" || own === "peer" || own === "rs-client";
  return onlyToCustomer !== undefined && goesUp;
}

/** OTC of a route that is sent: to a customer, a peer or a client of the route server it is there, or is put there. */
export function markedOut(
  { onlyToCustomer: otc }: Readonly<PathAttributes>,
  own: Role,
  localAsn: number,
): number | undefined {
  const goesDown = own === "provider" || own === "peer" || own === "rs";
  return otc ?? (goesDown ? localAsn : undefined);
}
