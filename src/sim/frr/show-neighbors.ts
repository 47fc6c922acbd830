import type { PeerStatus } from "../../bgp/speaker/views.ts";
import type { FrrRouter } from "./router.ts";
import {
  effectiveNeighbor,
  hasFamily,
  isInternalNeighbor,
  needsPolicy,
} from "./effective-neighbor.ts";

/** Of `show bgp neighbors json`: what holds a session down, and by what policies routes come and go. */
export function neighborsJson(router: FrrRouter, nowMs: number): object {
  const peers = router.host?.speaker.peers(nowMs) ?? [];
  return Object.fromEntries(peers.map((peer) => [peer.name, neighborOf(router, peer)]));
}

function neighborOf({ config }: FrrRouter, peer: PeerStatus): object {
  const bgp = config.bgp!;
  const range = bgp.listenRanges.find(({ prefix }) => prefix === peer.listenRange);
  const written = bgp.neighbors.get(peer.name) ?? (range && bgp.peerGroups.get(range.group));
  const of = written && effectiveNeighbor(bgp, written);
  const isInternal = of !== undefined && isInternalNeighbor(bgp, of);
  const reason = peer.lastError ?? peer.lastDown;
  const families = (["ipv4", "ipv6"] as const).filter((family) => of && hasFamily(bgp, of, family));
  const info = families.map((family) => {
    const { routeMapIn, routeMapOut, prefixListIn, prefixListOut } = of!.families[family];
    const lacks = needsPolicy(bgp, of!);
    const isMissing = (...names: (string | undefined)[]) =>
      lacks && names.every((name) => name === undefined);
    return [
      `${family}Unicast`,
      {
        ...(routeMapIn !== undefined && { routeMapForIncomingAdvertisements: routeMapIn }),
        ...(routeMapOut !== undefined && { routeMapForOutgoingAdvertisements: routeMapOut }),
        ...(prefixListIn !== undefined && { incomingUpdatePrefixFilterList: prefixListIn }),
        ...(prefixListOut !== undefined && { outgoingUpdatePrefixFilterList: prefixListOut }),
        ...(isMissing(routeMapIn, prefixListIn) && {
          inboundEbgpRequiresPolicy: "Inbound updates discarded due to missing policy",
        }),
        ...(isMissing(routeMapOut, prefixListOut) && {
          outboundEbgpRequiresPolicy: "Outbound updates discarded due to missing policy",
        }),
      },
    ];
  });
  return {
    remoteAs: peer.asn,
    localAs: peer.localAsn,
    ...(isInternal ? { nbrInternalLink: true } : { nbrExternalLink: true }),
    bgpState: peer.state,
    ...(reason !== undefined && { lastResetDueTo: reason }),
    addressFamilyInfo: Object.fromEntries(info) as object,
  };
}

/** As FRR shows it in a summary: `Idle (Admin)`, `Idle (PfxCt)`. */
export function stateText({ config: { bgp } }: FrrRouter, peer: PeerStatus): string {
  const { state, lastError = "", name } = peer;
  const written = bgp?.neighbors.get(name);
  if (state !== "Idle" || written === undefined) return state;
  if (effectiveNeighbor(bgp!, written).shutdown !== undefined) return "Idle (Admin)";
  return lastError.startsWith("too many routes") ? "Idle (PfxCt)" : state;
}
