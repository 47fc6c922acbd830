import { address } from "../../net/address.ts";
import { type Prefix, prefixFamily } from "../../net/prefix.ts";
import { encodePeerIndexTable, encodeRibEntry, type MrtPeer, type MrtRoute } from "../wire/mrt.ts";
import type { SpeakerConfig } from "./config.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";

const unspecified = { ipv4: address("0.0.0.0"), ipv6: address("::") };

/** Routes originated here are of peer 0, as FRR writes them. */
const ownPeer: MrtPeer = {
  address: unspecified.ipv4,
  asn: 0,
  bgpIdentifier: unspecified.ipv4,
};

/**
 * The records of a TABLE_DUMP_V2 file (RFC 6396 §4.3): every peer with routes, and for each prefix all that
 * was received of it, used or not, with what is originated here. `startSeconds`: since 1970, at the 0 of the
 * speaker's clock; undefined: not known, and each route has the time of the dump.
 */
export function* mrtDump(
  all: readonly Peer[],
  ribs: Ribs,
  { routerId }: SpeakerConfig,
  atSeconds: number,
  startSeconds: number | undefined,
): Generator<Uint8Array> {
  const peers = all.filter(({ inbound }) => inbound.tables().size > 0);
  const index = [ownPeer, ...peers.map(mrtPeer)];
  yield encodePeerIndexTable(atSeconds, { collectorId: routerId, viewName: "", peers: index });

  const byPrefix = new Map<Prefix, MrtRoute[]>();
  const add = (prefix: Prefix, route: MrtRoute) => {
    const routes = byPrefix.get(prefix);
    if (routes === undefined) byPrefix.set(prefix, [route]);
    else routes.push(route);
  };
  for (const [prefix, { set }] of ribs.originated) {
    const nextHop = unspecified[prefixFamily(prefix)];
    const { attributes } = set;
    add(prefix, {
      peerIndex: 0,
      originatedSeconds: startSeconds ?? atSeconds,
      nextHop,
      attributes,
    });
  }
  for (const [i, { inbound }] of peers.entries()) {
    for (const table of inbound.tables().values()) {
      for (const { prefix, path } of table.entries()) {
        const { set, pathId, receivedAtSeconds } = path;
        const isTimed = startSeconds !== undefined && receivedAtSeconds !== undefined;
        const { attributes, nextHop } = set;
        add(prefix, {
          peerIndex: i + 1,
          originatedSeconds: isTimed ? startSeconds + receivedAtSeconds : atSeconds,
          // A received route has one.
          nextHop: nextHop!,
          attributes,
          ...(pathId !== undefined && { pathId }),
        });
      }
    }
  }
  let sequence = 0;
  for (const [prefix, routes] of byPrefix) {
    yield encodeRibEntry(atSeconds, { sequence: sequence++, prefix, routes });
  }
}

/** A peer that is away for a restart has no identifier. */
function mrtPeer({ config, established }: Peer): MrtPeer {
  const { peerAsn, peerIdentifier = unspecified.ipv4 } = established?.negotiated ?? {};
  const configured = typeof config.asn === "number" ? config.asn : 0;
  return { address: config.address, asn: peerAsn ?? configured, bgpIdentifier: peerIdentifier };
}
