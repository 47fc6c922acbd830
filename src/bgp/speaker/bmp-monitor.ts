import { type FamilyName, families } from "../rib/family.ts";
import type { SessionEffect } from "../session/io.ts";
import {
  type BmpPeer,
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
import { NoRoomError } from "../wire/error.ts";
import type { CodecOptions, UpdateMessage } from "../wire/message.ts";
import { hasFamily } from "../wire/registry.ts";
import { endOfRib } from "./outbound.ts";
import type { Peer } from "./peer.ts";

/**
 * What a BMP station is told of this speaker (RFC 7854): sessions, and the Adj-RIB-In of each before any
 * policy. Messages are written anew from their values: AS numbers have four octets whatever the session
 * has, and capabilities stand in one parameter.
 */
export class BmpMonitor {
  readonly #name: { sysName: string; sysDescr: string };
  /** Of the clock that the speaker is given, the milliseconds since 1970 at its 0; undefined: not known. */
  readonly #timeOriginMs: number | undefined;

  constructor(name: { sysName: string; sysDescr: string }, timeOriginMs: number | undefined) {
    this.#name = name;
    this.#timeOriginMs = timeOriginMs;
  }

  /** Everything a station that has just connected needs (RFC 7854 §5): what follows are the changes. */
  begin(peers: readonly Peer[], nowMs: number): Uint8Array[] {
    const messages = [encodeInitiation(this.#name)];
    for (const peer of peers) {
      if (peer.established === undefined) continue;
      messages.push(this.#peerUp(peer, peer.established.sinceMs), ...this.#table(peer, nowMs));
    }
    return messages;
  }

  /** What one effect of a peer's session means to a station, told while the peer has that session. */
  observe(effect: SessionEffect, peer: Peer, nowMs: number): Uint8Array[] {
    switch (effect.do) {
      case "update":
        return this.#routeMonitoring(peer, updateMessage(effect.update), nowMs);
      case "down":
        if (peer.established === undefined) return [];
        return [encodePeerDown(this.#peer(peer, nowMs), peerDown(effect))];
      case "established":
        return [this.#peerUp(peer, nowMs)];
      default:
        return [];
    }
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

  #routeMonitoring(peer: Peer, update: UpdateMessage, atMs: number): Uint8Array[] {
    if (peer.established === undefined) return [];
    const { pathIdsIn } = peer.established.negotiated.codec;
    const codec: CodecOptions = {
      fourOctetAs: true,
      extendedMessage: true,
      ...(pathIdsIn && { pathIdsOut: pathIdsIn }),
    };
    const header = this.#peer(peer, atMs);
    return frames(update, codec).map((frame) => encodeRouteMonitoring(header, frame));
  }

  /** The Adj-RIB-In, one UPDATE for each attribute set, and End-of-RIB of each family that the peer has ended. */
  #table(peer: Peer, atMs: number): Uint8Array[] {
    const { pathIdsIn } = peer.established!.negotiated.codec;
    return [...peer.inbound.tables()].flatMap(([name, table]) => {
      const family = families[name];
      const bySet = Map.groupBy(table.entries(), ({ path }) => path.set);
      const updates: UpdateMessage[] = Array.from(bySet, ([{ attributes, nextHop }, routes]) => {
        const prefixes = routes.map(({ prefix }) => prefix);
        // A stale route may be from before the paths were numbered.
        const pathIds = routes.map(({ path }) => path.pathId ?? 0);
        const nlri = hasFamily(pathIdsIn, family) ? { prefixes, pathIds } : { prefixes };
        const announced = [{ family, nextHop: nextHop!, ...nlri }];
        return { type: "UPDATE", withdrawn: [], attributes, announced };
      });
      if (peer.inbound.hasEndOfRib(name)) updates.push(endOfRib(family));
      return updates.flatMap((update) => this.#routeMonitoring(peer, update, atMs));
    });
  }

  #peer({ established }: Peer, atMs: number): BmpPeer {
    const { remoteAddress, peerAsn, peerIdentifier } = established!.negotiated;
    return {
      address: remoteAddress,
      asn: peerAsn,
      bgpIdentifier: peerIdentifier,
      ...(this.#timeOriginMs !== undefined && { atMs: this.#timeOriginMs + atMs }),
    };
  }
}

/**
 * An UPDATE with AS numbers of two octets may be too long with four of them. Its routes are then told as
 * withdrawn, for what the station has of them is not true any more.
 */
function frames(update: UpdateMessage, codec: CodecOptions): Uint8Array[] {
  try {
    return encodeMessage(update, codec);
  } catch (error) {
    if (!(error instanceof NoRoomError)) throw error;
    const { announced, withdrawn } = update;
    const gone = announced.map(({ nextHop: _, ...nlri }) => nlri);
    const without = { attributes: undefined, announced: [], withdrawn: [...withdrawn, ...gone] };
    return encodeMessage({ type: "UPDATE", ...without }, codec);
  }
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
