// BMP messages (RFC 7854): their numbers, and how a monitored router writes them. decode-bmp.ts reads them.
import { type Address, addressToBytes, familyOf } from "../../net/address.ts";
import { ByteWriter } from "./bytes.ts";

/** RFC 7854 §4.1. */
export const bmpVersion = 3;

/** RFC 7854 §4.1: version, length and type. */
export const commonHeaderBytes = 6;

export const BmpType = {
  routeMonitoring: 0,
  statisticsReport: 1,
  peerDownNotification: 2,
  peerUpNotification: 3,
  initiation: 4,
  termination: 5,
  // routeMirroring: 6,
} as const;

/** RFC 7854 §4.2: of the Peer Flags. Those of this speaker have AS numbers of four octets. */
export const PeerFlag = {
  ipv6: 0x80,
  postPolicy: 0x40,
  twoOctetAsPath: 0x20,
  adjRibOut: 0x10 /* RFC 8671 §4 */,
} as const;

export const PeerType = { globalInstance: 0, locRib: 3 /* RFC 9069 §4.1 */ } as const;

/** RFC 7854 §4.4, §4.5: the Information TLVs of Initiation and Termination. */
export const InformationType = { string: 0, sysDescr: 1, sysName: 2 } as const;
/** RFC 9069 §5.3: of a Peer Up. */
export const tableNameType = 3;
export const TerminationType = { string: 0, reason: 1 } as const;

/** RFC 7854 §4.5. */
export const TerminationReason = { administrativelyClosed: 0 } as const;

/** RFC 7854 §4.8: those that this speaker counts. Gauges have 64 bits. */
export const StatisticsType = { adjRibInRoutes: 7, locRibRoutes: 8 } as const;

/** Which routes a message speaks of: as a peer sent them, as policy left them, or as they are used (RFC 9069). */
export type BmpRib = "pre-policy" | "post-policy" | "loc-rib";

/** RFC 7854 §4.2: of which session a message speaks; of `loc-rib` the speaker itself (RFC 9069 §4). */
export type BmpPeer = {
  rib?: BmpRib;

  address: Address;
  asn: number;
  bgpIdentifier: Address;
  /** Milliseconds since 1970; undefined: not known. */
  atMs?: number;
};

/** RFC 7854 §4.9. Frames are whole BGP messages with their header. */
export type PeerDown =
  | { reason: "localNotification"; notification: Uint8Array }
  /** The event of RFC 4271 §8.1 by its number; 0 where none fits. */
  | { reason: "localNoNotification"; fsmEvent: number }
  | { reason: "remoteNotification"; notification: Uint8Array }
  | { reason: "remoteNoData" };

/** First on every connection to a station (RFC 7854 §4.3). */
export function encodeInitiation(of: { sysName: string; sysDescr: string }): Uint8Array {
  const body = new ByteWriter();
  textTlv(body, InformationType.sysDescr, of.sysDescr);
  textTlv(body, InformationType.sysName, of.sysName);
  return message(BmpType.initiation, body);
}

/** Last on a connection (RFC 7854 §4.5). */
export function encodeTermination(reason: number, words?: string): Uint8Array {
  const body = new ByteWriter().u16(TerminationType.reason).u16(2).u16(reason);
  if (words !== undefined) textTlv(body, TerminationType.string, words);
  return message(BmpType.termination, body);
}

/** `update`: one UPDATE with its header, AS numbers of four octets (RFC 7854 §4.6). */
export function encodeRouteMonitoring(peer: BmpPeer, update: Uint8Array): Uint8Array {
  return message(BmpType.routeMonitoring, peerHeader(peer).bytes(update));
}

/** RFC 7854 §4.10. Ports that are not known are 0; the OPENs are whole messages. */
export type PeerUp = {
  localAddress: Address;
  localPort: number;
  remotePort: number;
  sentOpen: Uint8Array;
  receivedOpen: Uint8Array;
  /** Of the loc-rib (RFC 9069 §5.3). */
  tableName?: string;
};

export function encodePeerUp(peer: BmpPeer, of: PeerUp): Uint8Array {
  const body = peerHeader(peer);
  writeAddress(body, of.localAddress);
  body.u16(of.localPort).u16(of.remotePort).bytes(of.sentOpen).bytes(of.receivedOpen);
  if (of.tableName !== undefined) textTlv(body, tableNameType, of.tableName);
  return message(BmpType.peerUpNotification, body);
}

export function encodePeerDown(peer: BmpPeer, down: PeerDown): Uint8Array {
  const body = peerHeader(peer);
  switch (down.reason) {
    case "localNotification":
      body.u8(1).bytes(down.notification);
      break;
    case "localNoNotification":
      body.u8(2).u16(down.fsmEvent);
      break;
    case "remoteNotification":
      body.u8(3).bytes(down.notification);
      break;
    case "remoteNoData":
      body.u8(4);
      break;
  }
  return message(BmpType.peerDownNotification, body);
}

/** RFC 7854 §4.8: each a gauge of 64 bits. */
export function encodeStatistics(
  peer: BmpPeer,
  gauges: readonly { type: number; value: number }[],
): Uint8Array {
  const body = peerHeader(peer).u32(gauges.length);
  for (const { type, value } of gauges) {
    body.u16(type).u16(8);
    body.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
  }
  return message(BmpType.statisticsReport, body);
}

/** RFC 7854 §4.2. */
function peerHeader({ address, asn, bgpIdentifier, atMs = 0, rib }: BmpPeer): ByteWriter {
  const isLocRib = rib === "loc-rib";
  const flags =
    (familyOf(address) === "ipv6" ? PeerFlag.ipv6 : 0) |
    (rib === "post-policy" ? PeerFlag.postPolicy : 0);
  // RFC 9069 §4.2: none of these flags; its F flag is clear, for nothing is left out.
  const writer = new ByteWriter()
    .u8(isLocRib ? PeerType.locRib : PeerType.globalInstance)
    .u8(isLocRib ? 0 : flags);
  // Peer Distinguisher: none in the global instance.
  writer.u32(0).u32(0);
  writeAddress(writer, address);
  return writer
    .u32(asn)
    .address(bgpIdentifier)
    .u32(Math.floor(atMs / 1000))
    .u32(Math.floor((atMs % 1000) * 1000));
}

/** Sixteen octets; IPv4 in the last four. */
function writeAddress(writer: ByteWriter, address: Address): void {
  const bytes = addressToBytes(address);
  writer.bytes(new Uint8Array(16 - bytes.length)).bytes(bytes);
}

function textTlv(writer: ByteWriter, type: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  writer.u16(type).u16(bytes.length).bytes(bytes);
}

function message(type: number, body: ByteWriter): Uint8Array {
  return new ByteWriter()
    .u8(bmpVersion)
    .u32(commonHeaderBytes + body.length)
    .u8(type)
    .bytes(body.finish())
    .finish();
}
