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
  if (peer.address.includes(":")) {
    const entries = peer.families
      .filter(({ afi }) => afi === "ipv4")
      .map((family) => ({ family, nextHopAfi: "ipv6" as const }));
    if (entries.length > 0) capabilities.push({ capability: "extendedNextHop", entries });
  }
  capabilities.push({ capability: "extendedMessage" });
  if (peer.gracefulRestart !== undefined) {
    capabilities.push({
      capability: "gracefulRestart",
      restarting: local.restarting,
      notification: true,
      restartTimeSeconds: peer.gracefulRestart.restartTimeSeconds,
      families: peer.families.map((family) => ({ family, forwardingPreserved: local.restarting })),
    });
  }
  capabilities.push(
    { capability: "fourOctetAs", asn: local.asn },
    { capability: "enhancedRouteRefresh" },
    { capability: "fqdn", hostname: local.hostname.slice(0, hostnameMax), domain: "" },
    { capability: "softwareVersion", version: local.softwareVersion },
  );
  return capabilities;
}

/** Our OPEN. The Restart State bit is for the first session after a restart (RFC 4724 §4.1). */
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
  if (capability.capability !== "gracefulRestart") return capability;
  const families = capability.families.map(({ family }) => ({
    family,
    forwardingPreserved: false,
  }));
  return { ...capability, restarting: false, families };
}
