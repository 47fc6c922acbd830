import type { Capability, OpenMessage } from "../wire/message.ts";
import type { SessionOptions, SessionPeer } from "./io.ts";

/** draft-walton-bgp-hostname-capability §2: longer ones are cut. */
const hostnameMax = 64;

/**
 * What our OPEN says, the same set as Cilium's speaker sends. `restarting`: this process replaces one whose routes the peer
 * may still hold (RFC 4724 §4.1).
 */
export function ownCapabilities(
  peer: SessionPeer,
  local: { asn: number; hostname: string; softwareVersion: string; restarting: boolean },
): Capability[] {
  const capabilities: Capability[] = peer.families.map((family) => ({
    capability: "multiprotocol",
    family,
  }));
  capabilities.push({ capability: "routeRefresh" });
  // RFC 8950: only over an IPv6 session would a next hop be IPv6.
  if (peer.address.includes(":") && peer.extendedNextHop !== false) {
    const entries = peer.families
      .filter(({ afi }) => afi === "ipv4")
      .map((family) => ({ family, nextHopAfi: "ipv6" as const }));
    if (entries.length > 0) capabilities.push({ capability: "extendedNextHop", entries });
  }
  capabilities.push({ capability: "extendedMessage" });
  if (peer.role !== undefined) capabilities.push({ capability: "role", role: peer.role.name });
  if (peer.gracefulRestart !== undefined) {
    const { restartTimeSeconds, helperOnly = false } = peer.gracefulRestart;
    const restarting = local.restarting && !helperOnly;
    const kept = helperOnly ? [] : peer.families;
    capabilities.push({
      ...{ capability: "gracefulRestart", restarting, notification: true, restartTimeSeconds },
      families: kept.map((family) => ({ family, forwardingPreserved: restarting })),
    });
  }
  capabilities.push({ capability: "fourOctetAs", asn: local.asn });
  const { receive = false, send } = peer.addPath ?? {};
  if (receive || send !== undefined) {
    const entries = peer.families.map((family) => ({ family, send: send !== undefined, receive }));
    capabilities.push({ capability: "addPath", entries });
  }
  capabilities.push({ capability: "enhancedRouteRefresh" });
  const staleTimeSeconds = peer.gracefulRestart?.longLivedStaleTimeSeconds;
  if (staleTimeSeconds !== undefined) {
    const forwardingPreserved = local.restarting;
    capabilities.push({
      capability: "longLivedGracefulRestart",
      families: peer.families.map((family) => ({ family, forwardingPreserved, staleTimeSeconds })),
    });
  }
  capabilities.push(
    { capability: "fqdn", hostname: local.hostname.slice(0, hostnameMax), domain: "" },
    { capability: "softwareVersion", version: local.softwareVersion },
  );
  return capabilities;
}

/**
 * Our OPEN. The Restart State bit is for the first session after a restart (RFC 4724 §4.1). Later ones follow
 * sessions that were lost without one: forwarding went on, and without the F bit the peer would drop the
 * routes that it has kept (RFC 8538 §4).
 */
export function ownOpen(
  { peer, localAsn, routerId, capabilities }: SessionOptions,
  everEstablished: boolean,
): OpenMessage {
  return {
    type: "OPEN",
    version: 4,
    asn: localAsn,
    holdTimeSeconds: peer.holdTimeSeconds,
    bgpIdentifier: routerId,
    capabilities: everEstablished ? capabilities.map(notRestarting) : capabilities,
  };
}

function notRestarting(capability: Capability): Capability {
  const preserved = <F extends { forwardingPreserved: boolean }>(families: F[]): F[] =>
    families.map((one) => ({ ...one, forwardingPreserved: true }));
  if (capability.capability === "gracefulRestart") {
    return { ...capability, restarting: false, families: preserved(capability.families) };
  }
  if (capability.capability === "longLivedGracefulRestart") {
    return { ...capability, families: preserved(capability.families) };
  }
  return capability;
}
