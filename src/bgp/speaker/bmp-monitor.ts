import { address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { type FamilyName, familyName, families } from "../rib/family.ts";
import type { ReceivedEntry } from "../rib/adj-rib-in.ts";
import type { Path } from "../rib/path.ts";
import type { PrefixIds } from "../rib/prefix-table.ts";
import type { SessionEffect } from "../session/io.ts";
import {
  type BmpPeer,
  type BmpRib,
  encodeInitiation,
  encodePeerDown,
  encodePeerUp,
  encodeRouteMonitoring,
  encodeStatistics,
  encodeTermination,
  type PeerDown,
  StatisticsType,
  TerminationReason,
} from "../wire/bmp.ts";
import { updateMessage } from "../wire/decode-update.ts";
import { encodeMessage } from "../wire/encode.ts";
import type { AfiSafi, OpenMessage, UpdateMessage } from "../wire/message.ts";
import { hasFamily } from "../wire/registry.ts";
import { framesOf, type ToldRoute, updatesOf } from "./bmp-updates.ts";
import type { SpeakerConfig } from "./config.ts";
import { endOfRib } from "./outbound.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";

const adjRibsIn = ["pre-policy", "post-policy"] as const;
const noAddress = address("0.0.0.0");

export type BmpMonitorOptions = {
  config: () => SpeakerConfig;
  ribs: Ribs;
  /** For sysDescr: `spinelab/0.1.0`. */
  softwareVersion: string;
  /** Of the clock that the speaker is given, the milliseconds since 1970 at its 0; undefined: not known. */
  timeOriginMs: number | undefined;
};

/**
 * What a BMP station is told of this speaker (RFC 7854): sessions, the Adj-RIB-In of each before policy and
 * after it, and the loc-rib (RFC 9069), whichever of them the configuration names. Messages are written anew
 * from their values: AS numbers have four octets whatever the session has, and capabilities stand in one parameter.
 */
export class BmpMonitor {
  readonly #options: BmpMonitorOptions;

  constructor(options: BmpMonitorOptions) {
    this.#options = options;
  }

  /** Everything a station that has just connected needs (RFC 7854 §5): what follows are the changes. */
  begin(peers: readonly Peer[], nowMs: number): Uint8Array[] {
    const { hostname: sysName } = this.#options.config();
    const messages = [encodeInitiation({ sysName, sysDescr: this.#options.softwareVersion })];
    for (const peer of peers) {
      if (peer.established === undefined) continue;
      messages.push(this.#peerUp(peer, peer.established.sinceMs), ...this.#tables(peer, nowMs));
    }
    if (this.#tells("loc-rib")) messages.push(...this.#locRib(nowMs));
    return messages;
  }

  /** What one effect of a peer's session means to a station: of `down` told before, of the others after it was acted on. */
  observe(effect: SessionEffect, peer: Peer, nowMs: number): Uint8Array[] {
    switch (effect.do) {
      case "update":
        return this.#update(peer, updateMessage(effect.update), nowMs);
      case "down":
        if (peer.established === undefined) return [];
        return [encodePeerDown(this.#peer(peer, nowMs), peerDown(effect))];
      case "established":
        // Routes that were kept as stale since before the session: Peer Down has taken them from the station.
        return [this.#peerUp(peer, nowMs), ...this.#tables(peer, nowMs)];
      default:
        return [];
    }
  }

  /** The peer's stale routes are about to go without a word of its own: of a session that is over Peer Down has told. */
  sweeping(name: FamilyName, peer: Peer, nowMs: number): Uint8Array[] {
    if (peer.established === undefined) return [];
    const { pathIdsIn } = peer.established.negotiated.codec;
    const gone = this.#told(peer, name).filter(({ isStale }) => isStale);
    const routes = gone.map(({ prefix, path: { pathId } }) => ({
      ...{ prefix, ...(pathId !== undefined && { pathId }), set: undefined },
    }));
    const updates = updatesOf(families[name], routes, hasFamily(pathIdsIn, families[name]));
    return adjRibsIn
      .filter((rib) => this.#tells(rib))
      .flatMap((rib) => this.#monitoring(this.#peer(peer, nowMs, rib), updates, pathIdsIn));
  }

  /** The peer's import policy is another: all of its routes as that leaves them. */
  policyChanged(peer: Peer, nowMs: number): Uint8Array[] {
    if (peer.established === undefined || !this.#tells("post-policy")) return [];
    return this.#table(peer, "post-policy", nowMs);
  }

  /** Other routes are used to these prefixes. */
  locRibChanged(name: FamilyName, ids: PrefixIds, nowMs: number): Uint8Array[] {
    if (!this.#tells("loc-rib")) return [];
    const { loc, prefixes } = this.#options.ribs;
    const routes = Array.from(ids, (id) => ({
      prefix: prefixes[name].prefix(id),
      set: loc[name].bestAt(id)?.set,
    }));
    return this.#monitoring(
      this.#speaker(nowMs),
      updatesOf(families[name], routes, false),
      undefined,
    );
  }

  /** RFC 7854 §4.8. */
  statistics(
    peers: readonly Peer[],
    locRib: (name: FamilyName) => number,
    nowMs: number,
  ): Uint8Array[] {
    const names = Object.keys(families) as FamilyName[];
    const locRibRoutes = names.reduce((sum, name) => sum + locRib(name), 0);
    return peers.flatMap((peer) => {
      if (peer.established === undefined) return [];
      const tables = [...peer.inbound.tables().values()];
      const adjRibIn = tables.reduce((sum, { size }) => sum + size, 0);
      return [
        encodeStatistics(this.#peer(peer, nowMs), [
          { type: StatisticsType.adjRibInRoutes, value: adjRibIn },
          { type: StatisticsType.locRibRoutes, value: locRibRoutes },
        ]),
      ];
    });
  }

  end(): Uint8Array {
    return encodeTermination(TerminationReason.administrativelyClosed);
  }

  #peerUp(peer: Peer, atMs: number): Uint8Array {
    const { negotiated, opens } = peer.established!;
    const { localAddress, localPort = 0, remotePort = 0 } = negotiated;
    const plain = { fourOctetAs: true, extendedMessage: false };
    const [sentOpen] = encodeMessage(opens.sent, plain);
    const [receivedOpen] = encodeMessage(opens.received, plain);
    return encodePeerUp(this.#peer(peer, atMs), {
      localAddress,
      localPort,
      remotePort,
      sentOpen: sentOpen!,
      receivedOpen: receivedOpen!,
    });
  }

  #update(peer: Peer, update: UpdateMessage, atMs: number): Uint8Array[] {
    if (peer.established === undefined) return [];
    const { pathIdsIn } = peer.established.negotiated.codec;
    const messages: Uint8Array[] = [];
    if (this.#tells("pre-policy")) {
      messages.push(...this.#monitoring(this.#peer(peer, atMs), [update], pathIdsIn));
    }
    if (this.#tells("post-policy")) {
      const header = this.#peer(peer, atMs, "post-policy");
      messages.push(...this.#monitoring(header, afterPolicy(peer, update), pathIdsIn));
    }
    return messages;
  }

  #tables(peer: Peer, atMs: number): Uint8Array[] {
    return adjRibsIn
      .filter((rib) => this.#tells(rib))
      .flatMap((rib) => this.#table(peer, rib, atMs));
  }

  /**
   * What a station has of the family. A stale route from a session that numbered its paths where this one does not, or
   * the other way round, is not among it: nothing could say which one it is.
   */
  #told(peer: Peer, name: FamilyName): ReceivedEntry[] {
    const isNumbered = hasFamily(peer.established!.negotiated.codec.pathIdsIn, families[name]);
    const entries = peer.inbound.tables().get(name)?.entries() ?? [];
    return entries.filter(({ path }) => (path.pathId !== undefined) === isNumbered);
  }

  /** The Adj-RIB-In, and End-of-RIB of each family that the peer has ended. */
  #table(peer: Peer, rib: (typeof adjRibsIn)[number], atMs: number): Uint8Array[] {
    const { pathIdsIn } = peer.established!.negotiated.codec;
    const header = this.#peer(peer, atMs, rib);
    return [...peer.inbound.tables().keys()].flatMap((name) => {
      const family = families[name];
      const routes = this.#told(peer, name).map(({ prefix, path }): ToldRoute => {
        const { pathId } = path;
        const set = rib === "pre-policy" ? path.set : imported(peer, prefix, path);
        return { prefix, ...(pathId !== undefined && { pathId }), set };
      });
      const updates = updatesOf(family, routes, hasFamily(pathIdsIn, family));
      if (peer.inbound.hasEndOfRib(name)) updates.push(endOfRib(family));
      return this.#monitoring(header, updates, pathIdsIn);
    });
  }

  /** The speaker as a peer that is up, and its routes (RFC 9069 §5). */
  #locRib(nowMs: number): Uint8Array[] {
    const { localAsn, routerId } = this.#options.config();
    const open: OpenMessage = {
      ...{ type: "OPEN", version: 4, asn: localAsn, holdTimeSeconds: 0, bgpIdentifier: routerId },
      capabilities: [
        ...Object.values(families).map(
          (family) => ({ capability: "multiprotocol", family }) as const,
        ),
        { capability: "extendedMessage" },
        { capability: "fourOctetAs", asn: localAsn },
      ],
    };
    const [bytes] = encodeMessage(open, { fourOctetAs: true, extendedMessage: false });
    const header = this.#speaker(nowMs);
    const up = encodePeerUp(header, {
      localAddress: noAddress,
      localPort: 0,
      remotePort: 0,
      sentOpen: bytes!,
      receivedOpen: bytes!,
      tableName: "global",
    });
    const names = Object.keys(families) as FamilyName[];
    const tables = names.flatMap((name) => [
      ...this.locRibChanged(name, this.#options.ribs.loc[name].ids(), nowMs),
      ...this.#monitoring(header, [endOfRib(families[name])], undefined),
    ]);
    return [up, ...tables];
  }

  #monitoring(
    header: BmpPeer,
    updates: readonly UpdateMessage[],
    pathIds: AfiSafi[] | undefined,
  ): Uint8Array[] {
    return updates.flatMap((update) =>
      framesOf(update, pathIds).map((frame) => encodeRouteMonitoring(header, frame)),
    );
  }

  #tells(rib: BmpRib): boolean {
    return this.#options.config().bmp?.ribs.includes(rib) === true;
  }

  #speaker(nowMs: number): BmpPeer {
    const { localAsn, routerId } = this.#options.config();
    const from = { address: noAddress, asn: localAsn, bgpIdentifier: routerId };
    return { rib: "loc-rib", ...from, ...this.#at(nowMs) };
  }

  #at(nowMs: number): { atMs?: number } {
    const { timeOriginMs } = this.#options;
    return timeOriginMs === undefined ? {} : { atMs: timeOriginMs + nowMs };
  }

  #peer({ established }: Peer, nowMs: number, rib: BmpRib = "pre-policy"): BmpPeer {
    const { remoteAddress, peerAsn, peerIdentifier } = established!.negotiated;
    return {
      rib,
      address: remoteAddress,
      asn: peerAsn,
      bgpIdentifier: peerIdentifier,
      ...this.#at(nowMs),
    };
  }
}

/** The same routes as the import policy leaves them: what it rejects is not there. */
function afterPolicy(peer: Peer, update: UpdateMessage): UpdateMessage[] {
  const withdrawn = { ...update, attributes: undefined, announced: [] };
  const rest = update.announced.flatMap(({ family, prefixes, pathIds }) => {
    const routes = prefixes.map((prefix, i): ToldRoute => {
      const pathId = pathIds?.[i];
      const received = peer.inbound.tables().get(familyName(family))?.pathsTo(prefix) ?? [];
      const path = received.find((one) => one.pathId === pathId);
      const set = path && imported(peer, prefix, path);
      return { prefix, ...(pathId !== undefined && { pathId }), set };
    });
    return updatesOf(family, routes, pathIds !== undefined);
  });
  const isEmpty = update.withdrawn.length === 0 && update.endOfRib === undefined;
  return isEmpty ? rest : [withdrawn, ...rest];
}

function imported({ inbound }: Peer, prefix: Prefix, path: Path): ToldRoute["set"] {
  const result = inbound.afterPolicy(prefix, path);
  return "path" in result ? result.path.set : undefined;
}

/** RFC 7854 §4.9. */
function peerDown({ reason, notification }: Extract<SessionEffect, { do: "down" }>): PeerDown {
  if (notification === undefined) {
    if (reason === "transportClosed") return { reason: "remoteNoData" };
    // ManualStop; for a peer that restarted RFC 4271 has no event.
    return { reason: "localNoNotification", fsmEvent: reason === "stopped" ? 2 : 0 };
  }
  const plain = { fourOctetAs: true, extendedMessage: true };
  const [frame] = encodeMessage(notification, plain);
  const by = reason === "notificationReceived" ? "remoteNotification" : "localNotification";
  return { reason: by, notification: frame! };
}
