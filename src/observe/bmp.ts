import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import {
  BmpFrames,
  type BmpMessage,
  decodeBmp,
  type HeardPeer,
  type HeardPeerDown,
  type HeardRib,
} from "../bgp/wire/decode-bmp.ts";
import { decodeMessage } from "../bgp/wire/decode.ts";
import { WireError } from "../bgp/wire/error.ts";
import type { CodecOptions, Message, OpenMessage } from "../bgp/wire/message.ts";
import { notificationName } from "../bgp/wire/registry.ts";

/** What a router told of itself by BMP (RFC 7854). */
export type BmpTold = {
  node: string;
  /** When it was so by the router's own clock, where it says that; milliseconds since 1970. FRR's has whole seconds. */
  routerUnixMs?: number;
} & (
  | { what: "peerUp"; peer: Address }
  /** `wasUp`: not where a connection ended that never became a session, of which FRR tells too. */
  | { what: "peerDown"; peer: Address; reason: string; wasUp: boolean }
  | {
      what: "routes";
      peer: Address;
      rib: HeardRib;
      announced: { prefix: Prefix; via: Address }[];
      withdrawn: Prefix[];
      /** The router has taken them in; by then it has decided what to use. */
      decidesWithinMs?: number;
      /** Why the UPDATE cannot be read. */
      problem?: string;
    }
  | { what: "statistics"; peer: Address }
  /** The connection has ended: with the daemon, as a rule. */
  | { what: "gone" }
);

/**
 * FRR tells of a route when it comes in, and chooses among those that came in when its queue has been filling
 * for this long (bgpd/bgp_route.c, process_main_queue). Of the loc-rib it tells afterwards.
 */
const frrQueueMs = 50;

/** What one router says over one connection. */
export class BmpSession {
  readonly #node: string;
  readonly #frames = new BmpFrames();
  /** Of each session of the router, as its two OPENs settled it. */
  readonly #codecs = new Map<string, CodecOptions>();
  #isFrr = false;

  constructor(node: string) {
    this.#node = node;
  }

  /** What is told by the messages that are whole now. Throws BmpError where this is no BMP. */
  receive(bytes: Uint8Array): BmpTold[] {
    return this.#frames.push(bytes).flatMap((frame) => this.#told(decodeBmp(frame)));
  }

  #told(message: BmpMessage): BmpTold[] {
    switch (message.type) {
      case "initiation":
        this.#isFrr = message.sysDescr?.startsWith("FRRouting") === true;
        return [];
      case "peerUp": {
        const { peer, sentOpen, receivedOpen } = message;
        this.#codecs.set(keyOf(peer), codecOf(readOpen(sentOpen), readOpen(receivedOpen)));
        // FRR says when the session before was.
        const { routerUnixMs: _, ...untimed } = this.#of(peer);
        return [{ ...(this.#isFrr ? untimed : this.#of(peer)), what: "peerUp" }];
      }
      case "peerDown": {
        const { peer, down } = message;
        const wasUp = this.#codecs.delete(keyOf(peer));
        return [{ ...this.#of(peer), what: "peerDown", reason: reasonText(down), wasUp }];
      }
      case "routeMonitoring":
        return [this.#routes(message.peer, message.update)];
      case "statistics":
        return [{ ...this.#of(message.peer), what: "statistics" }];
      case "termination":
      case "other":
        return [];
    }
  }

  #routes(peer: HeardPeer, bytes: Uint8Array): BmpTold {
    const { rib } = peer;
    const waits = this.#isFrr && rib !== "loc-rib";
    const told = {
      ...this.#of(peer),
      ...{ what: "routes" as const, rib, announced: [], withdrawn: [] },
      ...(waits && { decidesWithinMs: frrQueueMs }),
    };
    let update: Message;
    try {
      const codec = this.#codecs.get(keyOf(peer)) ?? plain;
      const fourOctetAs = peer.twoOctetAsPath !== true;
      update = decodeMessage(bytes, { ...codec, fourOctetAs, anyNextHop: true }).message;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return { ...told, problem: error.message };
    }
    if (update.type !== "UPDATE")
      return { ...told, problem: `${update.type} in place of an UPDATE` };
    return {
      ...told,
      announced: update.announced.flatMap(({ prefixes, nextHop: via }) =>
        prefixes.map((prefix) => ({ prefix, via })),
      ),
      withdrawn: update.withdrawn.flatMap(({ prefixes }) => prefixes),
    };
  }

  #of({ address: peer, atMs }: HeardPeer) {
    return { node: this.#node, peer, ...(atMs !== undefined && { routerUnixMs: atMs }) };
  }
}

/** Of routes of the router's own, which have no session. */
const plain: CodecOptions = { fourOctetAs: true, extendedMessage: true };

function keyOf({ address, distinguisher = "", rib }: HeardPeer): string {
  return `${rib === "loc-rib" ? rib : ""} ${distinguisher} ${address}`;
}

/** Undefined where it cannot be read: then the UPDATEs of the session are read as plain ones. */
function readOpen(bytes: Uint8Array): OpenMessage | undefined {
  try {
    const { message } = decodeMessage(bytes, plain);
    return message.type === "OPEN" ? message : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Of what the router receives: which families have Path Identifiers (RFC 7911 §4). */
function codecOf(sent: OpenMessage | undefined, received: OpenMessage | undefined): CodecOptions {
  const entriesOf = (open: OpenMessage | undefined) =>
    open?.capabilities.flatMap((each) => (each.capability === "addPath" ? each.entries : [])) ?? [];
  const isReceived = (afi: string) =>
    entriesOf(sent).some(({ family, receive }) => family.afi === afi && receive);
  const pathIdsIn = entriesOf(received)
    .filter(({ family, send }) => send && isReceived(family.afi))
    .map(({ family }) => family);
  return { ...plain, ...(pathIdsIn.length > 0 && { pathIdsIn }) };
}

/** RFC 7854 §4.9. */
function reasonText(down: HeardPeerDown): string {
  switch (down.reason) {
    case "localNotification":
      return `sent ${notificationText(down.notification)}`;
    case "remoteNotification":
      return `received ${notificationText(down.notification)}`;
    case "localNoNotification":
      return "closed without a NOTIFICATION";
    case "remoteNoData":
      return "the neighbor closed without a NOTIFICATION";
    case "other":
      return `reason ${down.code} of RFC 7854`;
  }
}

function notificationText(bytes: Uint8Array): string {
  try {
    const { message } = decodeMessage(bytes, plain);
    if (message.type === "NOTIFICATION") return notificationName(message.code, message.subcode);
    return message.type;
  } catch (error) {
    if (error instanceof WireError) return "a NOTIFICATION that cannot be read";
    throw error;
  }
}
